// Walks the tree of a file, or of one --set, along the table of knobs, into a Config; collects what
// is wrong on the way. load.h is the way in; this is its inside.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/json_tree.h"
#include "config/knob.h"
#include "config/load.h"

namespace crier::config {

// Further problems are not listed.
inline constexpr std::size_t kProblemsMax = 100;

class Reader {
 public:
  // A whole file. Requires: called at most once, before any override.
  void take_file(std::string_view text, const std::string& file_name);

  // One KEY=VALUE of the command line.
  void take_override(std::string_view assignment);

  // Adds a problem that is not in the text, such as a file that cannot be read.
  void add_problem(Problem problem);

  // Checks settings against each other, and returns the result. Requires: no further call.
  Loaded finish();

 private:
  struct Place {
    std::string file;
    std::uint32_t line = 0;
  };

  void take_root(const JsonNode& root);
  void take_section(std::string_view section, const JsonNode& node);
  void take_key(const std::string& key, const JsonNode& node);
  void take_topics(const JsonNode& node);
  void take_topic_row(std::size_t index, const JsonNode& node);
  template <typename Owner>
  void take_value(const Knob<Owner>& knob, Owner& owner, const std::string& key,
                  const JsonNode& node);

  // The value, or nothing after a problem was noted.
  std::optional<Value> read(const KnobInfo& knob, const std::string& key, const JsonNode& node);
  std::optional<Value> read_list(const KnobInfo& knob, const std::string& key,
                                 const JsonNode& node);

  // The members of the object, but of a repeated key only the first; the others are noted.
  std::vector<const JsonMember*> without_repeats(const std::string& prefix, const JsonNode& object);

  void unknown_key(const std::string& key, std::uint32_t line);
  // "KEY is VALUE in FILE:LINE; RULE"
  void wrong_value(const std::string& key, const std::string& value, std::uint32_t line,
                   const std::string& rule);
  void note(const std::string& key, std::uint32_t line, std::string message);
  std::string where(const Place& place) const;

  Config config_;
  std::vector<Problem> problems_;
  std::string file_;                               // The file that is being read; empty: --set.
  std::map<std::string, Place, std::less<>> set_;  // Where each key was given.
};

}  // namespace crier::config
