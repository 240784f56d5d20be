#include "broadcast/log/topic_class.h"

#include "tests/broadcast/log/log_support.h"
#include "tests/support/selectors.h"

namespace crier::broadcast {
namespace {

TopicClass row(std::string match, bool subscribe = true) {
  TopicClass made;
  made.match = std::move(match);
  made.subscribe = subscribe;
  return made;
}

const TopicClasses kClasses(TopicClass{}, {row("internal.status"), row("internal.>", false),
                                           row("orders.*"), row("orders.>")});

}  // namespace

TEST_CASE("the first row that matches is a topic's class") {
  const auto [topic, expected] = GENERATE(table<std::string, int>({
      {"internal.status", 1},
      {"internal.secret", 2},
      {"orders.eu", 3},
      {"orders.eu.new", 4},
      {"orders", 0},
      {"news", 0},
  }));
  INFO(topic);
  CHECK(kClasses.of_topic(topic) == expected);
}

TEST_CASE("a stream has a class if one row covers all its subscriptions") {
  const auto [subscriptions, expected] = GENERATE(table<std::vector<std::string>, int>({
      {{"orders.eu"}, 3},
      {{"orders.eu", "orders.us"}, 3},
      {{"orders.*"}, 3},
      {{"orders.>"}, 4},
      {{"orders.*.new", "orders.eu.old"}, 4},
      {{"orders.eu", "orders.eu.new"}, 0},
      {{"orders.eu", "news"}, 0},
      {{"news", "orders.eu"}, 0},
      {{">"}, 0},
      {std::vector<std::string>(), 0},
  }));
  CHECK(kClasses.of_subscriptions(selectors(subscriptions)) == expected);
}

TEST_CASE("a pattern cannot get around a row that forbids subscriptions") {
  const auto [subscription, expected] = GENERATE(table<std::string, bool>({
      {"internal.status", true},
      {"internal.secret", false},
      {"internal.*", false},
      {"*.secret", false},
      {"*.*.deep", false},
      {">", false},
      {"*", true},
      {"orders.>", true},
      {"*.status", false},
      {"internal", true},
      {"news", true},
  }));
  INFO(subscription);
  CHECK(kClasses.may_subscribe(*Selector::parse(subscription)) == expected);
}

TEST_CASE("an earlier row that covers a pattern decides for it") {
  const TopicClasses classes(row("", false), {row("public.>"), row("*.inner", false)});
  CHECK(classes.may_subscribe(*Selector::parse("public.*")));
  CHECK_FALSE(classes.may_subscribe(*Selector::parse("other.*")));
  CHECK_FALSE(classes.may_subscribe(*Selector::parse("anything")));
}

TEST_CASE("a stream counts once in each row with a cap that covers one of its subscriptions") {
  std::vector<TopicClass> rows = {row("a.>"), row("b.*"), row("c"), row("a.b")};
  for (const std::size_t capped : {0U, 1U, 3U}) rows[capped].streams_max = 2;
  const TopicClasses classes(row(""), rows);
  const auto [subscriptions, expected] =
      GENERATE(table<std::vector<std::string>, std::vector<ClassIndex>>({
          {{"a.b"}, {1}},
          {{"a.b", "a.c.d", "a.*"}, {1}},
          {{"b.x", "c", "d", "a.b"}, {2, 1}},
          {{"c"}, {}},
          {{">", "*.b", "b.>"}, {}},
      }));
  CHECK(classes.capped_rows(selectors(subscriptions)) == expected);
  CHECK(classes.cap_streams());
  CHECK_FALSE(kClasses.cap_streams());
  CHECK(kClasses.capped_rows(selectors(subscriptions)).empty());
}

TEST_CASE("policies are spelled as in the configuration") {
  CHECK(to_string(OverflowPolicy::catch_up) == "catch-up");
  CHECK(to_string(OverflowPolicy::disconnect) == "disconnect");
  CHECK(to_string(OverflowPolicy::drop_oldest) == "drop-oldest");
  CHECK(to_string(OverflowPolicy::conflate) == "conflate");
}

}  // namespace crier::broadcast
