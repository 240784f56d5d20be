#include "config/json_value.h"

namespace crier::config {

Json json_of(const Value& value) {
  return std::visit(
      [](const auto& held) -> Json {
        if constexpr (std::same_as<std::remove_cvref_t<decltype(held)>, std::monostate>) {
          return nullptr;
        } else {
          return held;
        }
      },
      value);
}

Json json_of(const std::vector<TopicRow>& rows) {
  Json list = Json::array();
  for (const TopicRow& row : rows) {
    Json object = Json::object();
    for (const Knob<TopicRow>& knob : topic_knobs()) {
      const Value value = knob.get(row);
      if (!std::holds_alternative<std::monostate>(value))
        object[std::string(knob.key)] = json_of(value);
    }
    list.push_back(std::move(object));
  }
  return list;
}

Json read_json(std::string_view text) {
  return Json::parse(text.data(), text.data() + text.size(), nullptr, false);
}

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', true, Json::error_handler_t::replace);
}

}  // namespace crier::config
