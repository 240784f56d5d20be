// What /metrics shows: families of numbers, each with its name, its help and where to read it.
//
// Whoever wires the daemon fills a catalogue once, before the first reading; nothing is registered
// or counted here. A number lives where it is counted, a Counter on some worker's thread, and is
// read when somebody asks. Series of one family that are added with the same labels are one series,
// their sum: that is how the counters of all workers become one number.
//
// Names follow Prometheus: base units (seconds, bytes), counters end in `_total`. A label's values
// are a fixed list of ours, never anything a client can choose, or series would grow without bound.
// A name, help or label against these rules is our own bug and stops the daemon at its start.
//
// All that is added must outlive the catalogue. Filling belongs to one thread; the readers given as
// functions run on the thread that renders.
#pragma once

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

using Labels = std::vector<std::pair<std::string, std::string>>;

// Nothing: not known just now; the series is left out.
using Reader = std::function<std::optional<double>()>;

// What the histograms of one series hold together, in the unit they were given.
struct HistogramValues {
  std::vector<std::uint64_t> buckets;  // Not cumulative; the last is +Inf.
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
  std::vector<Series> series;  // Of a counter or a gauge.

  // Of a histogram, which has one series without labels.
  std::span<const std::uint64_t> bounds;
  double units = 1.0;  // How many of its units make one second or byte: 1e6 for microseconds.
  std::vector<std::function<void(HistogramValues&)>> histograms;  // Each adds what it holds.
};

class Catalogue {
 public:
  // Where the numbers of one family are added; good as long as the catalogue.
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

  class Histograms {
   public:
    // Requires: the same bounds as those added before.
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

  // Each name once; help is one line without backslashes.
  Numbers counter(std::string_view name, std::string_view help);
  Numbers gauge(std::string_view name, std::string_view help);
  // `units`: what its bounds and sum are divided by to be in the unit of its name.
  Histograms histogram(std::string_view name, std::string_view help, double units);

  // For several numbers that are found out together: refresh() calls `find_out` unless it has
  // within the last `every_us`.
  void before_reading(std::uint64_t every_us, std::function<void()> find_out);
  // Call it before a reading.
  void refresh(Instant now);

  const std::deque<Family>& families() const { return families_; }
  // Null: there is none of that name.
  const Family* find(std::string_view name) const;
  // How many samples a reading has, at most.
  std::size_t samples() const;

 private:
  struct Refresher {
    std::uint64_t every_us;
    std::function<void()> find_out;
    std::optional<Instant> called_at;
  };

  Family& family(Kind kind, std::string_view name, std::string_view help);

  std::deque<Family> families_;  // A family's address stays.
  std::vector<Refresher> refreshers_;
};

}  // namespace crier::metrics
