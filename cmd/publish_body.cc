#include "cmd/publish_body.h"

#include "cmd/json_text.h"
#include "core/escape.h"
#include "core/utf8.h"

namespace crier::cmd {

Result<std::string> publish_object(const PublishAs& as, std::string_view data) {
  if (!valid_event_text(data)) return fail(Errc::bad_request, "is not UTF-8 without NUL");
  // Checked here, or it could close our object and begin another.
  if (as.json && !is_json(data)) return fail(Errc::bad_request, "is not JSON");
  std::string object = "{\"topic\":";
  append_json_string(object, as.topic);
  if (!as.event.empty()) append_json_string(object.append(",\"event\":"), as.event);
  if (!as.key.empty()) append_json_string(object.append(",\"key\":"), as.key);
  object.append(",\"data\":");
  if (as.json) {
    object.append(data);
  } else {
    append_json_string(object, data);
  }
  object += '}';
  return object;
}

Result<void> LineBatch::add(std::string_view line) {
  auto object = publish_object(as_, line);
  if (!object) return std::unexpected(object.error());
  body_.append(*object) += '\n';
  ++lines_;
  return {};
}

void LineBatch::clear() {
  body_.clear();
  lines_ = 0;
}

}  // namespace crier::cmd
