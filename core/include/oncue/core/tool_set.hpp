// The tools that a run's model may call, by name, and whether a call can be made: is there such a tool, are the arguments
// a JSON object, do they fit the schema. A sentence about a wrong call is for the model to read. A set never changes and is
// shared by an agent's runs; a box is one run's, and also holds what servers have listed for it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/core/tool_spec.hpp"
#include "oncue/messages/errors.hpp"
#include "oncue/messages/events.hpp"

namespace oncue::core {

class json_schema;
using tool_ptr = std::shared_ptr<const tool_spec>;

class tool_set {
 public:
  tool_set();
  ~tool_set();
  tool_set(tool_set&&) noexcept;
  tool_set& operator=(tool_set&&) noexcept;

  /// Error: a sentence that begins with the tool's name: used twice, or with a schema that cannot be used.
  static std::variant<tool_set, std::string> make(std::vector<tool_spec> tools);

  /// The tools in the order in which they were given.
  const std::vector<tool_ptr>& tools() const { return tools_; }

 private:
  friend class tool_box;
  struct entry;
  std::vector<tool_ptr> tools_;
  std::map<std::string, entry, std::less<>> by_name_;
};

class tool_box {
 public:
  /// `fixed` may be null: no tools.
  explicit tool_box(std::shared_ptr<const tool_set> fixed = {});
  ~tool_box();
  tool_box(tool_box&&) noexcept;
  tool_box& operator=(tool_box&&) noexcept;

  /// Adds what a server has listed. A name that is taken is left out. A schema that cannot be used is not looked at: the
  /// server checks its arguments itself.
  void add(std::vector<tool_spec> listed);

  bool empty() const;
  /// As the model is told of them.
  std::vector<tool_definition> definitions() const;

  /// The tool, or null.
  tool_ptr find(std::string_view name) const;
  /// Why this call cannot be made: a sentence for the model. Empty: it can.
  std::string problem_with(const tool_call& call);

 private:
  std::shared_ptr<const tool_set> fixed_;
  std::unique_ptr<tool_set> listed_;  // null: nothing was listed
};

/// Who does a tool's work, in words that tell it from any other tool of the same name: "function", "process:sh …",
/// "mcp:files:read_file", "agent:writer".
std::string source_of(const tool_spec& tool);

/// A call as it can be sent to a provider again: servers parse the arguments when they are told of it.
tool_call sendable(tool_call call);

/// A tool's answer as a provider takes it: never empty.
std::string tool_answer_text(std::string result);

/// What is wrong with a person's word on the calls that wait: one without a decision, one that nobody waits for, an input
/// that is missing or is not JSON. A sentence that begins with the field; empty: nothing.
std::string problem_with(const std::vector<tool_requirement>& waiting_for, const std::vector<tool_decision>& decisions);

/// The call with the inputs that a person gave among its arguments.
tool_call with_inputs(tool_call call, const std::vector<input_field>& inputs);

/// The inputs that a person is asked for, from the tool's schema: what the model has given already is their value.
std::vector<input_field> inputs_of(const tool_spec& tool, const tool_call& call);

/// The one argument of a tool that is an agent: what it is asked.
inline constexpr std::string_view agent_tool_argument = "message";

/// A text among a call's arguments; empty if there is none.
std::string text_argument(const tool_call& call, std::string_view name);

/// A call as a line of text: `name(city=Paris, n=2)`; long values are cut.
std::string call_line(const tool_call& call);

/// What is wrong with a tool's name; empty: nothing.
std::string tool_name_problem(std::string_view name);

}  // namespace oncue::core
