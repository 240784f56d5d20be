// Reads any bytes as a batch of a journal and as what the log remembers. They are refused, or the
// events keep the rules of the log and of the batch's numbers, and the same bytes are written
// again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broadcast/log/journal_batch.h"
#include "broadcast/log/remembered.h"
#include "core/check.h"
#include "core/text/sse_text.h"
#include "core/text/utf8.h"
#include "core/topic.h"

namespace {

using namespace crier;
using namespace crier::broadcast;

void check_event(const Event& event) {
  CRIER_CHECK(valid_topic(event.topic));
  CRIER_CHECK(closes_topic(event) || allowed_event_name(event.name));
  CRIER_CHECK(valid_event_text(event.data));
}

void check_batch(std::string_view body, std::uint64_t first, std::uint64_t last) {
  const bool valid = valid_batch(body, first, last);
  BatchReader reader(body, first, last);
  BatchWriter again;
  std::uint64_t before = first - 1;
  for (;;) {
    switch (reader.next()) {
      case BatchPart::malformed:
        CRIER_CHECK(!valid);
        return;
      case BatchPart::end:
        if (valid && !again.empty()) CRIER_CHECK(again.take() == body);
        return;
      case BatchPart::event:
        if (!valid) break;
        check_event(reader.event());
        CRIER_CHECK(reader.sequence() > before && reader.sequence() <= last);
        before = reader.sequence();
        again.add_event(reader.event(), before - first);
        break;
      case BatchPart::key:
        const FirstAnswer& answer = reader.answer();
        CRIER_CHECK(answer.first_sequence >= first && answer.last_sequence <= last);
        CRIER_CHECK(answer.accepted > 0);
        again.add_key(
            reader.key(), reader.content(),
            {answer.first_sequence - first, answer.last_sequence - first, answer.accepted});
        break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_batch(text, 1, 1);
  check_batch(text, 5, 4'000);
  check_batch(text, 1, ~std::uint64_t{0});
  if (const auto remembered = read_remembered(text)) {
    std::string again;
    append_remembered(again, *remembered);
    CRIER_CHECK(again == text);
  }
  return 0;
}
