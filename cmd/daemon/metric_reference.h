// The catalogue of metrics of a daemon that has done nothing, for the reference page.
//
// It has every family with its help and the values of its labels. Families that depend on the
// machine, those of kernel parameters, have no series. Constructing it reads nothing of the system.
#pragma once

#include <memory>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::cmd {

class MetricReference {
 public:
  explicit MetricReference(std::string_view version);
  ~MetricReference();
  MetricReference(const MetricReference&) = delete;
  MetricReference& operator=(const MetricReference&) = delete;

  const metrics::Catalogue& catalogue() const;

 private:
  struct Idle;
  std::unique_ptr<Idle> idle_;
};

}  // namespace crier::cmd
