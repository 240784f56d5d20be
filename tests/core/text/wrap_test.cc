#include "core/text/wrap.h"

#include "tests/support/catch.h"

namespace crier {

TEST_CASE("text is broken between words, and a long word has a line of its own") {
  CHECK(wrapped("one two", "# ", 9) == "# one two\n");
  CHECK(wrapped("one two", "# ", 8) == "# one\n# two\n");
  CHECK(wrapped("a much-too-long b", "  ", 8) == "  a\n  much-too-long\n  b\n");
}

}  // namespace crier
