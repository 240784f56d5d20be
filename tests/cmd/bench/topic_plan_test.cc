#include "cmd/bench/topic_plan.h"

#include <algorithm>
#include <cstddef>

#include "tests/support/catch.h"

using crier::bench::TopicPlan;

namespace {

TopicPlan plan_of(const std::string& list, std::uint32_t streams, std::uint32_t all_every = 1) {
  const auto plan = TopicPlan::make(list, streams, all_every);
  REQUIRE(plan.has_value());
  return *plan;
}

// The streams that receive an event by the topics they subscribe to.
std::vector<std::uint32_t> receivers(const TopicPlan& plan, std::uint32_t streams,
                                     std::uint32_t event) {
  std::vector<std::uint32_t> found;
  for (const TopicPlan::Place& place : plan.places(event)) {
    for (std::uint32_t stream = 0; stream < streams; ++stream) {
      if (plan.subscribes(stream, place.mark)) found.push_back(stream);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("streams subscribe to the topics of their group, in the order of the list") {
  CHECK(plan_of("news", 3).subscription(2) == "news");
  CHECK(plan_of("a,b", 3).subscription(2) == "a&topic=b");
  CHECK(plan_of("user.%,all", 3).subscription(2) == "user.2&topic=all");
  CHECK(plan_of("all,user.%", 3).subscription(0) == "all&topic=user.0");
}

TEST_CASE("events for all go to the shared topics in turn") {
  const TopicPlan plan = plan_of("a,b", 3);
  CHECK(plan.places(1).at(0).topic == "b");
  CHECK(plan.places(2).at(0).topic == "a");
  CHECK(plan.places(3).at(0).topic == "b");
  CHECK(plan.places(1).at(0).mark != plan.places(2).at(0).mark);
  CHECK(plan_of("user.%,all", 3).places(7).at(0).topic == "all");
}

TEST_CASE("without a shared topic an event goes to each stream's own topic") {
  const auto places = plan_of("user.%", 3).places(5);
  REQUIRE(places.size() == 3);
  CHECK(places[0].topic == "user.0");
  CHECK(places[2].topic == "user.2");
}

TEST_CASE("in a mix the streams take turns, and every n-th event is for all") {
  const TopicPlan plan = plan_of("user.%,all", 2, 3);
  std::string topics;
  for (std::uint32_t event = 1; event <= 9; ++event) topics += plan.places(event)[0].topic + ' ';
  CHECK(topics == "user.1 user.0 all user.1 user.0 all user.1 user.0 all ");
}

TEST_CASE("a stream is owed exactly the events it receives") {
  constexpr std::uint32_t kStreams = 5;
  constexpr std::uint32_t kEvents = 40;
  for (const auto& plan :
       {plan_of("a", kStreams), plan_of("a,b", kStreams), plan_of("user.%", kStreams),
        plan_of("user.%,all", kStreams), plan_of("user.%,all", kStreams, 2),
        plan_of("a,user.%,b", kStreams, 7)}) {
    std::vector<std::vector<std::uint32_t>> reached(kEvents + 1);
    for (std::uint32_t event = 1; event <= kEvents; ++event) {
      reached[event] = receivers(plan, kStreams, event);
      REQUIRE(reached[event].size() == (plan.for_all(event) ? kStreams : 1));
    }
    for (std::uint32_t stream = 0; stream < kStreams; ++stream) {
      for (std::uint32_t after = 0; after <= kEvents; ++after) {
        std::ptrdiff_t received = 0;
        for (std::uint32_t through = after; through <= kEvents; ++through) {
          if (through > after) received += std::ranges::count(reached[through], stream);
          INFO(plan.subscription(stream) << " above " << after << " through " << through);
          REQUIRE(plan.owed(stream, after, through) == received);
        }
      }
    }
  }
}

TEST_CASE("a stream knows the marks of its own topics only") {
  const TopicPlan users = plan_of("user.%", 3);
  const TopicPlan both = plan_of("user.%,all", 3);
  CHECK(users.subscribes(2, users.places(1).at(2).mark));
  CHECK_FALSE(users.subscribes(1, users.places(1).at(2).mark));
  CHECK_FALSE(users.subscribes(1, both.places(1).at(0).mark));
  CHECK_FALSE(plan_of("a", 3).subscribes(1, plan_of("a,b", 3).places(1).at(0).mark));
}

TEST_CASE("lists that make no plan are refused") {
  CHECK_FALSE(TopicPlan::make("", 3, 1).has_value());
  CHECK_FALSE(TopicPlan::make("user.%,group.%", 3, 1).has_value());
  CHECK_FALSE(TopicPlan::make("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", 3, 1).has_value());
  for (const char* list : {"a,,b", ",a", "a b", "user.%%", "user.>", "caf\u00e9"}) {
    CHECK_FALSE(TopicPlan::make(list, 3, 1).has_value());
  }
  const std::string longest = std::string(254, 'a') + '%';  // 255 bytes with one digit.
  CHECK(TopicPlan::make(longest, 10, 1).has_value());
  CHECK_FALSE(TopicPlan::make(longest, 11, 1).has_value());
  CHECK_FALSE(TopicPlan::make("a", 3, 0).has_value());
  CHECK_FALSE(TopicPlan::make("a,b", 3, 2).has_value());
  CHECK_FALSE(TopicPlan::make("user.%", 3, 2).has_value());
}
