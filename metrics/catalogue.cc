#include "metrics/catalogue.h"

#include <algorithm>

#include "core/check.h"

namespace crier::metrics {
namespace {

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
         std::ranges::all_of(name, fits);
}

bool same_names(const Labels& one, const Labels& other) {
  return std::ranges::equal(one, other, {}, &Labels::value_type::first, &Labels::value_type::first);
}

}  // namespace

Series& Catalogue::Numbers::series(const Labels& labels) {
  auto& all = family_->series;
  const auto found = std::ranges::find(all, labels, &Series::labels);
  if (found != all.end()) return *found;
  for (const auto& [name, value] : labels) CRIER_CHECK(is_name(name) && name != "le");
  CRIER_CHECK(all.empty() || same_names(all.front().labels, labels));
  all.push_back({.labels = labels, .counters = {}, .readers = {}});
  return all.back();
}

Catalogue::Numbers& Catalogue::Numbers::add(const Labels& labels, const Counter& counter) {
  series(labels).counters.push_back(&counter);
  return *this;
}

Catalogue::Numbers& Catalogue::Numbers::add(const Labels& labels, Reader reader) {
  series(labels).readers.push_back(std::move(reader));
  return *this;
}

void Catalogue::Histograms::add(std::span<const std::uint64_t> bounds,
                                std::function<void(HistogramValues&)> adder) {
  if (family_->histograms.empty()) family_->bounds = bounds;
  CRIER_CHECK(std::ranges::equal(family_->bounds, bounds) && std::ranges::is_sorted(bounds));
  family_->histograms.push_back(std::move(adder));
}

Catalogue::Numbers Catalogue::counter(std::string_view name, std::string_view help) {
  CRIER_CHECK(name.ends_with("_total"));
  return Numbers(family(Kind::counter, name, help));
}

Catalogue::Numbers Catalogue::gauge(std::string_view name, std::string_view help) {
  CRIER_CHECK(!name.ends_with("_total"));
  return Numbers(family(Kind::gauge, name, help));
}

Catalogue::Histograms Catalogue::histogram(std::string_view name, std::string_view help,
                                           double units) {
  CRIER_CHECK(units > 0);
  Family& made = family(Kind::histogram, name, help);
  made.units = units;
  return Histograms(made);
}

Family& Catalogue::family(Kind kind, std::string_view name, std::string_view help) {
  CRIER_CHECK(is_name(name));
  // The prometheus library writes help text without escaping it.
  CRIER_CHECK(!help.empty() && help.find_first_of("\n\\") == std::string_view::npos);
  CRIER_CHECK(std::ranges::find(families_, name, &Family::name) == families_.end());
  Family& made = families_.emplace_back();
  made.kind = kind;
  made.name = name;
  made.help = help;
  return made;
}

void Catalogue::before_reading(std::uint64_t every_us, std::function<void()> find_out) {
  refreshers_.push_back({every_us, std::move(find_out), std::nullopt});
}

void Catalogue::refresh(Instant now) {
  for (Refresher& each : refreshers_) {
    if (each.called_at && now.us - each.called_at->us < each.every_us) continue;
    each.called_at = now;
    each.find_out();
  }
}

const Family* Catalogue::find(std::string_view name) const {
  const auto found = std::ranges::find(families_, name, &Family::name);
  return found == families_.end() ? nullptr : &*found;
}

std::size_t Catalogue::samples() const {
  std::size_t count = 0;
  for (const Family& family : families_) {
    // A histogram has its buckets, +Inf, a sum and a count.
    count += family.kind == Kind::histogram ? family.bounds.size() + 3 : family.series.size();
  }
  return count;
}

}  // namespace crier::metrics
