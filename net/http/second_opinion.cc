#include "net/http/second_opinion.h"

#include <llhttp.h>

#include <cstddef>

#include "net/http/head_bytes.h"

namespace crier::net {
namespace {

// A piece of the head. llhttp may report it in several parts, which must be contiguous.
struct Piece {
  const char* begin = nullptr;
  const char* end = nullptr;
  bool whole = true;

  void add(const char* at, std::size_t length) {
    if (begin == nullptr) begin = end = at;
    whole = whole && at == end;
    end = at + length;
  }
  std::string_view text() const {
    return begin == nullptr ? std::string_view()
                            : std::string_view(begin, static_cast<std::size_t>(end - begin));
  }
};

// llhttp may report an empty piece at any address, or not at all. Any other piece must be the same
// bytes at the same address.
bool same(const Piece& piece, std::string_view expected) {
  const std::string_view text = trim_ows(piece.text());
  if (!piece.whole || text.size() != expected.size()) return false;
  return text.empty() || text.data() == expected.data();
}

struct Comparison {
  std::string_view head;
  const HeadGate& gate;
  const Request& request;
  Piece target;
  Piece name;
  Piece value;
  std::size_t fields = 0;
  int heads_complete = 0;
  int messages_complete = 0;
  bool agrees = true;

  void check(bool equal) { agrees = agrees && equal; }
};

Comparison& of(llhttp_t* parser) {
  return *static_cast<Comparison*>(parser->data);
}

int on_target(llhttp_t* parser, const char* at, std::size_t length) {
  of(parser).target.add(at, length);
  return 0;
}

int on_name(llhttp_t* parser, const char* at, std::size_t length) {
  of(parser).name.add(at, length);
  return 0;
}

int on_value(llhttp_t* parser, const char* at, std::size_t length) {
  of(parser).value.add(at, length);
  return 0;
}

int on_field_complete(llhttp_t* parser) {
  Comparison& seen = of(parser);
  const auto fields = seen.gate.fields();
  if (seen.fields < fields.size()) {
    const HeadField& field = fields[seen.fields];
    seen.check(same(seen.name, field.name.in(seen.head)));
    seen.check(same(seen.value, field.value.in(seen.head)));
  }
  ++seen.fields;
  seen.name = seen.value = Piece{};
  return 0;
}

int on_head_complete(llhttp_t* parser) {
  Comparison& seen = of(parser);
  ++seen.heads_complete;
  const auto method = static_cast<llhttp_method_t>(parser->method);
  seen.check(seen.request.method_text == llhttp_method_name(method));
  seen.check(parser->http_major == 1 && parser->http_minor == (seen.request.http_1_0 ? 0 : 1));
  seen.check(parser->content_length == seen.request.content_length);
  seen.check(((parser->flags & F_CHUNKED) != 0) == seen.request.chunked);
  return 1;  // Tells llhttp that the message has no body: it is given the head alone.
}

// The pause makes llhttp report where the message ended, and keeps it from reading on as after an
// upgrade.
int on_message_complete(llhttp_t* parser) {
  ++of(parser).messages_complete;
  return HPE_PAUSED;
}

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = on_target;
  settings.on_header_field = on_name;
  settings.on_header_value = on_value;
  settings.on_header_value_complete = on_field_complete;
  settings.on_headers_complete = on_head_complete;
  settings.on_message_complete = on_message_complete;
  return settings;
}

}  // namespace

bool llhttp_agrees(std::string_view head, const HeadGate& gate, const Request& request) {
  static const llhttp_settings_t kSettings = make_settings();
  Comparison seen{.head = head, .gate = gate, .request = request};
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &kSettings);
  parser.data = &seen;
  const llhttp_errno_t error = llhttp_execute(&parser, head.data(), head.size());
  if (error != HPE_PAUSED || llhttp_get_error_pos(&parser) != head.data() + head.size())
    return false;
  seen.check(seen.heads_complete == 1 && seen.messages_complete == 1);
  seen.check(same(seen.target, gate.target().in(head)));
  seen.check(seen.fields == gate.fields().size());
  return seen.agrees;
}

}  // namespace crier::net
