#include "core/text/topic_text.h"

#include <string>

#include "tests/support/catch.h"

using crier::describe_bad_pattern;
using crier::describe_bad_topic;

TEST_CASE("the message about a bad topic names the rule and a valid topic") {
  const std::string rule =
      " is not a valid topic: use A-Z, a-z, 0-9, '_' and '-' in tokens joined by single dots";
  CHECK(describe_bad_topic("user 42") == "\"user 42\"" + rule + ".");
  CHECK(describe_bad_topic("") == "\"\"" + rule + ".");
  CHECK(describe_bad_topic("a..b") == "\"a..b\"" + rule + ".");
  CHECK(describe_bad_topic("a\n\"b") == "\"a\\n\\\"b\"" + rule + ".");
  CHECK(describe_bad_topic("user/42") == "\"user/42\"" + rule + "; did you mean \"user.42\"?");
  CHECK(describe_bad_topic("/user:42/") == "\"/user:42/\"" + rule + "; did you mean \"user.42\"?");
  CHECK(describe_bad_topic("user//42") == "\"user//42\"" + rule + ".");
  CHECK(describe_bad_topic("/") == "\"/\"" + rule + ".");
  CHECK(describe_bad_pattern("user/42") ==
        "\"user/42\"" + rule +
            "; in a pattern a token may be '*', and the last one '>'; did you mean \"user.42\"?");
  CHECK(describe_bad_topic("a.*") ==
        "\"a.*\" is a pattern, not a topic: an event is published to one topic.");
}

TEST_CASE("the message about a topic beyond a limit names the limit") {
  CHECK(describe_bad_topic(std::string(256, 'a')) ==
        "\"" + std::string(61, 'a') +
            "…\" is not a valid topic: it has 256 bytes, and at most 255 are allowed.");
  CHECK(describe_bad_pattern("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.>") ==
        "\"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.>\" is not a valid topic: it has 17 tokens, and at "
        "most 16 are allowed.");
}
