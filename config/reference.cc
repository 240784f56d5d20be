#include "config/reference.h"

#include <cctype>
#include <cstddef>
#include <string_view>
#include <vector>

#include "config/json_value.h"
#include "config/knob.h"
#include "core/text/roff.h"
#include "core/text/wrap.h"

namespace crier::config {
namespace {

constexpr std::size_t kColumns = 96;
constexpr std::string_view kTopicsHelp =
    "Classes of topics. The first row whose pattern covers a subscription applies; the "
    "sections give what a row leaves out.";
constexpr std::string_view kTopicsExample =
    R"({"match": "orders.>", "events_max": 100, "policy": "drop-oldest", "rate": 50})";

// --- schema ------------------------------------------------------------

Json schema_of(const KnobInfo& knob) {
  Json schema;
  schema["description"] = knob.help;
  switch (knob.kind) {
    case Kind::flag:
      schema["type"] = "boolean";
      break;
    case Kind::number: {
      const Json number = {
          {"type", "integer"}, {"minimum", knob.range.min}, {"maximum", knob.range.max}};
      if (knob.or_auto) {
        schema["anyOf"] = {{{"const", kAutoText}}, number};
      } else {
        schema.update(number);
      }
      break;
    }
    case Kind::text:
      schema["type"] = "string";
      break;
    case Kind::list:
      schema["type"] = "array";
      schema["items"] = {{"type", "string"}};
      break;
    case Kind::choice:
      schema["enum"] = Json(knob.choices);
      break;
  }
  return schema;
}

Json closed_object() {
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
}

Json topics_schema() {
  Json row = closed_object();
  row["required"] = {"match"};
  for (const KnobInfo& knob : topic_knobs()) {
    row["properties"][std::string(knob.key)] = schema_of(knob);
  }
  return {{"description", kTopicsHelp},
          {"type", "array"},
          {"maxItems", kTopicRowsMax},
          {"items", std::move(row)}};
}

// --- prose ------------------------------------------------------------

// "Allowed are 1 to 600. Applied on reload."
std::string terms(const KnobInfo& knob) {
  std::string text = allowed(knob);
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + (knob.applies == Applies::live ? ". Applied on reload." : ". Needs a restart.");
}

std::string topics_comment() {
  std::string text = wrapped(kTopicsHelp, "  // ", kColumns);
  for (const KnobInfo& knob : topic_knobs()) {
    text += wrapped(std::string(knob.key) + ": " + std::string(knob.help) + " " + terms(knob),
                    "  //   ", kColumns);
  }
  return text + "  // Like this:\n  //   " + std::string(kTopicsExample) + "\n";
}

// The text about one key, for reference_text() and reference_man().
struct Entry {
  std::string key;
  std::string_view help;
  std::string terms;
};

std::vector<Entry> entries() {
  std::vector<Entry> all;
  const Config defaults;
  for (const Knob<Config>& knob : knobs()) {
    all.push_back({std::string(knob.key), knob.help,
                   "Default " + to_text(knob.get(defaults)) + ". " + terms(knob)});
  }
  all.push_back({std::string(kTopicsKey), kTopicsHelp,
                 "Default []. Allowed are 0 to " + std::to_string(kTopicRowsMax) +
                     " rows. For example [" + std::string(kTopicsExample) + "]."});
  for (const KnobInfo& knob : topic_knobs()) {
    all.push_back(
        {std::string(kTopicsKey) + "[]." + std::string(knob.key), knob.help, terms(knob)});
  }
  return all;
}

}  // namespace

std::string json_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "Configuration of crier"}};
  schema.update(closed_object());
  Json& sections = schema["properties"];
  const Config defaults;
  for (const Knob<Config>& knob : knobs()) {
    const std::string section(section_of(knob.key));
    if (!sections.contains(section)) sections[section] = closed_object();
    Json& entry = sections[section]["properties"][std::string(name_of(knob.key))];
    entry = schema_of(knob);
    entry["default"] = json_of(knob.get(defaults));
  }
  sections[std::string(kTopicsKey)] = topics_schema();
  return dump(schema, 2) + "\n";
}

std::string commented_example() {
  std::string text =
      "// Configuration of crier: every key with its default. Leave out what need not change.\n{\n";
  const Config defaults;
  std::string_view section;
  for (const Knob<Config>& knob : knobs()) {
    const bool first = section_of(knob.key) != section;
    if (first) {
      if (!section.empty()) text += "\n  },\n\n";
      section = section_of(knob.key);
      text += "  \"" + std::string(section) + "\": {\n";
    } else {
      text += ",\n";
    }
    text += wrapped(std::string(knob.help) + " " + terms(knob), "    // ", kColumns);
    text += "    \"" + std::string(name_of(knob.key)) + "\": " + to_text(knob.get(defaults));
  }
  return text + "\n  },\n\n" + topics_comment() + "  \"" + std::string(kTopicsKey) + "\": []\n}\n";
}

std::string dump_json(const Config& config) {
  Json json = Json::object();
  for (const Knob<Config>& knob : knobs()) {
    json[std::string(section_of(knob.key))][std::string(name_of(knob.key))] =
        json_of(knob.get(config));
  }
  json[std::string(kTopicsKey)] = json_of(config.topics);
  return dump(json, 2) + "\n";
}

std::string reference_text() {
  std::string text;
  for (const Entry& entry : entries()) {
    if (!text.empty()) text += "\n";
    text += entry.key + "\n" + wrapped(entry.help, "    ", kColumns) +
            wrapped(entry.terms, "    ", kColumns);
  }
  return text;
}

std::string reference_man() {
  std::string text;
  for (const Entry& entry : entries()) {
    text += ".TP\n.B " + roff_text(entry.key) + "\n" + roff_text(entry.help) + "\n" +
            roff_text(entry.terms) + "\n";
  }
  return text;
}

}  // namespace crier::config
