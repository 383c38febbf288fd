// Reads the fields of a form, a query or a JSON body one by one and collects everything that is wrong with them, in the
// words and the shape of FastAPI's validation errors.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oncue/core/agentos_requests.hpp"

namespace oncue::core {

/// What was there, as it may be shown: short, and not if it looks like a key.
std::string shown_input(std::string_view value);

/// "'agent', 'team' or 'workflow'"
std::string one_of(std::span<const std::string_view> values);

/// A whole number as pydantic reads it from text: spaces around, a sign, "7.0". What does not fit is the largest or
/// smallest one.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// A form, a query, or some headers. In a form an empty field counts as a missing one.
class field_reader {
 public:
  enum class place { form, query, header };
  field_reader(place where, const field_pairs& fields, std::vector<field_error>& errors)
      : where_{where}, fields_{fields}, errors_{errors} {}

  /// The last field of this name; nothing if there is none.
  std::optional<std::string> text(std::string_view name) const;
  std::string text_or_empty(std::string_view name) const { return text(name).value_or(""); }
  /// Empty counts as missing, in a query too: an id is never empty.
  std::string required(std::string_view name);
  bool boolean(std::string_view name, bool otherwise);
  std::optional<std::int64_t> integer(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  /// The position of the value among `values`.
  std::optional<std::size_t> choice(std::string_view name, std::span<const std::string_view> values);
  /// UTF-8 of at most so many bytes.
  std::optional<std::string> short_text(std::string_view name, std::size_t bytes_max);

  void wrong(std::string_view name, std::string type, std::string message, std::string_view input,
             std::optional<std::string> context = {});

 private:
  place where_;
  const field_pairs& fields_;
  std::vector<field_error>& errors_;
};

/// A JSON body that is an object.
class body_reader {
 public:
  body_reader(std::string_view body, std::vector<field_error>& errors);

  std::optional<std::string> text(std::string_view name, std::size_t bytes_max, bool required = false);
  /// An object, as compact JSON.
  std::optional<std::string> object(std::string_view name);
  /// A list of texts that is not empty; `values`: the only ones allowed, if any.
  std::vector<std::string> texts(std::string_view name, std::size_t count_max,
                                 std::span<const std::string_view> values = {});

 private:
  /// The member, or null if it is absent or null.
  const nlohmann::ordered_json* member(std::string_view name) const;
  void wrong(std::vector<std::string> loc, std::string type, std::string message, const nlohmann::ordered_json* input,
             std::optional<std::string> context = {});

  nlohmann::ordered_json object_;  ///< null if the body was no object; that has been told
  std::vector<field_error>& errors_;
};

}  // namespace oncue::core
