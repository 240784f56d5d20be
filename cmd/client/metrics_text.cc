#include "cmd/client/metrics_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>

#include "core/check.h"

namespace crier::cmd {
namespace {

// Takes one line apart, left to right. Every take_ returns false where the line does not go on so.
class LineParser {
 public:
  explicit LineParser(std::string_view line) : rest_(line) {}

  bool parse(Sample& sample) {
    return take_name(sample.name) && take_labels(sample) && take_value(sample.value);
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_name(std::string& name) {
    const std::size_t size = std::min(rest_.find_first_of(" \t{}=\",#"), rest_.size());
    name = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return size > 0;
  }

  bool take_labels(Sample& sample) {
    if (!take('{')) return true;
    while (true) {
      skip_blanks();
      if (take('}')) return true;
      auto& [name, value] = sample.labels.emplace_back();
      if (!take_name(name) || !take('=') || !take_quoted(value)) return false;
      skip_blanks();
      if (!take(',') && !rest_.starts_with('}')) return false;
    }
  }

  bool take_quoted(std::string& value) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\' && !rest_.empty()) {
        c = rest_[0] == 'n' ? '\n' : rest_[0];
        rest_.remove_prefix(1);
      }
      value += c;
    }
    return false;
  }

  bool take_value(double& value) {
    skip_blanks();
    std::string_view text = rest_.substr(0, rest_.find_first_of(" \t\r"));
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && error == std::errc{} && end == text.data() + text.size();
  }

  std::string_view rest_;
};

void add_to(std::vector<std::pair<std::string, double>>& sums, std::string_view key, double value) {
  const auto found = std::ranges::find(sums, key, &std::pair<std::string, double>::first);
  if (found == sums.end()) {
    sums.emplace_back(key, value);
  } else {
    found->second += value;
  }
}

using Sums = std::vector<std::pair<std::string, double>>;

Sums sums_of(const std::vector<Sample>& samples, std::string_view name, std::string_view label) {
  Sums sums;
  for (const Sample& sample : samples) {
    if (sample.name == name) add_to(sums, sample.label(label), sample.value);
  }
  return sums;
}

struct Bucket {
  double bound;
  double count;  // Of everything up to the bound.
};

}  // namespace

std::string_view Sample::label(std::string_view label_name) const {
  const auto found =
      std::ranges::find(labels, label_name, &std::pair<std::string, std::string>::first);
  return found == labels.end() ? std::string_view{} : std::string_view(found->second);
}

MetricsText MetricsText::parse(std::string_view text) {
  MetricsText metrics;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Sample sample;
    // NaN stands for "no value".
    if (LineParser(line).parse(sample) && !std::isnan(sample.value))
      metrics.samples_.push_back(std::move(sample));
  }
  return metrics;
}

std::optional<double> MetricsText::sum(std::string_view name) const {
  std::optional<double> sum;
  for (const Sample& sample : samples_) {
    if (sample.name == name) sum = sum.value_or(0) + sample.value;
  }
  return sum;
}

std::vector<std::pair<std::string, double>> MetricsText::by_label(std::string_view name,
                                                                  std::string_view label) const {
  Sums sums = sums_of(samples_, name, label);
  std::erase_if(sums, [](const auto& entry) { return entry.second == 0; });
  std::ranges::sort(sums, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return sums;
}

std::optional<double> MetricsText::quantile(std::string_view histogram, double q) const {
  CRIER_CHECK(q >= 0);
  CRIER_CHECK(q <= 1);
  std::vector<Bucket> buckets;
  const std::string name = std::string(histogram) + "_bucket";
  for (const auto& [le, count] : sums_of(samples_, name, "le")) {
    const double infinity = std::numeric_limits<double>::infinity();
    double bound = infinity;
    if (le != "+Inf") {
      const auto [end, error] = std::from_chars(le.data(), le.data() + le.size(), bound);
      if (error != std::errc{} || end != le.data() + le.size()) continue;
    }
    buckets.push_back({bound, count});
  }
  std::ranges::sort(buckets, {}, &Bucket::bound);
  if (buckets.empty() || !(buckets.back().count > 0)) return std::nullopt;
  const double rank = q * buckets.back().count;
  const auto at = std::ranges::find_if(buckets, [&](const Bucket& b) { return b.count >= rank; });
  CRIER_CHECK(at != buckets.end());
  const Bucket below = at == buckets.begin() ? Bucket{0, 0} : *(at - 1);
  // Nothing is known beyond the last bound.
  if (std::isinf(at->bound)) return below.bound;
  const double inside = at->count - below.count;
  return inside == 0 ? at->bound
                     : below.bound + (at->bound - below.bound) * (rank - below.count) / inside;
}

}  // namespace crier::cmd
