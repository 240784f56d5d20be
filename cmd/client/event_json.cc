#include "cmd/client/event_json.h"

#include "core/text/escape.h"
#include "core/text/json_scanner.h"
#include "core/text/utf8.h"

namespace crier::cmd {
namespace {

Result<void> must_be_json(std::string_view text) {
  const JsonProblem problem = check_json(text);
  if (problem.message.empty()) return {};
  return fail(Errc::bad_request, "is not JSON: " + std::string(problem.message));
}

}  // namespace

Result<std::string> publish_object(const PublishAs& as, std::string_view data) {
  if (!valid_event_text(data)) return fail(Errc::bad_request, "is not UTF-8 without NUL");
  if (as.json) {  // Checked alone first: the data could close the object and begin another.
    if (const auto alone = must_be_json(data); !alone) return std::unexpected(alone.error());
  }
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
  if (as.json) {  // Checked in its place, too: there it is nested one level deeper.
    if (const auto whole = must_be_json(object); !whole) return std::unexpected(whole.error());
  }
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
