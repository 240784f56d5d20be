// The catalogue of metrics: families of numbers, each with its name, its help and where to read it.
//
// The daemon fills a catalogue once, before the first reading. The catalogue counts nothing: each
// number is a Counter of the code that counts, often on a worker's thread, and is read when a
// scrape asks. Counters of one family that are added with the same labels are one series, whose
// value is their sum; so the counters of all workers become one number.
//
// Names follow Prometheus: base units (seconds, bytes), and counters end in `_total`. The values of
// a label are a fixed list. A client can never choose one, because the number of series would then
// grow without bound. A name, help or label against these rules is a bug of crier and stops the
// daemon at its start.
//
// All that is added must outlive the catalogue. One thread fills it; a Reader runs on the thread
// that renders.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/counter.h"
#include "core/instant.h"

namespace crier::metrics {

enum class Kind : std::uint8_t { counter, gauge, histogram };
constexpr std::array<std::string_view, 3> names_of(Kind /*selects*/) {
  return {"counter", "gauge", "histogram"};
}

using Labels = std::vector<std::pair<std::string, std::string>>;

// Returns the value, or nothing while the value is unknown; the series is then left out.
using Reader = std::function<std::optional<double>()>;

// The sum of the histograms of one family, in the unit they were given.
struct HistogramValues {
  std::vector<std::uint64_t> buckets;  // Not cumulative; the last one is +Inf.
  std::uint64_t sum = 0;
};

struct Series {
  Labels labels;
  std::vector<const Counter*> counters;
  std::vector<Reader> readers;
};

struct Family {
  Kind kind;
  std::string name;
  std::string help;
  std::vector<Series> series;  // Used by counters and gauges.

  // Used by histograms, which have one series without labels.
  std::span<const std::uint64_t> bounds;
  // Divides bounds and sum to give the unit of the name, e.g. 1e6 from microseconds to seconds.
  double units = 1.0;
  // Each function adds the values of one histogram.
  std::vector<std::function<void(HistogramValues&)>> histograms;
};

class Catalogue {
 public:
  // Adds numbers to one counter or gauge. Valid as long as the catalogue.
  class Numbers {
   public:
    Numbers& add(const Counter& counter) { return add({}, counter); }
    Numbers& add(Reader reader) { return add({}, std::move(reader)); }
    // Requires: all series of a family have the same label names.
    Numbers& add(const Labels& labels, const Counter& counter);
    Numbers& add(const Labels& labels, Reader reader);

   private:
    friend class Catalogue;
    explicit Numbers(Family& family) : family_(&family) {}
    Series& series(const Labels& labels);
    Family* family_;
  };

  // Adds histograms to one family. Valid as long as the catalogue.
  class Histograms {
   public:
    // Requires: all histograms of a family have the same bounds.
    template <std::size_t N>
    Histograms& add(const Histogram<N>& histogram) {
      add(histogram.bounds(), [&histogram](HistogramValues& values) {
        for (std::size_t i = 0; i <= N; ++i) values.buckets[i] += histogram.bucket(i);
        values.sum += histogram.sum();
      });
      return *this;
    }

   private:
    friend class Catalogue;
    explicit Histograms(Family& family) : family_(&family) {}
    void add(std::span<const std::uint64_t> bounds, std::function<void(HistogramValues&)> adder);
    Family* family_;
  };

  Catalogue() = default;
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;
  Catalogue(Catalogue&&) noexcept(false) = default;  // A deque allocates when moved from.

  // Adds a family. Requires: no other family has this name; `help` is one line without backslashes.
  Numbers counter(std::string_view name, std::string_view help);
  Numbers gauge(std::string_view name, std::string_view help);
  // Adds a family of histograms. Bounds and sum are divided by `units` to give the unit of the
  // name.
  Histograms histogram(std::string_view name, std::string_view help, double units);

  // Registers a function that reads several numbers together. refresh() calls it, unless it has
  // called it within the last `every_us` microseconds.
  void before_reading(std::uint64_t every_us, std::function<void()> find_out);
  // Calls the functions of before_reading() that are due. Call it before each reading.
  void refresh(Instant now);

  const std::deque<Family>& families() const { return families_; }
  // Returns null if no family has this name.
  const Family* find(std::string_view name) const;
  // Returns the largest number of samples that a reading can have.
  std::size_t samples() const;

 private:
  struct Refresher {
    std::uint64_t every_us;
    std::function<void()> find_out;
    std::optional<Instant> called_at;
  };

  Family& family(Kind kind, std::string_view name, std::string_view help);

  std::deque<Family> families_;  // A deque, because a family must not move.
  std::vector<Refresher> refreshers_;
};

}  // namespace crier::metrics
