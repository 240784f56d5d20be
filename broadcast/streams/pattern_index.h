// Which patterns match a topic: a trie of their tokens. A topic is a pattern that matches itself.
//
// The cost of a look-up is bounded by the number of patterns that share a prefix with the topic,
// not by all of them; the depth by the 16 tokens a topic may have. A topic of few tokens is matched
// by few patterns, of 16 by 131,071: hence a cap on how many there are (TopicIndex).
//
// Belongs to one worker.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/streams/stream.h"

namespace crier::broadcast {

class PatternIndex {
 public:
  PatternIndex();
  ~PatternIndex();

  // Requires: a valid pattern, not present yet.
  void add(std::string_view pattern, std::uint32_t row);
  // Requires: present.
  void remove(std::string_view pattern);

  std::size_t size() const { return size_; }

  // Appends the rows of all patterns that match the topic, each once. Returns how many steps it
  // took, at least one.
  std::size_t match(std::string_view topic, std::vector<std::uint32_t>& rows) const;

 private:
  struct Node;
  static std::size_t match_from(const Node& node, std::string_view rest,
                                std::vector<std::uint32_t>& rows);
  static bool remove_from(Node& node, std::string_view rest);

  std::unique_ptr<Node> root_;
  std::size_t size_ = 0;
};

}  // namespace crier::broadcast
