#include "cmd/daemon/control/state_metrics.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "config/knob.h"

namespace crier::cmd {
namespace {

using metrics::Catalogue;

// The time between two reads of kernel parameters: each reads about twenty files of /proc.
constexpr std::uint64_t kKernelMicros = 15'000'000;

void add_ready(Catalogue& catalogue, const std::function<bool()>& ready) {
  catalogue.gauge("crier_ready", "1: crier accepts streams; 0: it does not, and /readyz says why.")
      .add([ready] { return ready() ? 1.0 : 0.0; });
}

void add_canary(Catalogue& catalogue, const net::SocketPlan& sockets) {
  catalogue
      .gauge("crier_canary_percent",
             "Share of new connections that get the socket options of a canary; 0: no canary.")
      .add([&sockets] { return static_cast<double>(sockets.canary_percent); });
}

void add_kernel(Catalogue& catalogue, KernelTuner& kernel) {
  catalogue.before_reading(kKernelMicros, [&kernel] { kernel.look(); });
  catalogue
      .gauge("crier_kernel_parameters_below",
             "Kernel parameters, open files among them, that fall short: see `crier tune`.")
      .add([&kernel] { return static_cast<double>(kernel.below()); });
  auto values = catalogue.gauge("crier_kernel_parameter",
                                "Kernel parameters in force, by name and place of the number.");
  constexpr std::size_t kFieldsMax = 3;
  for (std::size_t row = 0; row < kernel.all().size(); ++row) {
    const std::string name(kernel.all()[row].parameter->name);
    for (std::size_t field = 0; field < kFieldsMax && kernel.value(row, field); ++field) {
      values.add({{"name", name}, {"field", std::to_string(field)}},
                 [&kernel, row, field] { return kernel.value(row, field); });
    }
  }
}

// The bounds, each beside the gauge that it bounds. A reload assigns to the configuration.
void add_bounds(Catalogue& catalogue, const MetricSources& sources) {
  const config::Config& config = *sources.config;
  catalogue
      .gauge("crier_streams_max",
             "Streams that may be open: limits.streams_max, or what open files, watches and memory "
             "allow.")
      .add([&streams = *sources.streams_max] { return static_cast<double>(streams.load()); });
  catalogue.gauge("crier_history_bytes_max", "history.bytes_max, the bound of crier_history_bytes.")
      .add([&config] { return static_cast<double>(config.history.bytes_max); });
  catalogue.gauge("crier_topics_max", "limits.topics_max, the bound of crier_topics.")
      .add([&config] { return static_cast<double>(config.limits.topics_max); });
  catalogue
      .gauge("crier_owed_total_bytes_max",
             "limits.owed_total_bytes_max, the bound of crier_frame_bytes less "
             "crier_history_frame_bytes.")
      .add([&config] { return static_cast<double>(config.limits.owed_total_bytes_max); });
  catalogue.gauge("crier_publish_connections_open", "Connections of publishers that are open now.")
      .add(sources.publish_connections);
  catalogue
      .gauge("crier_publish_connections_max",
             "publish.connections_max, the bound of crier_publish_connections_open.")
      .add([&config] { return static_cast<double>(config.publish.connections_max); });
}

// Only numbers, and only of these sections: the others do not help to read a graph. A
// setting that was left out or is `auto` has no series.
void add_settings(Catalogue& catalogue, const config::Config& config) {
  constexpr std::string_view kSections[] = {"limits", "history", "heartbeat", "drain"};
  auto settings = catalogue.gauge("crier_setting",
                                  "Settings in force of limits, history, heartbeat and drain, each "
                                  "in the unit of its key: see crier.json(5).");
  for (const config::Knob<config::Config>& knob : config::knobs()) {
    const bool shown =
        std::ranges::find(kSections, config::section_of(knob.key)) != std::end(kSections);
    if (knob.kind != config::Kind::number || !shown) continue;
    settings.add({{"key", std::string(knob.key)}}, [&config, &knob]() -> std::optional<double> {
      const config::Value value = knob.get(config);
      const auto* const number = std::get_if<std::uint64_t>(&value);
      if (number == nullptr) return std::nullopt;
      return static_cast<double>(*number);
    });
  }
}

void add_memory(Catalogue& catalogue, const MemoryReading& memory) {
  auto parts = catalogue.gauge(
      "crier_memory_bytes",
      "What counts towards limits.memory_max, by part; other: anonymous memory that no other part "
      "explains, sockets: the kernel's buffers.");
  for (std::size_t part = 0; part < kNamesOf<MemoryPart>.size(); ++part) {
    parts.add({{"part", std::string(kNamesOf<MemoryPart>[part])}}, [&memory, part] {
      return static_cast<double>(memory.of(static_cast<MemoryPart>(part)));
    });
  }
  catalogue.gauge("crier_memory_max_bytes", "limits.memory_max in bytes; 0: no limit.")
      .add([&memory] { return static_cast<double>(memory.limit); });
  catalogue
      .gauge("crier_memory_stage",
             "How short memory is. 0: ok, 1: warn, 2: replays wait, 3: new streams are refused, 4: "
             "streams end, 5: publishers are refused.")
      .add([&memory] { return static_cast<double>(memory.stage); });
}

void add_reload(Catalogue& catalogue, const ReloadOutcome& reload) {
  catalogue
      .gauge("crier_config_last_reload_successful",
             "1: the last reload, or the start, applied the configuration; 0: it was refused.")
      .add([&reload] { return reload.successful ? 1.0 : 0.0; });
  catalogue
      .gauge("crier_config_last_reload_success_timestamp_seconds",
             "When the configuration was last applied, in seconds since 1970.")
      .add([&reload] { return reload.success_unix_seconds; });
  catalogue
      .gauge("crier_config_pending_settings",
             "Settings of the last applied configuration that wait for a restart.")
      .add([&reload] { return static_cast<double>(reload.pending); });
}

}  // namespace

void add_state_metrics(Catalogue& catalogue, const MetricSources& sources) {
  add_ready(catalogue, sources.ready);
  add_bounds(catalogue, sources);
  add_settings(catalogue, *sources.config);
  add_memory(catalogue, *sources.memory);
  add_reload(catalogue, *sources.reload);
  add_kernel(catalogue, *sources.kernel);
  add_canary(catalogue, *sources.sockets);
}

}  // namespace crier::cmd
