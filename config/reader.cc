#include "config/reader.h"

#include <algorithm>
#include <utility>

#include "config/cross_checks.h"
#include "config/spelling.h"
#include "core/check.h"
#include "core/text/decimal.h"

namespace crier::config {
namespace {

constexpr std::size_t kShownKeyMax = 80;

// A key as messages show it: they must stay on one line.
std::string printable(const std::string& key) {
  const bool plain = std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7f; });
  return plain && !key.empty() && key.size() <= kShownKeyMax ? key : shown(key);
}

bool is_section(std::string_view name) {
  return std::ranges::any_of(knobs(),
                             [name](const KnobInfo& knob) { return section_of(knob.key) == name; });
}

template <typename Owner>
const Knob<Owner>* find(std::span<const Knob<Owner>> table, std::string_view key) {
  const auto found = std::ranges::find(table, key, &KnobInfo::key);
  return found == table.end() ? nullptr : &*found;
}

std::string_view without_spaces(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

JsonNode text_node(std::string_view text) {
  JsonNode node;
  node.type = JsonNode::Type::text;
  node.text = text;
  return node;
}

// The text after KEY= has no type; the knob's kind says how to read it.
JsonNode node_of(Kind kind, std::string_view text) {
  JsonNode node = text_node(text);
  if (kind == Kind::flag && (text == "true" || text == "false")) {
    node.type = JsonNode::Type::flag;
    node.flag = text == "true";
  } else if (kind == Kind::number) {
    if (const auto number = parse_decimal<std::uint64_t>(text)) {
      node.type = JsonNode::Type::number;
      node.number = *number;
    }
  } else if (kind == Kind::list) {
    node.type = JsonNode::Type::list;
    while (!without_spaces(text).empty()) {
      const std::size_t comma = text.find(',');
      node.items.push_back(text_node(without_spaces(text.substr(0, comma))));
      text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
  }
  return node;
}

}  // namespace

void Reader::take_file(std::string_view text, const std::string& file_name) {
  file_ = file_name;
  if (text.size() > kConfigBytesMax) {
    note("", 0, file_name + " is larger than " + std::to_string(kConfigBytesMax) + " bytes");
  } else if (const auto root = parse_json(text); !root) {
    const JsonFault& fault = root.error();
    note("", fault.line,
         file_name + ":" + std::to_string(fault.line) + " is not valid JSON: " + fault.what);
  } else {
    take_root(*root);
  }
  file_.clear();
}

void Reader::take_override(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    note("", 0, "--set " + shown(assignment) + " is not of the form KEY=VALUE");
    return;
  }
  const std::string key(assignment.substr(0, equals));
  const std::string_view text = assignment.substr(equals + 1);
  const Knob<Config>* knob = find(knobs(), key);
  const bool is_topics = key == kTopicsKey;
  if (knob == nullptr && !is_topics) {
    unknown_key(key, 0);
    return;
  }
  JsonNode node = node_of(is_topics ? Kind::text : knob->kind, text);
  const bool may_be_json = is_topics || knob->kind == Kind::list;
  if (may_be_json && (is_topics || without_spaces(text).starts_with('['))) {
    auto parsed = parse_json(text);
    if (!parsed) {
      note(key, 0, key + " in --set is not valid JSON: " + parsed.error().what);
      return;
    }
    node = std::move(*parsed);
  }
  take_key(key, node);
}

void Reader::add_problem(Problem problem) {
  problems_.push_back(std::move(problem));
}

Loaded Reader::finish() {
  const auto is_wrong = [this](const std::string& key) {
    return std::ranges::any_of(problems_, [&](const Problem& p) { return p.key == key; });
  };
  for (const Contradiction& found : contradictions(config_)) {
    // A refused value has left the default in its place, which contradicts nothing that was
    // written.
    if (is_wrong(found.key) || is_wrong(found.other)) continue;
    const auto place = set_.find(found.key);
    const bool given = place != set_.end();
    file_ = given ? place->second.file : std::string();
    const std::uint32_t line = given ? place->second.line : 0;
    const std::string origin = given ? where(place->second) : " by default";
    note(found.key, line, found.key + " is " + found.value + origin + "; " + found.rule);
  }
  if (!problems_.empty()) return std::unexpected(std::move(problems_));
  return std::move(config_);
}

void Reader::take_root(const JsonNode& root) {
  if (root.type != JsonNode::Type::object) {
    note("", root.line,
         file_ + ":" + std::to_string(root.line) + " is not a configuration: it must be { … }");
    return;
  }
  for (const JsonMember* member : without_repeats("", root)) {
    if (member->key == kTopicsKey) {
      take_key(member->key, member->value);
    } else if (is_section(member->key)) {
      take_section(member->key, member->value);
    } else {
      unknown_key(member->key, member->line);
    }
  }
}

void Reader::take_section(std::string_view section, const JsonNode& node) {
  const std::string name(section);
  if (node.type != JsonNode::Type::object) {
    wrong_value(name, shown(node), node.line, "it must be a section, { … }");
    return;
  }
  for (const JsonMember* member : without_repeats(name + ".", node)) {
    const std::string key = name + "." + member->key;
    if (find(knobs(), key) == nullptr) {
      unknown_key(key, member->line);
    } else {
      take_key(key, member->value);
    }
  }
}

void Reader::take_key(const std::string& key, const JsonNode& node) {
  set_.insert_or_assign(key, Place{file_, node.line});
  if (key == kTopicsKey) {
    take_topics(node);
    return;
  }
  const Knob<Config>* knob = find(knobs(), key);
  CRIER_CHECK(knob != nullptr);
  take_value(*knob, config_, key, node);
}

void Reader::take_topics(const JsonNode& node) {
  const std::string key(kTopicsKey);
  if (node.type != JsonNode::Type::list) {
    wrong_value(key, shown(node), node.line, "it must be a list of rows, [{ … }]");
    return;
  }
  if (node.items.size() > kTopicRowsMax) {
    wrong_value(key, "a list of " + std::to_string(node.items.size()) + " rows", node.line,
                "allowed are 0 to " + std::to_string(kTopicRowsMax));
    return;
  }
  config_.topics.clear();
  for (std::size_t i = 0; i < node.items.size(); ++i) take_topic_row(i, node.items[i]);
}

void Reader::take_topic_row(std::size_t index, const JsonNode& node) {
  TopicRow& row = config_.topics.emplace_back();
  const std::string key = std::string(kTopicsKey) + "[" + std::to_string(index) + "]";
  if (node.type != JsonNode::Type::object) {
    wrong_value(key, shown(node), node.line, "it must be a row, { … }");
    return;
  }
  bool has_match = false;
  for (const JsonMember* member : without_repeats(key + ".", node)) {
    const std::string full = key + "." + member->key;
    has_match = has_match || member->key == "match";
    if (const Knob<TopicRow>* knob = find(topic_knobs(), member->key); knob == nullptr) {
      unknown_key(full, member->line);
    } else {
      set_.insert_or_assign(full, Place{file_, member->value.line});
      take_value(*knob, row, full, member->value);
    }
  }
  if (!has_match) {
    note(key + ".match", node.line,
         key + where({file_, node.line}) + " has no \"match\"; allowed is " +
             std::string(kPattern.allowed));
  }
}

template <typename Owner>
void Reader::take_value(const Knob<Owner>& knob, Owner& owner, const std::string& key,
                        const JsonNode& node) {
  const std::optional<Value> value = read(knob, key, node);
  if (!value) return;
  if (accepts(knob, *value)) {
    knob.set(owner, *value);
  } else {
    wrong_value(key, shown(node), node.line, allowed(knob));
  }
}

std::optional<Value> Reader::read(const KnobInfo& knob, const std::string& key,
                                  const JsonNode& node) {
  using Type = JsonNode::Type;
  switch (knob.kind) {
    case Kind::flag:
      if (node.type == Type::flag) return node.flag;
      break;
    case Kind::number:
      if (node.type == Type::number) return node.number;
      if (node.type == Type::text && node.text == kAutoText && knob.or_auto) return node.text;
      break;
    case Kind::text:
    case Kind::choice:
      if (node.type == Type::text) return node.text;
      break;
    case Kind::list:
      if (node.type == Type::list) return read_list(knob, key, node);
      break;
  }
  std::string rule = allowed(knob);
  if (knob.kind == Kind::number && node.type != Type::odd_number) rule += ", a whole number";
  if (knob.kind == Kind::list) rule += ", in a list";
  wrong_value(key, shown(node), node.line, rule);
  return std::nullopt;
}

std::optional<Value> Reader::read_list(const KnobInfo& knob, const std::string& key,
                                       const JsonNode& node) {
  std::vector<std::string> items;
  bool all_right = true;
  for (const JsonNode& item : node.items) {
    if (item.type == JsonNode::Type::text && knob.rule->accepts(item.text)) {
      items.push_back(item.text);
    } else {
      all_right = false;
      note(key, item.line,
           "an item of " + key + " is " + shown(item) + where({file_, item.line}) + "; " +
               allowed(knob));
    }
  }
  if (!all_right) return std::nullopt;
  return items;
}

std::vector<const JsonMember*> Reader::without_repeats(const std::string& prefix,
                                                       const JsonNode& object) {
  std::vector<const JsonMember*> first_ones;
  std::map<std::string_view, std::uint32_t> lines;
  for (const JsonMember& member : object.members) {
    const auto [seen, is_new] = lines.try_emplace(member.key, member.line);
    if (is_new) {
      first_ones.push_back(&member);
      continue;
    }
    const std::string key = prefix + member.key;
    const std::string first =
        seen->second == 0 ? "" : ", first on line " + std::to_string(seen->second);
    note(key, member.line,
         printable(key) + where({file_, member.line}) + " is given twice" + first);
  }
  return first_ones;
}

void Reader::unknown_key(const std::string& key, std::uint32_t line) {
  std::string message = printable(key) + where({file_, line}) + " is not a known key";
  if (problems_.size() < kProblemsMax) {
    const std::string meant = closest_key(key);
    if (meant == key && key.contains('.')) {  // Not inside its section.
      message += "; write \"" + std::string(section_of(key)) + "\": {\"" +
                 std::string(name_of(key)) + "\": …}";
    } else if (meant == key) {  // A section, in --set.
      message += "; it is a section, set its keys one by one";
    } else if (!meant.empty()) {
      message += "; did you mean " + meant + "?";
    }
  }
  note(key, line, std::move(message));
}

void Reader::wrong_value(const std::string& key, const std::string& value, std::uint32_t line,
                         const std::string& rule) {
  note(key, line, key + " is " + value + where({file_, line}) + "; " + rule);
}

void Reader::note(const std::string& key, std::uint32_t line, std::string message) {
  if (problems_.size() > kProblemsMax) return;
  if (problems_.size() == kProblemsMax) {
    problems_.push_back({"", file_, 0, "there are more problems than these"});
    return;
  }
  problems_.push_back({key, file_, line, std::move(message)});
}

std::string Reader::where(const Place& place) const {
  if (place.file.empty()) return " in --set";
  return " in " + place.file + (place.line == 0 ? "" : ":" + std::to_string(place.line));
}

}  // namespace crier::config
