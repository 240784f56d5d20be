// What to tell a client whose topic or pattern breaks a rule of core/topic.h.
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace crier {

// One sentence: quotes `text`, escaped, names the rule, and where one is near proposes a topic that
// is valid. Requires: !valid_topic(text).
std::string describe_bad_topic(std::string_view text);
// The same where patterns are good as well. Requires: !valid_pattern(text).
std::string describe_bad_pattern(std::string_view text);

}  // namespace crier
