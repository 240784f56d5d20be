#include "cmd/journal/nats/nats_message.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/text/decimal.h"
#include "core/text/sse_text.h"
#include "core/text/utf8.h"
#include "core/topic.h"

namespace crier::cmd {
namespace {

using broadcast::Fingerprint;

constexpr const char* kEventHeader = "Crier-Event";
constexpr const char* kFromHeader = "Crier-From";
constexpr const char* kContentHeader = "Crier-Content";
constexpr const char* kIdHeader = "Nats-Msg-Id";

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::uint64_t number = 0;
  for (const char byte : text) {
    const int digit = hex_digit(byte);
    if (digit < 0) return std::nullopt;
    number = number << 4 | static_cast<std::uint64_t>(digit);
  }
  return number;
}

std::string hex_of(std::uint64_t number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

// A name may begin or end with spaces, which a header's value loses outside of quotes.
std::string_view without_quotes(std::string_view name) {
  if (name.size() < 2 || name.front() != '"' || name.back() != '"') return name;
  return name.substr(1, name.size() - 2);
}

std::string hex_of(const Fingerprint& fingerprint) {
  return hex_of(fingerprint.high) + hex_of(fingerprint.low);
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const auto high = parse_hex(text.substr(0, 16));
  const auto low = parse_hex(text.substr(16));
  if (!high || !low) return std::nullopt;
  return Fingerprint{.low = *low, .high = *high};
}

// Reads `<32 digits><separator><number>`.
bool take_pair(std::string_view text, char separator, Fingerprint& fingerprint,
               std::uint32_t& number) {
  if (text.size() < 34 || text[32] != separator) return false;
  const auto parsed = parse_fingerprint(text.substr(0, 32));
  const auto count = parse_decimal<std::uint32_t>(text.substr(33));
  if (!parsed || !count) return false;
  fingerprint = *parsed;
  number = *count;
  return true;
}

// Returns the fingerprint and the count of a Crier-Content header; nothing: it is malformed.
std::optional<NatsKeyPart> read_content(std::string_view header) {
  NatsKeyPart part;
  if (!take_pair(header, ' ', part.content, part.count)) return std::nullopt;
  return part;
}

}  // namespace

std::string text_of(const NatsOrigin& origin) {
  return hex_of(origin.node) + '.' + std::to_string(origin.group) + '.' +
         std::to_string(origin.index);
}

std::optional<NatsOrigin> parse_origin(std::string_view text) {
  const std::size_t first = text.find('.');
  const std::size_t second = text.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto node = parse_hex(text.substr(0, first));
  const auto group = parse_decimal<std::uint64_t>(text.substr(first + 1, second - first - 1));
  const auto index = parse_decimal<std::uint32_t>(text.substr(second + 1));
  if (!node || !group || !index) return std::nullopt;
  return NatsOrigin{*node, *group, *index};
}

NatsMessageHandle make_message(std::string_view prefix, const NatsEvent& event, const char* reply) {
  std::string subject(prefix);
  subject.append(1, '.').append(event.event.topic);
  natsMsg* raw = nullptr;
  natsStatus status = nats().natsMsg_Create(&raw, subject.c_str(), reply, event.event.data.data(),
                                            static_cast<int>(event.event.data.size()));
  NatsMessageHandle message(raw);
  const auto set = [&](const char* name, const std::string& value) {
    if (status == NATS_OK) status = nats().natsMsgHeader_Set(raw, name, value.c_str());
  };
  set(kFromHeader, text_of(event.origin));
  if (!event.event.name.empty()) set(kEventHeader, '"' + std::string(event.event.name) + '"');
  if (event.key.count > 0) {
    set(kIdHeader, hex_of(event.key.key) + '.' + std::to_string(event.key.place));
    set(kContentHeader, hex_of(event.key.content) + ' ' + std::to_string(event.key.count));
  }
  if (status != NATS_OK) return nullptr;
  return message;
}

std::optional<NatsEvent> read_message(std::string_view prefix, natsMsg* message) {
  const char* const text = nats().natsMsg_GetSubject(message);
  std::string_view subject = text == nullptr ? "" : text;
  if (!subject.starts_with(prefix) || subject.size() <= prefix.size() ||
      subject[prefix.size()] != '.') {
    return std::nullopt;
  }
  subject.remove_prefix(prefix.size() + 1);
  NatsEvent read{.event = {.topic = subject,
                           .data = data_of(message),
                           .name = without_quotes(header_of(message, kEventHeader))},
                 .origin = {},
                 .key = {}};
  if (!valid_topic(read.event.topic) || !valid_event_text(read.event.data)) return std::nullopt;
  if (!broadcast::closes_topic(read.event) && !allowed_event_name(read.event.name)) {
    return std::nullopt;
  }
  read.origin = parse_origin(header_of(message, kFromHeader)).value_or(NatsOrigin{});
  if (const auto content = read_content(header_of(message, kContentHeader))) {
    NatsKeyPart part = *content;
    if (take_pair(header_of(message, kIdHeader), '.', part.key, part.place) &&
        part.place < part.count) {
      read.key = part;
    }
  }
  return read;
}

}  // namespace crier::cmd
