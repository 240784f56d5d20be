#include "net/pending/subscribe_request.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/selectors.h"

namespace crier::net {
namespace {

Request asking(std::string_view path, std::string_view query) {
  Request request;
  request.method = Method::get;
  request.path = path;
  request.query = query;
  return request;
}

using Topics = std::vector<std::string>;

struct TopicRow {
  std::string_view name;
  std::string_view path;
  std::string_view query;
  Topics topics;
};

struct RefusedRow {
  std::string_view name;
  std::string path;
  std::string query;
  std::string_view code;
  std::string_view message_part;
};

struct ResumeRow {
  std::string_view name;
  std::string_view query;
  Resume resume;
  std::string_view id;
  std::uint32_t last;
};

}  // namespace

TEST_CASE("which paths are streams") {
  CHECK(is_events_path("/events"));
  CHECK(is_events_path("/events/"));
  CHECK(is_events_path("/events/a"));
  CHECK_FALSE(is_events_path("/eventsa"));
  CHECK_FALSE(is_events_path("/event"));
  CHECK_FALSE(is_events_path("/"));
  CHECK_FALSE(is_events_path("*"));
}

TEST_CASE("topics of a subscription") {
  const TopicRow row = GENERATE(values<TopicRow>({
      {"one in the query", "/events", "topic=a", {"a"}},
      {"one in the path", "/events/orders.eu", "", {"orders.eu"}},
      {"path first, then query", "/events/b", "topic=a", {"b", "a"}},
      {"order as asked", "/events", "topic=c&topic=a&topic=b", {"c", "a", "b"}},
      {"each once", "/events/a", "topic=b&topic=a&topic=b", {"a", "b"}},
      {"escapes decoded once", "/events/%61", "topic=o%2Eb&topic=%63", {"a", "o.b", "c"}},
      {"patterns", "/events", "topic=a.*&topic=b.%3E", {"a.*", "b.>"}},
      {"against caches", "/events", "_=%zz&topic=a&&_t=1&", {"a"}},
      {"of polyfills",
       "/events",
       "topic=a&r=0721&t=17&evs_buffer_size_limit=262144&evs_preamble=2056&padding=",
       {"a"}},
      {"upper case differs", "/events", "topic=a&topic=A", {"a", "A"}},
      {"slash without a name", "/events/", "topic=a", {"a"}},
  }));
  INFO(row.name);
  const auto parsed = parse_subscribe_request(asking(row.path, row.query), 64);
  REQUIRE(parsed.has_value());
  CHECK(parsed->topics == selectors(row.topics));
  CHECK(parsed->resume == Resume::none);
  CHECK_FALSE(parsed->padding);
}

TEST_CASE("subscriptions that are refused say which rule they broke") {
  const RefusedRow row = GENERATE(values<RefusedRow>({
      {"no topic", "/events", "", "no_topic", "topic=NAME"},
      {"no topic, slash", "/events/", "", "no_topic", "topic=NAME"},
      {"no topic but others", "/events", "_=b&last=2", "no_topic", "topic=NAME"},
      {"unknown parameter", "/events", "topic=a&lst=2", "bad_query",
       "\"lst\" is unknown; /events takes topic, last, from, last_event_id, rate and padding"},
      {"an encoded name", "/events", "topic=a&t%6Fpic=b", "bad_query", "without percent escapes"},
      {"parameter without a value", "/events", "topic=a&retry", "bad_query",
       "\"retry\" is unknown"},
      {"parameter without a name", "/events", "topic=a&=1", "bad_query", "\"\" is unknown"},
      {"topic in another case", "/events", "topic=a&Topic=b", "bad_query", "\"Topic\" is unknown"},
      {"unknown and not fit to print", "/events", "topic=a&%0d%22=", "bad_query",
       "\"\\r\\\"\" is unknown"},
      {"last of letters", "/events", "topic=a&last=x", "bad_query",
       "last=\"x\" is not a number from 1 to 1000000"},
      {"last of none", "/events", "topic=a&last=0", "bad_query", "1 to 1000000"},
      {"last of too many", "/events", "topic=a&last=1000001", "bad_query", "1 to 1000000"},
      {"last of nothing", "/events", "topic=a&last", "bad_query", "1 to 1000000"},
      {"last with a bad escape", "/events", "topic=a&last=%4", "bad_query", "1 to 1000000"},
      {"from elsewhere", "/events", "topic=a&from=first", "bad_query",
       "from=\"first\" is not allowed: use from=earliest, from=latest or last=N"},
      {"from a number", "/events", "topic=a&from=last=2", "bad_query", "last=N"},
      {"last twice", "/events", "topic=a&last=1&last=2", "bad_query", "once"},
      {"last and from", "/events", "topic=a&last=1&from=earliest", "bad_query", "not both"},
      {"empty topic", "/events", "topic=", "bad_topic", "tokens"},
      {"topic without value", "/events", "topic", "bad_topic", "tokens"},
      {"space", "/events", "topic=a+b", "bad_topic", "\"a b\" is not a valid topic: "},
      {"plus in the path", "/events/a+b", "", "bad_topic", "tokens"},
      {"slash", "/events/a/b", "", "bad_topic", "did you mean \"a.b\"?"},
      {"escaped twice", "/events", "topic=a%252Eb", "bad_topic", "tokens"},
      {"empty token", "/events", "topic=a..b", "bad_topic", "single dots"},
      {"wildcard in a token", "/events", "topic=a*", "bad_topic", "'*'"},
      {"tail wildcard early", "/events", "topic=%3E.a", "bad_topic", "'>'"},
      {"line feed", "/events", "topic=a%0Ab", "bad_topic", "tokens"},
      {"NUL", "/events", "topic=a%00b", "bad_query", "escape"},
      {"bad escape", "/events", "topic=a%4", "bad_query", "escape"},
      {"bad escape in a name", "/events", "topic=a&t%pic=b", "bad_query", "escape"},
      {"too long", "/events", "topic=" + std::string(256, 'a'), "bad_topic", "255"},
      {"too deep", "/events", "topic=a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", "bad_topic", "16"},
      {"too many", "/events/a", "topic=b&topic=c&topic=d", "too_many_topics",
       "limits.topics_per_stream_max"},
      {"a bad one after good ones", "/events", "topic=a&topic=b&topic=!", "bad_topic", "tokens"},
  }));
  INFO(row.name);
  const auto parsed = parse_subscribe_request(asking(row.path, row.query), 3);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == row.code);
  CHECK(parsed.error().message.find(row.message_part) != std::string_view::npos);
}

TEST_CASE("the rate that a client asks for") {
  const auto [query, rate] = GENERATE(table<std::string_view, std::uint32_t>({
      {"", 0},
      {"rate=1", 1},
      {"rate=1000000", 1'000'000},
      {"rate=1000001", 0},
      {"rate=99999999999999999999", 0},
      {"rate=0", 0},
      {"rate=-1", 0},
      {"rate=1.5", 0},
      {"rate=5x", 0},
      {"rate=+5", 0},
      {"rate=%", 0},
      {"rate=", 0},
      {"rate", 0},
      {"rate=%37", 7},
      {"rate=9&rate=3&rate=5&rate=0", 3},
  }));
  INFO(query);
  const auto parsed = parse_subscribe_request(asking("/events/a", query), 3);
  REQUIRE(parsed.has_value());
  CHECK(parsed->rate == rate);
}

TEST_CASE("what a client says of itself") {
  struct Row {
    std::string_view throughput;
    std::string_view lag;
    std::uint32_t throughput_read;
    std::uint32_t lag_read;
  };
  const Row row = GENERATE(values<Row>({
      {"", "", 0, 0},
      {"1", "1", 1, 1},
      {"1000000", "1000000", 1'000'000, 1'000'000},
      {"1000001", "4294967295", 0, 4'294'967'295},
      {"4294967297", "4294967296", 0, 0},
      {"99999999999999999999", "99999999999999999999", 0, 0},
      {"0", "0", 0, 0},
      {"-1", "-1", 0, 0},
      {"+5", "+5", 0, 0},
      {"1.5", "1.5", 0, 0},
      {"5x", "5x", 0, 0},
      {"5, 6", "5, 6", 0, 0},
      {"0x10", "0x10", 0, 0},
      {"1e3", "1e3", 0, 0},
      {"fast", "none", 0, 0},
      {"\xff", "\xff", 0, 0},
      {"7", "nonsense", 7, 0},
      {"nonsense", "7", 0, 7},
  }));
  INFO(row.throughput << " " << row.lag);
  Request request = asking("/events/a", "rate=9");
  request.consumer_throughput = row.throughput;
  request.consumer_lag = row.lag;
  const auto parsed = parse_subscribe_request(request, 3);
  REQUIRE(parsed.has_value());
  CHECK(parsed->consumer_throughput == row.throughput_read);
  CHECK(parsed->consumer_lag == row.lag_read);
  CHECK(parsed->rate == 9);
}

TEST_CASE("as many topics as allowed, repetitions not counted") {
  CHECK(
      parse_subscribe_request(asking("/events", "topic=a&topic=b&topic=a&topic=c"), 3).has_value());
}

TEST_CASE("where a stream resumes, from the query") {
  const ResumeRow row = GENERATE(values<ResumeRow>({
      {"no wish", "", Resume::none, "", 0},
      {"an id", "last_event_id=e-7", Resume::id, "e-7", 0},
      {"camel case", "lastEventId=e-7", Resume::id, "e-7", 0},
      {"camel case with ID", "lastEventID=e-7", Resume::id, "e-7", 0},
      {"the header's name", "Last-Event-ID=e-7", Resume::id, "e-7", 0},
      {"of the XHR polyfill", "evs_last_event_id=e-7", Resume::id, "e-7", 0},
      {"in lower case", "last-event-id=e-7", Resume::id, "e-7", 0},
      {"the last two", "last=2", Resume::last, "", 2},
      {"the last million, a parameter", "last=1000000", Resume::last, "", 1'000'000},
      {"from the earliest", "from=earliest", Resume::earliest, "", 0},
      {"from the latest", "from=latest", Resume::none, "", 0},
      {"an id goes before last", "last=2&lastEventId=e-7", Resume::id, "e-7", 0},
      {"an id goes before from", "last_event_id=e-7&from=earliest", Resume::id, "e-7", 0},
      {"no id does not go before last", "last_event_id=&last=2", Resume::last, "", 2},
      {"the first name wins", "evs_last_event_id=z&lastEventId=y&last_event_id=x", Resume::id, "x",
       0},
      {"an empty one does not win", "last_event_id=&lastEventId=y", Resume::id, "y", 0},
      {"the first of one name wins", "lastEventId=y&lastEventId=z", Resume::id, "y", 0},
      {"everything", "last_event_id=earliest", Resume::earliest, "", 0},
      {"the last five", "last_event_id=last=5", Resume::last, "", 5},
      {"the last five, escaped", "last_event_id=last%3D5", Resume::last, "", 5},
      {"the last million", "last_event_id=last=1000000", Resume::last, "", 1'000'000},
      {"more than a million", "last_event_id=last=1000001", Resume::id, "last=1000001", 0},
      {"more than 32 bits", "last_event_id=last=4294967297", Resume::id, "last=4294967297", 0},
      {"the last none", "last_event_id=last=0", Resume::id, "last=0", 0},
      {"less than none", "last_event_id=last=-1", Resume::id, "last=-1", 0},
      {"no number", "last_event_id=last=", Resume::id, "last=", 0},
      {"number and more", "last_event_id=last=5x", Resume::id, "last=5x", 0},
      {"upper case is an id", "last_event_id=EARLIEST", Resume::id, "EARLIEST", 0},
      {"a control character", "last_event_id=a%0Ab", Resume::id, "a\nb", 0},
      {"no text", "last_event_id=%ff", Resume::id, "\xff", 0},
      {"a bad escape", "last_event_id=%zz", Resume::id, "?", 0},
      {"NUL", "last_event_id=%00", Resume::id, "?", 0},
  }));
  INFO(row.name);
  const std::string query = "topic=a&" + std::string(row.query);
  const auto parsed = parse_subscribe_request(asking("/events", query), 64);
  REQUIRE(parsed.has_value());
  CHECK(parsed->resume == row.resume);
  CHECK(parsed->resume_id == row.id);
  CHECK(parsed->last_count == row.last);
}

TEST_CASE("the Last-Event-ID header goes before the query, unless it is empty") {
  Request request = asking("/events", "topic=a&last_event_id=last=5");
  request.has_last_event_id = true;
  SECTION("an id") {
    request.last_event_id = "e-9";
    const auto parsed = parse_subscribe_request(request, 64);
    REQUIRE(parsed.has_value());
    CHECK(parsed->resume == Resume::id);
    CHECK(parsed->resume_id == "e-9");
  }
  SECTION("a word") {
    request.last_event_id = "earliest";
    const auto parsed = parse_subscribe_request(request, 64);
    REQUIRE(parsed.has_value());
    CHECK(parsed->resume == Resume::earliest);
  }
  SECTION("no text") {
    request.last_event_id = "\xC3\x28";
    const auto parsed = parse_subscribe_request(request, 64);
    REQUIRE(parsed.has_value());
    CHECK(parsed->resume == Resume::id);
  }
  SECTION("an id, and a parameter of its own") {
    request.query = "topic=a&last=5";
    request.last_event_id = "e-9";
    const auto parsed = parse_subscribe_request(request, 64);
    REQUIRE(parsed.has_value());
    CHECK(parsed->resume == Resume::id);
    CHECK(parsed->last_count == 0);
  }
  SECTION("nothing") {
    const auto parsed = parse_subscribe_request(request, 64);
    REQUIRE(parsed.has_value());
    CHECK(parsed->resume == Resume::last);
    CHECK(parsed->last_count == 5);
  }
}

TEST_CASE("padding for old clients") {
  const auto padding = [](std::string_view query) {
    const auto parsed = parse_subscribe_request(asking("/events/a", query), 64);
    REQUIRE(parsed.has_value());
    return parsed->padding;
  };
  CHECK(padding("padding=true"));
  CHECK(padding("evs_preamble=1"));
  CHECK(padding("padding=true&padding=false"));
  CHECK_FALSE(padding("padding=false"));
  CHECK_FALSE(padding("padding"));
  CHECK_FALSE(padding("evs_preamble=0"));
}

}  // namespace crier::net
