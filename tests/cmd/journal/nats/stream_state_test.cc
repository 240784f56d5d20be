#include "cmd/journal/nats/stream_state.h"

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

const StreamDescription kDescription{
    .identity = {Epoch::from_random(7), {1, 2}, {3, ~std::uint64_t{0}}},
    .created = "2026-11-28T08:43:12.123456789Z"};

std::string info(const std::string& config, const std::string& state) {
  return R"({"config":{"name":"crier","subjects":["crier.>"],"retention":"limits")" + config +
         R"(},"created":"2026-11-28T08:43:12.123456789Z","state":{)" + state + "}}";
}

}  // namespace

TEST_CASE("a stream's description has one spelling") {
  const std::string text = text_of(kDescription);
  CHECK(text ==
        "crier 1 aaaaaaaaaaaah 0000000000000001 0000000000000002 0000000000000003 ffffffffffffffff "
        "2026-11-28T08:43:12.123456789Z");
  const auto parsed = parse_description(text);
  REQUIRE(parsed);
  CHECK(text_of(*parsed) == text);
  StreamDescription fresh = kDescription;
  fresh.created.clear();
  CHECK(parse_description(text_of(fresh))->created.empty());
  for (const std::string& bad :
       {std::string(), text + " more", " " + text, text.substr(0, 30), "other" + text.substr(5),
        "crier 2" + text.substr(7), "crier 1 short" + text.substr(21)}) {
    INFO(bad);
    CHECK_FALSE(parse_description(bad));
  }
  CHECK(description_version("crier 2 what") == 2);
  CHECK(description_version("events of the shop") == 0);
}

TEST_CASE("the answer to a question for a message is its sequence, or that there is none") {
  CHECK(next_message_request(7, "crier") == R"({"next_by_subj":"crier.>","seq":7})");
  CHECK(parse_message_sequence(R"({"message":{"subject":"crier.t","seq":9}})") == 9);
  CHECK(parse_message_sequence(R"({"error":{"code":404,"err_code":10037}})") == 0);
  for (const char* bad : {"", "[]", "{}", R"({"message":{"seq":"9"}})", R"({"message":7})",
                          R"({"error":{"code":503,"err_code":10008,"description":"no"}})"}) {
    INFO(bad);
    CHECK_FALSE(parse_message_sequence(bad));
  }
}

TEST_CASE("an answer to a message is read, whatever the types of its members are") {
  const PublishAnswer stored = parse_publish_answer(R"({"stream":"crier","seq":7})");
  CHECK(stored.sequence == 7);
  CHECK_FALSE(stored.duplicate);
  CHECK(parse_publish_answer(R"({"seq":7,"duplicate":true})").duplicate);
  CHECK(parse_publish_answer(R"({"error":{"code":503,"err_code":10077}})").error == 10'077);
  for (const char* bad :
       {"", "[]", R"({"seq":"7"})", R"({"seq":-1})", R"({"error":"no"})", R"({"error":null})",
        R"({"error":{"err_code":"x"},"seq":7})", R"({"duplicate":7})"}) {
    INFO(bad);
    const PublishAnswer answer = parse_publish_answer(bad);
    CHECK(answer.sequence == 0);
    CHECK(answer.error == 0);
  }
}

TEST_CASE("an answer about a stream is read, or is an error") {
  const auto state = parse_stream_info(
      info(R"(,"description":"d","duplicate_window":120000000000,"max_msg_size":-1)",
           R"("messages":2,"first_seq":5,"last_seq":9)"));
  REQUIRE(state);
  CHECK(state->description == "d");
  CHECK(state->created == kDescription.created);
  CHECK(state->first == 5);
  CHECK(state->last == 9);
  CHECK(state->duplicate_seconds == 120);
  const auto empty = parse_stream_info(info("", R"("messages":0,"first_seq":0,"last_seq":9)"));
  REQUIRE(empty);
  CHECK(empty->first == 10);
  const auto missing = parse_stream_info(
      R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == 10059);
  CHECK(missing.error().text == "stream not found");
  for (const char* bad : {"", "[]", "{}", R"({"created":1})", R"({"error":7})"}) {
    INFO(bad);
    REQUIRE_FALSE(parse_stream_info(bad));
    CHECK(parse_stream_info(bad).error().code == 0);
  }
}

TEST_CASE("an update changes nothing but the description") {
  const auto state = parse_stream_info(info(R"(,"description":"old","later":{"a":[1]})", ""));
  REQUIRE(state);
  const std::string update = update_request(*state, kDescription);
  CHECK(update.find(R"("later":{"a":[1]})") != std::string::npos);
  CHECK(update.find(text_of(kDescription)) != std::string::npos);
  CHECK(update.find("old") == std::string::npos);
}

TEST_CASE("a stream that would lose events is unfit") {
  const std::string ours = R"(,"description":")" + text_of(kDescription) + "\"";
  const auto why = [&](const std::string& config) {
    const auto state = parse_stream_info(info(ours + config, ""));
    REQUIRE(state);
    return unfit(*state, {}, 1'000);
  };
  CHECK(why("").empty());
  CHECK(why(R"(,"max_msg_size":2024)").empty());
  CHECK(why(R"(,"max_msg_size":2023)").find("raise max_msg_size") != std::string::npos);
  CHECK(why(R"(,"sealed":true)").find("is sealed") != std::string::npos);
  CHECK(why(R"(,"retention":"interest")").find("by its limits") != std::string::npos);
}

}  // namespace crier::cmd
