// The interface through which code below cmd writes log lines: one message and some fields.
//
// The message is a constant sentence, so that repeated lines can be recognised and counted; values
// that vary go into fields. A field may hold text from a client: the sink escapes it. Use a Counter
// for what happens often, and a log line for what an operator should look at.
//
// A sink belongs to the control loop. A worker sends its log lines to the control loop by queue.
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

// A view of text, a number or a truth value; every integer type becomes 64 bits with its own sign.
// Conversions are implicit on purpose, so that a call reads {"bytes", n}.
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

// `key` is a constant of [a-z0-9_]+ with its unit last (`duration_ms`). The keys ts, level, msg and
// cut belong to the line itself and are not allowed.
struct Field {
  std::string_view key;
  FieldValue value;
};

class LogSink {
 public:
  virtual ~LogSink() = default;

  // Writes one line. The views need to be valid only during the call.
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
