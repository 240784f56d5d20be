#include "broadcast/streams/pattern_index.h"

#include <functional>
#include <map>
#include <string>

#include "broadcast/streams/stream.h"
#include "core/check.h"
#include "core/topic.h"

namespace crier::broadcast {

struct PatternIndex::Node {
  // By token; "*" matches any one token, ">" one or more.
  std::map<std::string, Node, std::less<>> next;
  std::uint32_t row = kNone;  // The row of the pattern that ends here, or kNone.
};

PatternIndex::PatternIndex() : root_(std::make_unique<Node>()) {}
PatternIndex::~PatternIndex() = default;

void PatternIndex::add(std::string_view pattern, std::uint32_t row) {
  Node* node = root_.get();
  for (std::string_view rest = pattern; !rest.empty();) {
    const std::string_view token = take_token(rest);
    auto next = node->next.find(token);
    if (next == node->next.end()) next = node->next.try_emplace(std::string(token)).first;
    node = &next->second;
  }
  CRIER_CHECK(node->row == kNone);
  node->row = row;
  ++size_;
}

void PatternIndex::remove(std::string_view pattern) {
  CRIER_CHECK(size_ > 0);
  remove_from(*root_, pattern);
  --size_;
}

// Returns true if the node is no longer needed.
bool PatternIndex::remove_from(Node& node, std::string_view rest) {
  if (rest.empty()) {
    CRIER_CHECK(node.row != kNone);
    node.row = kNone;
  } else {
    const auto next = node.next.find(take_token(rest));
    CRIER_CHECK(next != node.next.end());
    if (remove_from(next->second, rest)) node.next.erase(next);
  }
  return node.row == kNone && node.next.empty();
}

std::size_t PatternIndex::match(std::string_view topic, std::vector<std::uint32_t>& rows) const {
  return match_from(*root_, topic, rows);
}

// Returns how many nodes it visited.
std::size_t PatternIndex::match_from(const Node& node, std::string_view rest,
                                     std::vector<std::uint32_t>& rows) {
  if (rest.empty()) {
    if (node.row != kNone) rows.push_back(node.row);
    return 1;
  }
  if (const auto all = node.next.find(">"); all != node.next.end()) rows.push_back(all->second.row);
  const std::string_view token = take_token(rest);
  std::size_t steps = 1;
  for (const std::string_view branch : {token, std::string_view("*")}) {
    if (const auto next = node.next.find(branch); next != node.next.end()) {
      steps += match_from(next->second, rest, rows);
    }
  }
  return steps;
}

}  // namespace crier::broadcast
