// The kernel parameters that crier needs: a table with one row per parameter. The wanted values
// depend on what the configuration adds up to.
//
// Only values and text here; reading and writing parameters is cmd/tuning/tuning.h's. To add a
// parameter, add its row to kernel.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/budget.h"
#include "config/config.h"

namespace crier::config {

// The figures on which the wanted values depend.
struct KernelNeed {
  std::uint64_t connections = 0;  // Streams and requests that this machine can hold at a time.
  // epoll watches for all connections; if the kernel allows fewer, those for limits.streams_max.
  std::uint64_t watches = 0;
  std::uint64_t descriptors = 0;        // In the fullest table, for limits.streams_max.
  std::uint64_t backlog = 0;            // http.backlog
  std::uint64_t send_buffer_bytes = 0;  // 0: the kernel's default
  bool kernel_low_water = false;        // socket.unsent_low_water_bytes is 0, the kernel's.
  bool bbr = false;                     // kernel.bbr
  std::uint64_t memory_bytes = 0;       // The machine's or the cgroup's; 0: unknown.
  std::uint64_t page_bytes = 4'096;
};

KernelNeed kernel_need(const Config& config, const Budget& budget, const Fit& fit,
                       const Machine& machine);

// A limit is only ever raised, a time only ever shortened: what is better already is left alone.
enum class Better : std::uint8_t {
  any,     // Any value is right.
  higher,  // At least the value.
  lower,   // At most the value.
};

struct FieldGoal {
  Better better = Better::any;
  std::uint64_t value = 0;
};

// The goal of a parameter: one for each of its numbers in order, or the word that it should be.
struct Goal {
  std::vector<FieldGoal> fields;
  std::string_view word;
};

struct KernelParameter {
  std::string_view name;  // As sysctl(8) spells it, or kOpenFiles.
  std::string_view why;   // One sentence.
  // Returns nothing if this configuration does not depend on the parameter.
  std::optional<Goal> (*goal)(const KernelNeed& need) = nullptr;
};

// The one row that is no sysctl: open files per process or, with tables of their own, per worker.
inline constexpr std::string_view kOpenFiles = "RLIMIT_NOFILE";

std::span<const KernelParameter> kernel_parameters();

// Returns whether `current`, the kernel's text, is as good as wanted; nothing if it has another
// form.
std::optional<bool> meets(const Goal& goal, std::string_view current);

// The text to write: `current` with each number replaced that falls short. Requires: meets() has a
// value.
std::string improved(const Goal& goal, std::string_view current);

// Returns the number at position `field`, from 0, of a parameter's text, if it has so many numbers.
std::optional<double> field_of(std::string_view current, std::size_t field);

// For people: "at least 4096", "any, any, at least 65536", "bbr".
std::string to_text(const Goal& goal);

}  // namespace crier::config
