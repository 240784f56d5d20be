#include "config/knob.h"

#include <algorithm>
#include <charconv>

#include "config/json_value.h"

namespace crier::config {
namespace {

std::string joined(Names names) {
  std::string text;
  for (const std::string_view name : names) {
    if (!text.empty()) text += name == names.back() ? " and " : ", ";
    text.append("\"").append(name).append("\"");
  }
  return text;
}

}  // namespace

bool accepts(const KnobInfo& knob, const Value& value) {
  switch (knob.kind) {
    case Kind::flag:
      return std::holds_alternative<bool>(value);
    case Kind::number: {
      if (knob.or_auto && value == Value(std::string(kAutoText))) return true;
      const auto* number = std::get_if<std::uint64_t>(&value);
      return number != nullptr && *number >= knob.range.min && *number <= knob.range.max;
    }
    case Kind::text: {
      const auto* text = std::get_if<std::string>(&value);
      return text != nullptr && knob.rule->accepts(*text);
    }
    case Kind::list: {
      const auto* items = std::get_if<std::vector<std::string>>(&value);
      return items != nullptr && std::ranges::all_of(*items, knob.rule->accepts);
    }
    case Kind::choice: {
      const auto* name = std::get_if<std::string>(&value);
      return name != nullptr && std::ranges::count(knob.choices, *name) == 1;
    }
  }
  return false;
}

std::string allowed(const KnobInfo& knob) {
  switch (knob.kind) {
    case Kind::flag:
      return "allowed are true and false";
    case Kind::number:
      return "allowed are " + std::string(knob.or_auto ? "\"auto\" and " : "") +
             std::to_string(knob.range.min) + " to " + std::to_string(knob.range.max);
    case Kind::text:
      return "allowed is " + std::string(knob.rule->allowed);
    case Kind::list:
      return "allowed are " + std::string(knob.rule->allowed);
    case Kind::choice:
      return "allowed are " + joined(knob.choices);
  }
  return {};
}

std::string_view section_of(std::string_view key) {
  return key.substr(0, key.find('.'));
}

std::string_view name_of(std::string_view key) {
  const std::size_t dot = key.find('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

std::string to_text(const Value& value) {
  return std::holds_alternative<std::monostate>(value) ? "(none)" : dump(json_of(value));
}

std::string to_text(const std::vector<TopicRow>& rows) {
  return dump(json_of(rows));
}

Value to_value(FileMode mode) {
  std::string text = "0";
  for (const int shift : {6, 3, 0}) {
    text.push_back(static_cast<char>('0' + ((mode.bits >> shift) & 7U)));
  }
  return text;
}

void assign(FileMode& mode, const Value& value) {
  const std::string& text = std::get<std::string>(value);
  CRIER_CHECK(kFileMode.accepts(text));
  std::from_chars(text.data(), text.data() + text.size(), mode.bits, 8);
}

std::size_t index_of(Names names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  CRIER_CHECK(found != names.end());
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace crier::config
