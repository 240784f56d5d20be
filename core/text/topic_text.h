// Messages to a client whose topic or pattern breaks a rule of core/topic.h.
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace crier {

// Returns one sentence that quotes `text`, escaped, names the rule, and proposes a similar valid
// topic if there is one. Requires: !valid_topic(text).
std::string describe_bad_topic(std::string_view text);
// Returns the sentence for a parameter that may also be a pattern. Requires: !valid_pattern(text).
std::string describe_bad_pattern(std::string_view text);

}  // namespace crier
