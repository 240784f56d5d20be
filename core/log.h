// How code below cmd tells an operator something worth reading: one message, some fields, no more.
//
// The message is a constant sentence, so that repeats can be recognised and counted; what varies
// goes into fields. Text in fields may come from anyone: the sink escapes it. Counters are for what
// happens often, this is for what somebody should look at.
//
// A sink belongs to the control loop. Workers hand what they have to say to control by queue.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/names.h"

namespace crier {

enum class Level : std::uint8_t { debug, info, warning, error };
constexpr std::array<std::string_view, 4> names_of(Level /*selects*/) {
  return {"debug", "info", "warning", "error"};
}

// A view of text, a number or a truth value; any integer becomes one of 64 bits with its own sign.
// Conversions are implicit on purpose: a call reads {"bytes", n}.
class FieldValue {
 public:
  FieldValue(std::string_view text) : value_(text) {}
  FieldValue(const std::string& text) : value_(std::string_view(text)) {}
  FieldValue(const char* text) : value_(std::string_view(text)) {}
  FieldValue(bool yes) : value_(yes) {}
  FieldValue(double number) : value_(number) {}
  template <std::signed_integral T>
  FieldValue(T number) : value_(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  FieldValue(T number) : value_(static_cast<std::uint64_t>(number)) {}

  using Variant = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
  const Variant& get() const { return value_; }

 private:
  Variant value_;
};

// `key` is a constant of ours: [a-z0-9_]+, its unit last (`duration_ms`), and neither ts, level,
// msg nor cut, which are the line's own.
struct Field {
  std::string_view key;
  FieldValue value;
};

class LogSink {
 public:
  virtual ~LogSink() = default;

  // Views need to live only until the call returns.
  virtual void write(Level level, std::string_view message, std::span<const Field> fields) = 0;

  void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write_list(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write_list(Level::info, message, fields);
  }
  void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
    write_list(Level::warning, message, fields);
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write_list(Level::error, message, fields);
  }

 private:
  void write_list(Level level, std::string_view message, std::initializer_list<Field> fields) {
    write(level, message, std::span<const Field>(fields.begin(), fields.size()));
  }
};

}  // namespace crier
