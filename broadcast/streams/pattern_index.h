// Finds the patterns that match a topic, in a trie of their tokens. A topic is a pattern that
// matches itself.
//
// A look-up visits at most the patterns that share a prefix with the topic, and at most 16 levels,
// because a topic has at most 16 tokens. Few patterns can match a topic of few tokens, but up to
// 131,071 can match one of 16 tokens; so TopicIndex caps their number.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace crier::broadcast {

class PatternIndex {
 public:
  PatternIndex();
  ~PatternIndex();

  // Adds a pattern. Requires: it is valid and not in the index.
  void add(std::string_view pattern, std::uint32_t row);
  // Removes a pattern. Requires: it is in the index.
  void remove(std::string_view pattern);

  std::size_t size() const { return size_; }

  // Appends the row of each pattern that matches the topic, each once. Returns how many steps it
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
