#include "net/http/response_parser.h"

#include <llhttp.h>

#include <algorithm>

#include "core/check.h"
#include "net/http/head_bytes.h"

namespace crier::net {

struct ResponseParser::State {
  llhttp_t parser{};
  llhttp_settings_t settings{};
  ResponseHead head;
  bool has_head = false;
  bool name_open = false;  // The last field's name is still arriving.
  std::size_t head_bytes = 0;
  const OnBody* on_body = nullptr;
  Progress progress = Progress::more;
  bool keep_alive = false;
  const char* reason = nullptr;  // If it is not llhttp's.
  std::string problem;

  State();
  static State& of(llhttp_t* parser) { return *static_cast<State*>(parser->data); }

  bool count(std::size_t bytes) {
    head_bytes += bytes;
    return head_bytes <= kHeadBytesMax;
  }
  // For a callback: ends the parsing.
  int refuse(const char* why) {
    reason = why;
    return -1;
  }
  bool interim() const { return head.status >= 100 && head.status < 200; }
  Progress judge(llhttp_errno_t error);
};

ResponseParser::State::State() {
  llhttp_settings_init(&settings);
  settings.on_message_begin = [](llhttp_t* p) {
    of(p).head = {};
    of(p).has_head = false;
    return 0;
  };
  settings.on_status = [](llhttp_t* p, const char*, std::size_t size) {
    return of(p).count(size) ? 0 : -1;
  };
  settings.on_header_field = [](llhttp_t* p, const char* at, std::size_t size) {
    State& s = of(p);
    if (s.has_head) return 0;  // Trailers are skipped.
    if (!s.count(size)) return -1;
    if (!s.name_open) {
      if (s.head.fields.size() == kFieldsMax) return -1;
      s.head.fields.emplace_back();
      s.name_open = true;
    }
    std::transform(at, at + size, std::back_inserter(s.head.fields.back().first), ascii_lower);
    return 0;
  };
  settings.on_header_field_complete = [](llhttp_t* p) {
    State& s = of(p);
    // llhttp takes a line that begins with the colon.
    const bool named = s.has_head || (s.name_open && !s.head.fields.back().first.empty());
    return named ? 0 : s.refuse("a field has no name");
  };
  settings.on_header_value = [](llhttp_t* p, const char* at, std::size_t size) {
    State& s = of(p);
    if (s.has_head) return 0;
    if (!s.count(size)) return -1;
    s.head.fields.back().second.append(at, size);
    return 0;
  };
  settings.on_header_value_complete = [](llhttp_t* p) {
    State& s = of(p);
    s.name_open = false;
    if (!s.has_head) {
      std::string& value = s.head.fields.back().second;
      value.resize(value.find_last_not_of(" \t") + 1);  // llhttp trims only the front.
    }
    return 0;
  };
  settings.on_headers_complete = [](llhttp_t* p) {
    State& s = of(p);
    // llhttp takes any digits.
    if (p->status_code < 100) return s.refuse("the status is below 100");
    s.head.status = p->status_code;
    s.has_head = !s.interim();
    // By RFC 9112, 6.3, these have no body whatever their fields say; llhttp would read one.
    const bool bodiless = s.interim() || s.head.status == 204 || s.head.status == 304;
    return bodiless ? 1 : 0;
  };
  settings.on_body = [](llhttp_t* p, const char* at, std::size_t size) {
    const State& s = of(p);
    if (*s.on_body) (*s.on_body)({at, size});
    return 0;
  };
  settings.on_message_complete = [](llhttp_t* p) {
    State& s = of(p);
    if (s.interim()) return 0;
    s.keep_alive = llhttp_should_keep_alive(p) == 1;
    s.progress = Progress::complete;
    return static_cast<int>(HPE_PAUSED);  // Later bytes do not belong to this response.
  };
  llhttp_init(&parser, HTTP_RESPONSE, &settings);
  parser.data = this;
}

ResponseParser::Progress ResponseParser::State::judge(llhttp_errno_t error) {
  if (progress == Progress::complete) return progress;
  if (error == HPE_OK) return Progress::more;
  progress = Progress::refused;
  if (error == HPE_USER || head_bytes > kHeadBytesMax) {
    problem = "the head of the response is too large";
  } else {
    if (reason == nullptr) reason = llhttp_get_error_reason(&parser);
    problem = "the response is not HTTP/1.1";
    if (reason != nullptr && *reason != '\0') problem.append(" (").append(reason).append(")");
  }
  return progress;
}

std::string_view ResponseHead::field(std::string_view lower_case_name) const {
  const auto found =
      std::ranges::find(fields, lower_case_name, &std::pair<std::string, std::string>::first);
  return found == fields.end() ? std::string_view{} : std::string_view(found->second);
}

ResponseParser::ResponseParser() : state_(std::make_unique<State>()) {}
ResponseParser::~ResponseParser() = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;

ResponseParser::Progress ResponseParser::consume(std::string_view bytes, const OnBody& on_body) {
  CRIER_CHECK(state_->progress == Progress::more);
  state_->on_body = &on_body;
  return state_->judge(llhttp_execute(&state_->parser, bytes.data(), bytes.size()));
}

ResponseParser::Progress ResponseParser::finish() {
  CRIER_CHECK(state_->progress == Progress::more);
  const llhttp_errno_t error = llhttp_finish(&state_->parser);
  if (state_->judge(error) != Progress::more) return state_->progress;
  state_->progress = Progress::refused;
  state_->problem = "the connection was closed before the response was whole";
  return state_->progress;
}

bool ResponseParser::has_head() const {
  return state_->has_head;
}
const ResponseHead& ResponseParser::head() const {
  return state_->head;
}

bool ResponseParser::keep_alive() const {
  CRIER_CHECK(state_->progress == Progress::complete);
  return state_->keep_alive;
}

const std::string& ResponseParser::problem() const {
  CRIER_CHECK(state_->progress == Progress::refused);
  return state_->problem;
}

}  // namespace crier::net
