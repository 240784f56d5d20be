#include "cmd/daemon/metric_reference.h"

#include <optional>
#include <string>

#include "config/config.h"
#include "metrics/exporter.h"
#include "metrics/reading.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

std::optional<double> setting(const metrics::Catalogue& catalogue, const std::string& key) {
  for (const metrics::Series& series : catalogue.find("crier_setting")->series) {
    if (series.labels == metrics::Labels{{"key", key}}) return metrics::read(series);
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("the reference of metrics is the same on every machine") {
  const MetricReference reference("1.2.3");
  CHECK(reference.catalogue().find("crier_kernel_parameter")->series.empty());
  CHECK(metrics::render(reference.catalogue()) ==
        metrics::render(MetricReference("1.2.3").catalogue()));
}

TEST_CASE("all series are few, those of kernel parameters included") {
  using enum MetricReference::Journals;
  constexpr std::size_t kKernelSeriesMax = 26;  // Of a system that has all parameters.
  CHECK(MetricReference("1.2.3", file).catalogue().samples() + kKernelSeriesMax <= 500);
  CHECK(MetricReference("1.2.3", nodes).catalogue().samples() + kKernelSeriesMax <= 500);
}

TEST_CASE("settings that are numbers are shown as they are in force") {
  const config::Config defaults;
  const MetricReference reference("1.2.3");
  const metrics::Catalogue& catalogue = reference.catalogue();
  CHECK(setting(catalogue, "limits.owing_seconds_max") == defaults.limits.owing_seconds_max);
  CHECK(setting(catalogue, "history.bytes_max") == static_cast<double>(defaults.history.bytes_max));
  CHECK_FALSE(setting(catalogue, "limits.streams_max"));  // It is `auto`.
  CHECK_FALSE(setting(catalogue, "http.backlog"));
}

}  // namespace crier::cmd
