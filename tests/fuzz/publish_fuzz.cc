// Parses any bytes as one JSON object and as lines of objects. They are refused with a sentence, or
// every event keeps the rules that the log requires. A single line is read like the object.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broadcast/log/idempotency.h"
#include "broadcast/log/publish_json.h"
#include "core/check.h"
#include "core/text/sse_text.h"
#include "core/text/utf8.h"
#include "core/topic.h"

namespace {

using namespace crier;
using namespace crier::broadcast;

constexpr std::size_t kEventBytesMax = 64;

void check_event(const PublishEvent& publish) {
  CRIER_CHECK(valid_topic(publish.event.topic));
  CRIER_CHECK(allowed_event_name(publish.event.name));
  CRIER_CHECK(valid_event_text(publish.event.data));
  CRIER_CHECK(publish.event.data.size() <= kEventBytesMax);
  CRIER_CHECK(publish.key.empty() || valid_idempotency_key(publish.key));
}

void check_refusal(const BodyRefusal& refusal) {
  CRIER_CHECK(!refusal.message.empty());
  CRIER_CHECK(valid_utf8(refusal.message));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  CRIER_CHECK(std::ranges::none_of(refusal.message, is_control));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  PublishBody object;
  const auto refused = object.read_object(text, kEventBytesMax);
  CRIER_CHECK(object.events().size() == (refused ? 0 : 1));
  if (refused) check_refusal(*refused);
  for (const PublishEvent& event : object.events()) check_event(event);

  PublishBody lines;
  const auto lines_refused = lines.read_lines(text, {.event_bytes_max = kEventBytesMax});
  CRIER_CHECK(lines.events().empty() == lines_refused.has_value());
  if (lines_refused) check_refusal(*lines_refused);
  for (const PublishEvent& event : lines.events()) check_event(event);
  if (text.find('\n') == std::string::npos && !refused) {
    CRIER_CHECK(lines.events().size() == 1);
    CRIER_CHECK(lines.events()[0].event.data == object.events()[0].event.data);
  }
  return 0;
}
