#include "broadcast/log/forgotten_topics.h"

#include <map>
#include <random>

#include "tests/support/catch.h"

namespace crier::broadcast {

TEST_CASE("a forgotten topic has its entry until the table is full, then the floor") {
  ClosedTopics closed;
  ForgottenTopics forgotten(2, closed);
  CHECK(forgotten.find(1).through == 0);

  forgotten.add(1, {10, 1});
  forgotten.add(2, {20, 2});
  CHECK(forgotten.find(1).through == 10);
  CHECK(forgotten.find(3).through == 0);

  forgotten.add(3, {30, 3});  // The entry with the oldest loss leaves and raises the floor.
  CHECK(forgotten.size() == 2);
  CHECK(forgotten.find(1).through == 10);
  CHECK(forgotten.find(2).through == 20);
  CHECK(forgotten.find(3).through == 30);
  CHECK(forgotten.find(99).through == 10);
  CHECK(forgotten.find(99).number == 1);
  CHECK(forgotten.highest().through == 30);
}

TEST_CASE("removing a topic frees its entry") {
  ClosedTopics closed;
  ForgottenTopics forgotten(2, closed);
  forgotten.add(1, {10, 1});
  forgotten.add(2, {20, 2});
  forgotten.remove(1);
  forgotten.remove(77);
  CHECK(forgotten.size() == 1);
  CHECK(forgotten.find(1).through == 0);
  forgotten.add(3, {30, 3});
  CHECK(forgotten.find(99).through == 0);
  CHECK(forgotten.highest().through == 30);
}

TEST_CASE("a table without room keeps only the floor") {
  ClosedTopics closed;
  ForgottenTopics forgotten(0, closed);
  forgotten.add(1, {10, 4});
  forgotten.add(2, {5, 9});
  CHECK(forgotten.size() == 0);
  CHECK(forgotten.find(1).through == 10);
  CHECK(forgotten.find(1).number == 9);
}

TEST_CASE("a topic that leaves the table is no longer closed") {
  ClosedTopics closed;
  ForgottenTopics forgotten(GENERATE(0U, 1U), closed);
  for (const std::uint64_t topic : {1U, 2U}) {
    closed.add(topic, {topic * 10, 0});
    forgotten.add(topic, {topic * 10, topic});
  }
  CHECK_FALSE(closed.find(1));
  CHECK(closed.find(2).sequence == (forgotten.size() == 1 ? 20 : 0));
}

TEST_CASE("the table never says less than a forgotten topic has lost") {
  const std::size_t topics_max = GENERATE(1U, 2U, 9U, 40U);
  ClosedTopics closed;
  ForgottenTopics forgotten(topics_max, closed);
  std::map<std::uint64_t, std::uint64_t> lost;
  std::mt19937 random(5);
  for (std::uint64_t number = 1; number < 2'000; ++number) {
    const std::uint64_t topic = random() % 60;
    if (random() % 3 == 0) {
      if (lost.erase(topic) > 0) forgotten.remove(topic);
    } else if (!lost.contains(topic)) {
      lost[topic] = number * 10;
      forgotten.add(topic, {number * 10, number});
    }
    REQUIRE(forgotten.size() <= topics_max);
    for (const auto& [known, through] : lost) {
      REQUIRE(forgotten.find(known).through >= through);
      REQUIRE(forgotten.find(known).number >= through / 10);
      REQUIRE(forgotten.highest().through >= through);
    }
  }
}

TEST_CASE("restored topics are all known until the end of the restore, then the newest losses") {
  ClosedTopics closed;
  ForgottenTopics forgotten(2, closed);
  closed.add(5, {50, 0});
  Remembered remembered{.head = 100, .floor = 9, .topics = {}};
  remembered.topics = {{1, 10}, {2, 20}, {3, 0}, {1, 15}, {4, 40}, {5, 60}, {6, 70}, {5, 50}};
  forgotten.begin_restore(remembered, 1);
  CHECK(forgotten.find(1).through == 15);
  CHECK(forgotten.find(3).through == 0);  // It has lost nothing, whatever the floor says.
  CHECK(forgotten.find(5).through == 60);
  CHECK(forgotten.find(99).through == 9);
  forgotten.remove(6);  // It is listed again.

  SECTION("without damage") {
    forgotten.end_restore({}, 2);
    CHECK(forgotten.size() == 2);
    CHECK(forgotten.find(5).through == 60);
    CHECK(forgotten.find(4).through == 40);
    CHECK(forgotten.find(2).through == 20);  // The floor is that of the newest that has left.
    CHECK(forgotten.find(99).through == 20);
    CHECK(forgotten.highest().through == 60);  // What 6 has lost, its listed topic knows.
    CHECK(closed.find(5).sequence == 50);
    forgotten.add(7, {80, 2});
    CHECK(forgotten.size() == 2);
    CHECK(forgotten.find(4).through == 40);
    CHECK(forgotten.find(7).through == 80);
  }
  SECTION("with damage") {
    forgotten.end_restore({55, 2}, 2);
    CHECK(forgotten.find(5).through == 60);
    CHECK(forgotten.find(4).through == 55);
    CHECK(forgotten.find(99).through == 55);
  }
  SECTION("without room") {
    forgotten.end_restore({}, 0);
    CHECK(forgotten.size() == 0);
    CHECK(forgotten.find(3).through == 60);
    CHECK_FALSE(closed.find(5));  // A topic is open again when the log forgets it for good.
  }
}

}  // namespace crier::broadcast
