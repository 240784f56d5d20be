// Helpers of the tests of a journal's file.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/journal_batch.h"
#include "cmd/journal/journal_store.h"
#include "tests/support/catch.h"

namespace crier::cmd {

inline std::string batch_body(const std::string& topic, const std::string& data,
                              std::size_t events = 1) {
  std::vector<broadcast::PublishEvent> group(events);
  for (auto& event : group) event.event = {.topic = topic, .data = data};
  const broadcast::KeyUse key{{data.size(), 1}, {7, 7}, 0, static_cast<std::uint32_t>(events)};
  broadcast::BatchWriter writer;
  writer.add({group, {&key, 1}, {}});
  return writer.take();
}

// What load() gives.
class LoadedBatches final : public StoreVisitor {
 public:
  void on_remembered(const broadcast::Remembered& remembered) override { head = remembered.head; }
  void on_batch(const StoredBatch& batch) override {
    batches.emplace(batch.first, std::pair{batch.last, std::string(batch.body)});
  }
  void on_hole(std::uint64_t through) override { hole = through; }

  std::map<std::uint64_t, std::pair<std::uint64_t, std::string>> batches;
  std::uint64_t hole = 0;
  std::uint64_t head = 0;  // That was remembered.
};

inline JournalStore opened(StoreOptions options) {
  auto store = JournalStore::open(std::move(options));
  INFO((store ? "" : store.error().detail));
  REQUIRE(store.has_value());
  return std::move(*store);
}

// Loaded and in use.
inline JournalStore used(StoreOptions options) {
  JournalStore store = opened(std::move(options));
  LoadedBatches nothing;
  REQUIRE(store.load(nothing).has_value());
  REQUIRE(store.begin_use().has_value());
  return store;
}

inline std::string refusal(const std::string& path, bool create = true) {
  const auto store = JournalStore::open({.path = path, .create = create});
  REQUIRE(!store.has_value());
  return store.error().detail;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline void commit(JournalStore& store, const std::string& data, std::size_t events = 1) {
  const std::string body = batch_body("a.b", data, events);
  const std::uint64_t first = store.last() + 1;
  REQUIRE(store.commit({first, first + events - 1, 5'000, body}).has_value());
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace crier::cmd
