// Reads the Prometheus text format (version 0.0.4), as far as a summary needs it: names, labels,
// values.
//
// Lines that it cannot read are skipped: a summary of what is there is better than none. A value;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crier::cmd {

struct Sample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;

  // The label's value, or an empty view.
  std::string_view label(std::string_view label_name) const;
};

class MetricsText {
 public:
  static MetricsText parse(std::string_view text);

  const std::vector<Sample>& samples() const { return samples_; }

  // All samples of that name added up, or nothing if there are none.
  std::optional<double> sum(std::string_view name) const;
  // Added up for each value of a label, largest first, without zeros.
  std::vector<std::pair<std::string, double>> by_label(std::string_view name,
                                                       std::string_view label) const;
  // The q-quantile of a histogram, interpolated within its bucket as histogram_quantile() does;
  // nothing if it has no observations. Requires: 0 <= q <= 1.
  std::optional<double> quantile(std::string_view histogram, double q) const;

 private:
  std::vector<Sample> samples_;
};

}  // namespace crier::cmd
