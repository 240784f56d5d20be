#include "broadcast/streams/own_events.h"

#include "broadcast/log/event.h"
#include "core/text/sse_text.h"

namespace crier::broadcast {

void append_open_event(std::string& out, std::string_view position_id, std::uint32_t retry_ms) {
  std::string data = "{\"position\":\"";
  data += position_id;
  data += "\"}";
  append_sse_event(out,
                   {.id = position_id, .name = "crier.open", .data = data, .retry_ms = retry_ms});
}

void append_gap_event(std::string& out, const Gap& gap, const Epoch& epoch) {
  std::string id;
  append_event_id(id, epoch, gap.resumed_at);
  std::string data = "{\"reason\":\"";
  data += to_string(gap.reason);
  data += "\",\"missed\":";
  data += gap.missed ? std::to_string(*gap.missed) : "null";
  data += ",\"resumed_at\":\"";
  data += id;
  data += "\"}";
  append_sse_event(out, {.id = id, .name = "crier.gap", .data = data});
}

void append_closed_event(std::string& out, std::string_view topic, std::string_view position_id) {
  append_sse_event(out, {.id = position_id, .name = kClosedName, .data = closed_data(topic)});
}

void append_end_event(std::string& out, std::string_view reason, std::uint32_t retry_ms) {
  std::string data = "{\"reason\":\"";
  data += reason;
  data += "\"}";
  append_sse_event(out, {.name = "crier.end", .data = data, .retry_ms = retry_ms});
}

void append_padding(std::string& out) {
  out += ':';
  out.append(2'048, ' ');
  out += '\n';
}

}  // namespace crier::broadcast
