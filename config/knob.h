// A knob is a row that says everything about one key of the configuration.
//
// The file reader, --set, the range check, `crier check`, /debug/config, the JSON Schema, the
// commented example, the manual and the comparison on reload all walk the rows in knobs.cc, so that
// none of them can forget a key. The default is not in the row: it is the member's initialiser in
// config.h.
//
// Rows are constants; any thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "config/config.h"
#include "config/text_rules.h"
#include "core/check.h"

namespace crier::config {

// A setting without its type: `choice` and `mode` are their text. monostate: an optional one left
// out.
using Value =
    std::variant<std::monostate, bool, std::uint64_t, std::string, std::vector<std::string>>;

enum class Kind : std::uint8_t { flag, number, text, list, choice };

// When a new value counts: at SIGHUP, or only at the next start.
enum class Applies : std::uint8_t { live, restart };

struct Range {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

using Names = std::span<const std::string_view>;

// The part of a row that does not depend on the struct that it fills.
struct KnobInfo {
  std::string_view key;  // `section.name`; of a row of `topics`, the name alone.
  Kind kind = Kind::flag;
  Applies applies = Applies::restart;
  std::string_view help;           // Sentences for an operator, with the unit.
  Range range;                     // number
  const TextRule* rule = nullptr;  // text, and each item of a list
  Names choices;                   // choice
  bool or_auto = false;            // number: may also be the text kAutoText, kAuto in the struct.
};

inline constexpr std::string_view kAutoText = "auto";

// Owner is the struct that is filled: Config, or TopicRow.
template <typename Owner>
struct Knob : KnobInfo {
  Value (*get)(const Owner&) = nullptr;
  void (*set)(Owner&, const Value&) = nullptr;  // Requires: accepts(*this, value).
};

// The tables.
std::span<const Knob<Config>> knobs();
std::span<const Knob<TopicRow>> topic_knobs();

// The one key that is not in a table, because its value is one: the rows of `topics`.
inline constexpr std::string_view kTopicsKey = "topics";
inline constexpr Applies kTopicsApply = Applies::restart;

// Returns true if the value is of the knob's kind and within its range, rule or choices.
bool accepts(const KnobInfo& knob, const Value& value);

// The values that are accepted, to end a sentence: "allowed are 1 to 600".
std::string allowed(const KnobInfo& knob);

// "limits" of "limits.streams_max", and "streams_max".
std::string_view section_of(std::string_view key);
std::string_view name_of(std::string_view key);

// The setting as JSON on one line; "(none)" for monostate.
std::string to_text(const Value& value);
std::string to_text(const std::vector<TopicRow>& rows);

// --- between members and values ------------------------------------------------------------

Value to_value(FileMode mode);
void assign(FileMode& mode, const Value& value);
std::size_t index_of(Names names, std::string_view name);  // Requires: it is among them.

template <typename Member>
Value to_value(const Member& member) {
  if constexpr (std::is_enum_v<Member>) {
    return std::string(to_string(member));
  } else if constexpr (std::unsigned_integral<Member> && !std::same_as<Member, bool>) {
    return std::uint64_t{member};
  } else {
    return member;
  }
}

template <typename Member>
Value to_value(const std::optional<Member>& member) {
  return member ? to_value(*member) : Value();
}

template <typename Member>
void assign(Member& member, const Value& value) {
  if constexpr (std::is_enum_v<Member>) {
    member = static_cast<Member>(index_of(kNamesOf<Member>, std::get<std::string>(value)));
  } else if constexpr (std::unsigned_integral<Member> && !std::same_as<Member, bool>) {
    const std::uint64_t number = std::get<std::uint64_t>(value);
    CRIER_CHECK(number <= std::numeric_limits<Member>::max());
    member = static_cast<Member>(number);
  } else {
    member = std::get<Member>(value);
  }
}

template <typename Member>
void assign(std::optional<Member>& member, const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    member.reset();
  } else {
    assign(member.emplace(), value);
  }
}

// --- how a row is written ------------------------------------------------------------

template <typename T>
struct OwnerOf;
template <typename Owner, typename Member>
struct OwnerOf<Member Owner::*> {
  using Type = Owner;
};

template <typename T>
struct Inner {
  using Type = T;
};
template <typename T>
struct Inner<std::optional<T>> {
  using Type = T;
};

// The member at Path, one pointer to member for each step from the owner.
template <auto First, auto... Rest>
struct At {
  using Owner = typename OwnerOf<decltype(First)>::Type;

  static auto& member(auto& owner) { return ((owner.*First).*....*Rest); }
  using Member =
      typename Inner<std::remove_cvref_t<decltype(member(std::declval<Owner&>()))>>::Type;

  static constexpr Knob<Owner> row(const KnobInfo& info) {
    return {info, [](const Owner& owner) { return to_value(member(owner)); },
            [](Owner& owner, const Value& value) { assign(member(owner), value); }};
  }
};

template <auto... Path>
constexpr auto number(std::string_view key, Range range, Applies applies, std::string_view help) {
  static_assert(std::unsigned_integral<typename At<Path...>::Member>);
  CRIER_CHECK(range.max <= std::numeric_limits<typename At<Path...>::Member>::max());
  return At<Path...>::row({key, Kind::number, applies, help, range, nullptr, {}});
}

template <auto... Path>
constexpr auto number_or_auto(std::string_view key, Range range, Applies applies,
                              std::string_view help) {
  CRIER_CHECK(range.min > kAuto);
  auto row = number<Path...>(key, range, applies, help);
  using Owner = typename At<Path...>::Owner;
  row.or_auto = true;
  row.get = [](const Owner& owner) {
    const auto& member = At<Path...>::member(owner);
    return member == kAuto ? Value(std::string(kAutoText)) : to_value(member);
  };
  row.set = [](Owner& owner, const Value& value) {
    const bool automatic = std::holds_alternative<std::string>(value);
    assign(At<Path...>::member(owner), automatic ? Value(std::uint64_t{kAuto}) : value);
  };
  return row;
}

template <auto... Path>
constexpr auto flag(std::string_view key, Applies applies, std::string_view help) {
  static_assert(std::same_as<typename At<Path...>::Member, bool>);
  return At<Path...>::row({key, Kind::flag, applies, help, {}, nullptr, {}});
}

template <auto... Path>
constexpr auto text(std::string_view key, const TextRule& rule, Applies applies,
                    std::string_view help) {
  return At<Path...>::row({key, Kind::text, applies, help, {}, &rule, {}});
}

template <auto... Path>
constexpr auto list(std::string_view key, const TextRule& item, Applies applies,
                    std::string_view help) {
  static_assert(std::same_as<typename At<Path...>::Member, std::vector<std::string>>);
  return At<Path...>::row({key, Kind::list, applies, help, {}, &item, {}});
}

template <auto... Path>
constexpr auto choice(std::string_view key, Applies applies, std::string_view help) {
  using Choice = typename At<Path...>::Member;
  static_assert(std::is_enum_v<Choice>);
  return At<Path...>::row({key, Kind::choice, applies, help, {}, nullptr, kNamesOf<Choice>});
}

}  // namespace crier::config
