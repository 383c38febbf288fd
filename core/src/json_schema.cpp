#include "json_schema.hpp"

#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

// The library is not written for our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

#include "json_depth.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {
namespace {

using nlohmann::json;

bool holds_named_schemas(const std::string& key) {
  return key == "properties" || key == "$defs" || key == "definitions" || key == "dependentSchemas";
}

bool holds_values(const std::string& key) {
  return key == "enum" || key == "const" || key == "default" || key == "examples" || key == "required";
}

/// Takes out of a schema what is not looked at, and what only describes.
void make_safe(json& schema) {
  if (schema.is_array()) {
    for (auto& one : schema) make_safe(one);
    return;
  }
  if (!schema.is_object()) return;
  // What a pattern would have allowed must not be refused as additional.
  if (schema.contains("patternProperties")) schema.erase("additionalProperties");
  for (const auto* key :
       {"pattern", "patternProperties", "format", "propertyNames", "uniqueItems", "$schema", "$id", "id"}) {
    schema.erase(key);
  }
  for (auto& [key, value] : schema.items()) {
    if (holds_values(key)) continue;
    if (holds_named_schemas(key)) {
      if (value.is_object()) {
        for (auto& [name, one] : value.items()) make_safe(one);
      }
    } else {
      make_safe(value);
    }
  }
}

constexpr int reference_hops = 16;

/// What a reference leads to, through other references; null if it leads out of the schema, nowhere, or round in a circle.
const json* target_of(const json& root, const json& reference) {
  const auto* found = &reference;
  for (int hop = 0; hop < reference_hops; ++hop) {
    if (!found->is_object() || !found->contains("$ref")) return found;
    const auto& ref = (*found)["$ref"];
    if (!ref.is_string() || !ref.get_ref<const std::string&>().starts_with('#')) return nullptr;
    try {
      json::json_pointer pointer{ref.get_ref<const std::string&>().substr(1)};
      if (!root.contains(pointer)) return nullptr;
      found = &root.at(pointer);
    } catch (const json::exception&) {
      return nullptr;
    }
  }
  return nullptr;
}

/// How many schemas one value is looked at with, references followed. A schema that leads back to itself without going into
/// the value would never end, and one that doubles at each step takes for ever: both count as too many.
class same_value_walk {
 public:
  explicit same_value_walk(const json& root) : root_{root} {}

  bool is_bounded(const json& schema) {
    left_ = limits::schema_visits_max;
    return visit(schema, 0);
  }

 private:
  bool visit(const json& schema, std::size_t depth) {
    if (left_ == 0 || depth > limits::schema_visits_depth_max) return false;
    --left_;
    if (!schema.is_object()) return true;
    if (auto ref = schema.find("$ref"); ref != schema.end()) {
      const auto* target = target_of(root_, schema);
      return target && visit(*target, depth + 1);
    }
    for (const auto* key :
         {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependencies", "extends", "type", "disallow"}) {
      auto found = schema.find(key);
      if (found == schema.end() || !found->is_structured()) continue;
      if (found->is_object() && std::string_view{key} != "dependencies") {
        if (!visit(*found, depth + 1)) return false;
        continue;
      }
      for (const auto& one : *found) {
        if (!visit(one, depth + 1)) return false;
      }
    }
    return true;
  }

  const json& root_;
  std::size_t left_ = 0;
};

/// Every place of the schema that may be looked at with a value.
bool is_bounded(same_value_walk& walk, const json& schema) {
  if (schema.is_object() && !walk.is_bounded(schema)) return false;
  if (!schema.is_structured()) return true;
  for (const auto& one : schema) {
    if (!is_bounded(walk, one)) return false;
  }
  return true;
}

/// The error's place as "a.b[0]": the library writes "<root>[a][b][0]".
std::string place_of(const std::string& context) {
  std::string place;
  for (std::size_t from = context.find('['); from != std::string::npos; from = context.find('[', from + 1)) {
    auto to = context.find(']', from);
    if (to == std::string::npos) break;
    auto part = context.substr(from + 1, to - from - 1);
    auto is_index = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    if (is_index) {
      place += "[" + part + "]";
    } else {
      if (!place.empty()) place += '.';
      place += part;
    }
  }
  return place.empty() ? "arguments" : "arguments." + place;
}

}  // namespace

struct json_schema::impl {
  valijson::Schema schema;
};

json_schema::json_schema(std::unique_ptr<impl> parts) : impl_{std::move(parts)} {}
json_schema::~json_schema() = default;
json_schema::json_schema(json_schema&&) noexcept = default;
json_schema& json_schema::operator=(json_schema&&) noexcept = default;

std::variant<json_schema, std::string> json_schema::compile(std::string_view text) {
  if (text.size() > limits::tool_schema_bytes_max) {
    return "expected a schema of at most " + std::to_string(limits::tool_schema_bytes_max) + " bytes";
  }
  if (!nested_at_most(text, limits::tool_schema_depth_max)) {
    return "expected a schema nested at most " + std::to_string(limits::tool_schema_depth_max) + " deep";
  }
  auto schema = json::parse(text, nullptr, false);
  if (schema.is_discarded()) return std::string{"expected a JSON schema, got what is not JSON"};
  if (!schema.is_object()) return std::string{"expected a JSON schema, which is an object"};
  if (auto type = schema.find("type"); type == schema.end() || *type != "object") {
    return std::string{R"(expected a schema of an object: "type": "object")"};
  }
  make_safe(schema);
  same_value_walk walk{schema};
  if (!is_bounded(walk, schema)) {
    return std::string{"expected every $ref to lead to a place in the schema itself, and not back to where it stands"};
  }
  auto parts = std::make_unique<impl>();
  try {
    valijson::SchemaParser parser{valijson::SchemaParser::kDraft7};
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter{schema}, parts->schema);
  } catch (const std::exception& error) {
    return std::string{"this is not a JSON schema: "} + error.what();
  }
  return json_schema{std::move(parts)};
}

std::string json_schema::problem_with(const json& value) const {
  valijson::Validator validator;
  valijson::ValidationResults results;
  try {
    if (validator.validate(impl_->schema, valijson::adapters::NlohmannJsonAdapter{value}, &results)) return {};
  } catch (const std::exception& error) {
    return std::string{"arguments: they could not be checked: "} + error.what();
  }
  // The innermost error comes first, and is the one that says something.
  valijson::ValidationResults::Error first;
  if (!results.popError(first)) return "arguments: they do not fit the schema";
  std::string context;
  for (const auto& part : first.context) context += part;
  return place_of(context) + ": " + first.description;
}

}  // namespace oncue::core
