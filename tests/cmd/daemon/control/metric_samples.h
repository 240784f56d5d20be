// The text of /metrics, read back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"

namespace crier::cmd {

// One line of /metrics: its name, the text between its braces, its value.
struct Sample {
  std::string name;
  std::string labels;
  double value = 0;

  // The label's value, or an empty view.
  std::string_view label(std::string_view label_name) const {
    const std::string before = std::string(label_name) + "=\"";
    const std::size_t at = labels.find(before);
    if (at == std::string::npos) return {};
    const std::string_view rest = std::string_view(labels).substr(at + before.size());
    return rest.substr(0, rest.find('"'));
  }
};

class Samples {
 public:
  explicit Samples(std::string_view text) {
    for (; !text.empty(); text.remove_prefix(text.find('\n') + 1)) {
      const std::string_view line = text.substr(0, text.find('\n'));
      if (line.starts_with('#')) continue;
      const std::size_t space = line.rfind(' ');
      const std::size_t brace = std::min(line.find('{'), space);
      all_.push_back({std::string(line.substr(0, brace)),
                      std::string(line.substr(brace, space - brace)),
                      std::stod(std::string(line.substr(space + 1)))});
    }
  }

  const std::vector<Sample>& samples() const { return all_; }
  // The sum of all samples of that name; nothing if there are none.
  std::optional<double> sum(std::string_view name) const {
    std::optional<double> sum;
    for (const Sample& sample : all_) {
      if (sample.name == name) sum = sum.value_or(0) + sample.value;
    }
    return sum;
  }

 private:
  std::vector<Sample> all_;
};

inline double labelled(const Samples& text, std::string_view name, std::string_view value,
                       std::string_view label = "reason") {
  for (const Sample& sample : text.samples()) {
    if (sample.name == name && sample.label(label) == value) return sample.value;
  }
  FAIL("no sample of " << name << " with the " << label << " " << value);
  return -1;
}

}  // namespace crier::cmd
