#include "cmd/journal/nats/stream_state.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "core/text/decimal.h"

namespace crier::cmd {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMaker = "crier";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kNanos = 1'000'000'000;

std::string hex(std::uint64_t number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(number));
  return text.data();
}

bool take_hex(std::istream& words, std::uint64_t& number) {
  std::string word;
  if (!(words >> word) || word.size() != 16) return false;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number, 16);
  return parsed.ec == std::errc{} && parsed.ptr == word.data() + word.size();
}

// The member if it has the type of `otherwise`, else that.
template <typename T>
T member(const Json& object, const char* name, T otherwise) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (found == object.end()) return otherwise;
  if constexpr (std::is_same_v<T, bool>) {
    if (!found->is_boolean()) return otherwise;
  } else if constexpr (std::is_unsigned_v<T>) {
    if (!found->is_number_unsigned()) return otherwise;
  } else if constexpr (std::is_integral_v<T>) {
    if (!found->is_number_integer()) return otherwise;
  } else {
    if (!found->is_string()) return otherwise;
  }
  return found->template get<T>();
}

Json object(const Json& parent, const char* name) {
  const auto found = parent.is_object() ? parent.find(name) : parent.end();
  return found == parent.end() ? Json::object() : *found;
}

std::string subjects_of(std::string_view prefix) {
  return std::string(prefix) + ".>";
}

}  // namespace

std::string text_of(const StreamDescription& description) {
  const broadcast::JournalIdentity& id = description.identity;
  std::string text = std::string(kMaker) + ' ' + std::to_string(kVersion) + ' ';
  text.append(id.epoch.view());
  for (const std::uint64_t half :
       {id.topic_key.k0, id.topic_key.k1, id.idempotency_key.k0, id.idempotency_key.k1}) {
    text.append(1, ' ').append(hex(half));
  }
  if (!description.created.empty()) text.append(1, ' ').append(description.created);
  return text;
}

std::uint32_t description_version(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string maker;
  std::string version;
  if (!(words >> maker >> version) || maker != kMaker) return 0;
  return parse_decimal<std::uint32_t>(version).value_or(0);
}

std::optional<StreamDescription> parse_description(std::string_view text) {
  if (description_version(text) != kVersion) return std::nullopt;
  std::istringstream words{std::string(text)};
  std::string word;
  words >> word >> word >> word;
  const auto epoch = Epoch::parse(word);
  if (!epoch) return std::nullopt;
  StreamDescription description;
  broadcast::JournalIdentity& id = description.identity;
  id.epoch = *epoch;
  if (!take_hex(words, id.topic_key.k0) || !take_hex(words, id.topic_key.k1) ||
      !take_hex(words, id.idempotency_key.k0) || !take_hex(words, id.idempotency_key.k1)) {
    return std::nullopt;
  }
  words >> description.created;
  if (text_of(description) != text) return std::nullopt;
  return description;
}

std::expected<StreamState, StreamError> parse_stream_info(std::string_view json) {
  const Json info = Json::parse(json, nullptr, false);
  if (info.is_discarded() || !info.is_object()) {
    return std::unexpected(StreamError{0, "its answer is no JSON object"});
  }
  if (const auto error = info.find("error"); error != info.end()) {
    return std::unexpected(StreamError{member<std::uint32_t>(*error, "err_code", 0),
                                       member<std::string>(*error, "description", "unknown")});
  }
  const Json config = object(info, "config");
  const Json state = object(info, "state");
  StreamState known{
      .created = member<std::string>(info, "created", ""),
      .description = member<std::string>(config, "description", ""),
      .messages = member<std::uint64_t>(state, "messages", 0),
      .first = member<std::uint64_t>(state, "first_seq", 0),
      .last = member<std::uint64_t>(state, "last_seq", 0),
      .duplicate_seconds = member<std::uint64_t>(config, "duplicate_window", 0) / kNanos,
      .message_bytes_max = member<std::int64_t>(config, "max_msg_size", -1),
      .config = config.dump()};
  if (known.created.empty()) return std::unexpected(StreamError{0, "its answer has no stream"});
  if (known.messages == 0) known.first = known.last + 1;
  return known;
}

PublishAnswer parse_publish_answer(std::string_view json) {
  const Json answer = Json::parse(json, nullptr, false);
  if (answer.is_object() && answer.contains("error")) {
    return {.error = member<std::uint32_t>(object(answer, "error"), "err_code", 0)};
  }
  return {.sequence = member<std::uint64_t>(answer, "seq", 0),
          .duplicate = member<bool>(answer, "duplicate", false)};
}

std::string next_message_request(std::uint64_t sequence, std::string_view prefix) {
  return Json{{"seq", sequence}, {"next_by_subj", subjects_of(prefix)}}.dump();
}

std::expected<std::uint64_t, StreamError> parse_message_sequence(std::string_view json) {
  constexpr std::uint32_t kNone = 10'037;
  const Json answer = Json::parse(json, nullptr, false);
  if (answer.is_object() && answer.contains("error")) {
    const Json error = object(answer, "error");
    const auto code = member<std::uint32_t>(error, "err_code", 0);
    if (code == kNone) return 0;
    return std::unexpected(StreamError{code, member<std::string>(error, "description", "unknown")});
  }
  const auto sequence = member<std::uint64_t>(object(answer, "message"), "seq", 0);
  if (sequence == 0) return std::unexpected(StreamError{0, "its answer has no message"});
  return sequence;
}

std::string create_request(const StreamSettings& settings, const StreamDescription& description) {
  const auto bound = [](std::uint64_t value) {
    return value == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(value);
  };
  return Json{{"name", settings.name},
              {"description", text_of(description)},
              {"subjects", {subjects_of(settings.prefix)}},
              {"retention", "limits"},
              {"discard", "old"},
              {"storage", "file"},
              {"num_replicas", settings.replicas},
              {"max_consumers", -1},
              {"max_msgs", -1},
              {"max_bytes", bound(settings.bytes_max)},
              {"max_age", settings.age_seconds_max * kNanos},
              {"duplicate_window", settings.duplicate_seconds * kNanos}}
      .dump();
}

std::string update_request(const StreamState& state, const StreamDescription& description) {
  Json config = Json::parse(state.config, nullptr, false);
  config["description"] = text_of(description);
  return config.dump();
}

std::string unfit(const StreamState& state, const StreamSettings& settings,
                  std::uint64_t event_bytes_max) {
  const std::string stream = "The stream " + settings.name;
  const std::string other = " Remove it, or choose another name with nats.stream.";
  const std::uint32_t version = description_version(state.description);
  if (version == 0) return stream + " was not made by crier." + other;
  if (version > kVersion) {
    return stream + " is used by a newer version of crier. Install that version here, too.";
  }
  if (!parse_description(state.description)) {
    return stream + " has a description that crier cannot read: " + state.description + "." + other;
  }
  const Json config = Json::parse(state.config, nullptr, false);
  const Json subjects = config.value("subjects", Json::array());
  if (subjects != Json::array({subjects_of(settings.prefix)})) {
    return stream + " has the subjects " + subjects.dump() + ", not " +
           subjects_of(settings.prefix) + ". Set nats.prefix as on the other nodes.";
  }
  if (member<std::string>(config, "retention", "") != "limits" || member(config, "sealed", false)) {
    return stream + " does not keep messages by its limits, or is sealed." + other;
  }
  if (state.message_bytes_max >= 0 &&
      static_cast<std::uint64_t>(state.message_bytes_max) < event_bytes_max + kHeaderBytesMax) {
    return stream + " takes messages of at most " + std::to_string(state.message_bytes_max) +
           " bytes: raise max_msg_size to limits.event_bytes_max and 1,024.";
  }
  return {};
}

}  // namespace crier::cmd
