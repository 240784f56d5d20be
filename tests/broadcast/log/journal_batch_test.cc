#include "broadcast/log/journal_batch.h"

#include <string>
#include <vector>

#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {
namespace {

const std::string kLongData(300, 'd');
const std::vector<PublishEvent> kTwo = {{{.topic = "a.b", .data = "one", .name = "created"}},
                                        {{.topic = "c", .data = kLongData}}};
const std::vector<PublishEvent> kClosing = {
    {{.topic = "a.b", .data = "{\"topic\":\"a.b\"}", .name = kClosedName}}};
const std::vector<KeyUse> kKeys = {{{1, 2}, {3, 4}, 0, 2}, {{5, 6}, {7, 8}, 1, 1}};

std::string two_groups() {
  BatchWriter writer;
  writer.add({kTwo, kKeys, {}});
  writer.add({kClosing, {}, {}});
  CHECK(writer.end() == 3);
  return writer.take();
}

// All records in words.
std::vector<std::string> read(std::string_view body, std::uint64_t first, std::uint64_t last) {
  std::vector<std::string> records;
  BatchReader reader(body, first, last);
  for (;;) {
    const Event& event = reader.event();
    const FirstAnswer& answer = reader.answer();
    switch (reader.next()) {
      case BatchPart::event:
        records.push_back(std::to_string(reader.sequence()) + " " + std::string(event.topic) + " " +
                          std::string(event.name) + " " + std::string(event.data));
        break;
      case BatchPart::key:
        records.push_back(
            "key " + std::to_string(reader.key().low) + std::to_string(reader.key().high) +
            std::to_string(reader.content().low) + std::to_string(reader.content().high) + " " +
            std::to_string(answer.first_sequence) + "-" + std::to_string(answer.last_sequence) +
            " " + std::to_string(answer.accepted));
        break;
      case BatchPart::end:
        return records;
      case BatchPart::malformed:
        records.push_back("malformed");
        return records;
    }
  }
}

}  // namespace

TEST_CASE("a batch is read back with the sequences that it was given afterwards") {
  const std::string body = two_groups();
  CHECK(read(body, 101, 103) ==
        std::vector<std::string>{"101 a.b created one", "102 c  " + kLongData, "key 1234 101-102 2",
                                 "key 5678 102-102 1", "103 a.b crier.closed {\"topic\":\"a.b\"}"});
  CHECK(valid_batch(body, 101, 103));
  CHECK_FALSE(valid_batch(body, 101, 102));  // Fewer numbers than events.
  CHECK_FALSE(valid_batch(body, 0, 3));      // No event has the number 0.
}

TEST_CASE("a batch may keep a part of its events, and the keys of others") {
  BatchWriter writer;
  writer.add_event(kTwo[1].event, 7);
  writer.add_event(kTwo[0].event, 20);
  writer.add_key({1, 2}, {3, 4}, {2, 5, 3});
  CHECK(writer.end() == 21);
  const std::string body = writer.take();
  CHECK(writer.empty());
  CHECK(writer.end() == 0);
  CHECK(read(body, 100, 130) == std::vector<std::string>{"107 c  " + kLongData,
                                                         "120 a.b created one",
                                                         "key 1234 102-105 3"});
  CHECK(valid_batch(body, 100, 120));
  CHECK_FALSE(valid_batch(body, 100, 119));
  CHECK_FALSE(valid_batch(body, ~std::uint64_t{0} - 5, ~std::uint64_t{0}));
}

TEST_CASE("a batch of which anything is missing is not valid") {
  const std::string body = two_groups();
  std::size_t whole_records = 0;
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    if (valid_batch(std::string_view(body).substr(0, cut), 101, 103)) ++whole_records;
  }
  CHECK(whole_records == 5);  // A cut between two records is for the checksum to find.
  CHECK_FALSE(valid_batch(body + 'x', 101, 103));
}

TEST_CASE("an event that crier would not have accepted makes a batch invalid") {
  const auto [name, topic, event_name, data] =
      GENERATE(table<std::string, std::string, std::string, std::string>({
          {"no topic", "", "", "x"},
          {"a pattern", "a.*", "", "x"},
          {"line end in the name", "a", "b\nc", "x"},
          {"reserved name", "a", "crier.gap", "x"},
          {"not UTF-8", "a", "", "\xff"},
          {"NUL", "a", "", std::string("x\0y", 3)},
      }));
  INFO(name);
  BatchWriter writer;
  writer.add_event({.topic = topic, .data = data, .name = event_name}, 0);
  CHECK_FALSE(valid_batch(writer.take(), 1, 1));
}

TEST_CASE("what the log remembers is read back, and a cut is found") {
  Remembered remembered{.head = 1'000, .floor = 7, .topics = {}};
  remembered.topics = {
      {~std::uint64_t{0}, 900}, {4, 0}, {5, 0, {999, 998}}, {6, 7, {7, 0}}, {6, 9}};
  std::string bytes;
  append_remembered(bytes, remembered);
  CHECK(read_remembered(bytes) == remembered);
  std::size_t whole_records = 0;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    if (read_remembered(std::string_view(bytes).substr(0, cut))) ++whole_records;
  }
  CHECK(whole_records == 5);
  CHECK_FALSE(read_remembered(bytes + 'x'));

  remembered.floor = 0;  // Open topics that have lost nothing then say nothing.
  bytes.clear();
  append_remembered(bytes, remembered);
  remembered.topics = {{~std::uint64_t{0}, 900}, {5, 0, {999, 998}}, {6, 7, {7, 0}}, {6, 9}};
  CHECK(read_remembered(bytes) == remembered);
}

}  // namespace crier::broadcast
