// The catalogue of metrics of a daemon that has done nothing, for the reference page.
//
// It has every family with its help and the values of its labels, or those that a daemon with one
// form of journal has. Families that depend on the
// machine, those of kernel parameters, have no series. Constructing it reads nothing of the system.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::cmd {

class MetricReference {
 public:
  enum class Journals : std::uint8_t { all, file, nodes };

  explicit MetricReference(std::string_view version, Journals journals = Journals::all);
  ~MetricReference();
  MetricReference(const MetricReference&) = delete;
  MetricReference& operator=(const MetricReference&) = delete;

  const metrics::Catalogue& catalogue() const;

 private:
  struct Idle;
  std::unique_ptr<Idle> idle_;
};

}  // namespace crier::cmd
