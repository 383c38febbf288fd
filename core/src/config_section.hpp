// One table of the configuration file, read strictly: a value of the wrong type, out of its range or under an unknown key
// is a rejection that says where, what was expected and what was there. Only config*.cpp include this,
// because the TOML library's headers take seconds to compile.
#pragma once

// What its parser asserts of the file it checks again right behind, and then says what is wrong. Asserted, a wrong file
// would end the process; assumed, as a release build would have it, anything may happen.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "config_rules.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {

using names = std::vector<std::string_view>;

/// Thrown at the first thing that is wrong; never leaves this file.
struct rejection {
  config_error error;
};

[[noreturn]] inline void reject_at(const toml::source_region& where, std::string message) {
  throw rejection{{.line = where.begin.line, .column = where.begin.column, .message = std::move(message)}};
}

inline std::string_view type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a float";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
    case toml::node_type::none: break;
  }
  return "nothing";
}

/// What is there, for an error. Numbers show; a string does not: it may be a secret in the wrong place.
inline std::string describe(const toml::node& node) {
  if (auto integer = node.as_integer()) return std::to_string(integer->get());
  if (auto floating = node.as_floating_point())
    return std::isfinite(floating->get()) ? nlohmann::json(floating->get()).dump() : "a float that is not finite";
  return std::string{type_name(node.type())};
}

/// TOML values that JSON has too; `where` is their place in the file, for errors.
inline nlohmann::json to_json(const toml::node& node, const std::string& where) {
  if (auto* table = node.as_table()) {
    auto object = nlohmann::json::object();
    for (auto&& [key, value] : *table)
      object[std::string{key.str()}] = to_json(value, where + "." + std::string{key.str()});
    return object;
  }
  if (auto* array = node.as_array()) {
    auto list = nlohmann::json::array();
    for (const auto& value : *array) list.push_back(to_json(value, where + "[" + std::to_string(list.size()) + "]"));
    return list;
  }
  if (auto* text = node.as_string()) return text->get();
  if (auto* integer = node.as_integer()) return integer->get();
  if (auto* flag = node.as_boolean()) return flag->get();
  if (auto* number = node.as_floating_point(); number && std::isfinite(number->get())) return number->get();
  reject_at(node.source(), where + ": expected a value that JSON can hold, got " + describe(node));
}

inline bool is_api_key(std::string_view name) {
  std::string letters;
  for (char c : name) {
    if (c != '_' && c != '-') letters += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return letters == "apikey";
}

/// One table of the file: takes values out of it, and says where and what is wrong with them.
class section {
 public:
  section(const toml::table& table, std::string path) : table_(table), path_(std::move(path)) {}

  const toml::table& table() const { return table_; }
  bool has(std::string_view key) const { return table_.contains(key); }

  std::string place(std::string_view key) const {
    const bool bare = key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == key.npos;
    auto last = bare && !key.empty() && key.size() <= 60 ? std::string{key} : in_quotes(key);
    return path_.empty() ? last : path_ + "." + last;
  }

  /// Points at the value, or at the table where there is none.
  [[noreturn]] void reject(std::string_view key, const std::string& why) const {
    const auto* node = table_.get(key);
    reject_at((node ? *node : static_cast<const toml::node&>(table_)).source(), place(key) + ": " + why);
  }

  void check(std::string_view key, const problem& wrong) const {
    if (wrong) reject(key, *wrong);
  }

  void allow_only(const names& known) const {
    for (auto&& [key, node] : table_) {
      const auto name = key.str();
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      std::string why;
      if (is_api_key(name)) {
        why =
            "keys do not belong into this file: put the key into an environment variable and name it, as in "
            "api_key_env = \"OPENAI_API_KEY\"";
      } else {
        const auto meant = nearest(name, known);
        why = "unknown key" + (meant ? "; did you mean \"" + std::string{*meant} + "\"?" : std::string{"."}) +
              " Known keys: " + join(known);
      }
      reject_at(key.source(), place(name) + ": " + why);
    }
  }

  /// The value, as toml++ holds it; null if there is none.
  template <class T>
  auto as(std::string_view key, const std::string& expected) const -> decltype(std::declval<const toml::node&>().as<T>()) {
    const auto* node = table_.get(key);
    if (!node) return nullptr;
    auto* value = node->template as<T>();
    if (!value) reject(key, "expected " + expected + ", got " + describe(*node));
    return value;
  }

  std::optional<std::string> text(std::string_view key, const std::string& expected = "a string") const {
    const auto* value = as<std::string>(key, expected);
    return value ? std::optional{value->get()} : std::nullopt;
  }

  std::optional<std::string> text_not_empty(std::string_view key) const {
    auto value = text(key);
    if (value && value->empty()) reject(key, "expected a text that is not empty");
    return value;
  }

  std::string id() const {
    if (!has("id")) reject("id", "expected an id, which every one of these needs");
    auto value = *text("id");
    check("id", id_problem(value));
    return value;
  }

  std::optional<bool> flag(std::string_view key) const {
    const auto* value = as<bool>(key, "true or false");
    return value ? std::optional{value->get()} : std::nullopt;
  }

  template <class Number>
  void count(std::string_view key, Number& target, std::uint64_t min, std::uint64_t max) const {
    const auto expected = "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
    const auto* value = as<std::int64_t>(key, expected);
    if (!value) return;
    const auto number = value->get();
    if (number < 0 || static_cast<std::uint64_t>(number) < min || static_cast<std::uint64_t>(number) > max)
      reject(key, "expected " + expected + ", got " + std::to_string(number));
    target = static_cast<Number>(number);
  }

  void duration(std::string_view key, milliseconds& target, milliseconds min = milliseconds{0},
                milliseconds max = limits::deadline_max) const {
    const auto value = text(key, "a duration such as \"8s\"");
    if (!value) return;
    auto parsed = parse_duration(*value, max);
    if (auto* error = std::get_if<std::string>(&parsed)) reject(key, *error);
    target = std::get<milliseconds>(parsed);
    if (target < min) reject(key, "expected at least " + format_duration(min) + ", got " + in_quotes(*value));
  }

  void deadline(std::string_view key, std::optional<milliseconds>& target, milliseconds max = limits::deadline_max) const {
    const auto value = text(key, "a duration such as \"8s\", or \"none\"");
    if (!value) return;
    auto parsed = parse_deadline(*value, max);
    if (auto* error = std::get_if<std::string>(&parsed)) reject(key, *error);
    target = std::get<std::optional<milliseconds>>(parsed);
  }

  /// The place in `known` of the word that is there; absent if there is none.
  std::optional<std::size_t> choice(std::string_view key, const names& known) const {
    const auto value = text(key);
    if (!value) return {};
    auto found = std::find(known.begin(), known.end(), *value);
    if (found == known.end()) reject(key, "expected one of " + join(known) + ", got " + in_quotes(*value));
    return static_cast<std::size_t>(found - known.begin());
  }

  /// A list of texts, each after `check_one` has nothing to say against it; absent if there is none.
  template <class Check>
  std::optional<std::vector<std::string>> texts(std::string_view key, std::size_t count_max, Check check_one) const {
    const auto expected = std::string{"a list of strings"};
    const auto* list = as<toml::array>(key, expected);
    if (!list) return {};
    if (list->size() > count_max)
      reject(key, "expected at most " + std::to_string(count_max) + " entries, got " + std::to_string(list->size()));
    std::vector<std::string> result;
    for (const auto& node : *list) {
      auto where = place(key) + "[" + std::to_string(result.size()) + "]: ";
      const auto* value = node.as_string();
      if (!value) reject_at(node.source(), where + "expected a string, got " + describe(node));
      if (auto wrong = check_one(value->get())) reject_at(node.source(), where + *wrong);
      result.push_back(value->get());
    }
    return result;
  }

  std::optional<section> child(std::string_view key) const {
    const auto* value = as<toml::table>(key, "a table");
    return value ? std::optional<section>{std::in_place, *value, place(key)} : std::nullopt;
  }

  /// The tables of `[[key]]`, in order.
  std::vector<section> children(std::string_view key) const {
    std::vector<section> result;
    const auto expected = "tables, each written as [[" + std::string{key} + "]]";
    const auto* list = as<toml::array>(key, expected);
    for (std::size_t i = 0; list && i < list->size(); ++i) {
      const auto& node = *list->get(i);
      auto path = place(key) + "[" + std::to_string(i) + "]";
      if (!node.is_table()) reject_at(node.source(), path + ": expected " + expected + ", got " + describe(node));
      result.emplace_back(*node.as_table(), std::move(path));
    }
    return result;
  }

 private:
  const toml::table& table_;
  std::string path_;
};

}  // namespace oncue::core
