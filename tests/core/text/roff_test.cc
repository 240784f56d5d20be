#include "core/text/roff.h"

#include "tests/support/catch.h"

namespace crier {
namespace {

struct RoffCase {
  const char* name;
  const char* text;
  const char* roff;
};

TEST_CASE("roff prints escaped text unchanged") {
  const auto row = GENERATE(values<RoffCase>({
      {"nothing", "", ""},
      {"words", "two words\n", "two words\n"},
      {"a hyphen is no dash", "--last-id", "\\-\\-last\\-id"},
      {"a backslash", "a\\fBb", "a\\efBb"},
      {"a line that looks like a request", ".so /etc", "\\&.so /etc"},
      {"so does a later one", "a\n.b\nc.d", "a\n\\&.b\nc.d"},
      {"so does a quote", "'br", "\\&\\(aqbr"},
      {"quotes of a shell", "echo \"$(id)\" `id` 'x'",
       "echo \\(dq$(id)\\(dq \\(gaid\\(ga \\(aqx\\(aq"},
      {"accents that stand alone", "^~", "\\(ha\\(ti"},
      {"UTF-8", "TOPIC…", "TOPIC…"},
  }));
  INFO(row.name);
  CHECK(roff_text(row.text) == row.roff);
}

}  // namespace
}  // namespace crier
