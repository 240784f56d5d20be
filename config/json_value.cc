#include "config/json_value.h"

namespace crier::config {

OrderedJson json_of(const Value& value) {
  return std::visit(
      [](const auto& held) -> OrderedJson {
        if constexpr (std::same_as<std::remove_cvref_t<decltype(held)>, std::monostate>) {
          return nullptr;
        } else {
          return held;
        }
      },
      value);
}

OrderedJson json_of(const std::vector<TopicRow>& rows) {
  OrderedJson list = OrderedJson::array();
  for (const TopicRow& row : rows) {
    OrderedJson object = OrderedJson::object();
    for (const Knob<TopicRow>& knob : topic_knobs()) {
      const Value value = knob.get(row);
      if (!std::holds_alternative<std::monostate>(value))
        object[std::string(knob.key)] = json_of(value);
    }
    list.push_back(std::move(object));
  }
  return list;
}

std::string dump(const OrderedJson& json, int indent) {
  return json.dump(indent, ' ', true, OrderedJson::error_handler_t::replace);
}

}  // namespace crier::config
