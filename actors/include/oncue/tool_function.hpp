// A tool that is a C++ function: what a program that embeds oncue writes itself. The function runs on a thread of its own
// and may block; other runs go on. It promises to return soon after it was asked to stop: nobody can interrupt it. One that
// does not is given up after its grace, its answer is lost, and it goes on alone until it returns: so it must hold nothing
// that may be gone by then.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <string>

#include "oncue/messages/ids.hpp"

namespace oncue {

/// For the model to read. What is not UTF-8 is replaced, and what is too long is cut with a note.
struct tool_answer {
  std::string text;
  bool failed = false;  ///< the model is told that the call failed, and may try something else
};

/// Of one call; the references are good until the function returns.
struct tool_context {
  const run_id& run;
  const std::string& call_id;  ///< the provider's
  /// Asks to stop: the run was cancelled, or the call's time is over. Look at it now and then, or hang a std::stop_callback
  /// on it, which is called on a thread of the runtime and must not block.
  std::stop_token stop;
};

/// `arguments`: a JSON object that fits the tool's schema. An exception becomes a failed answer with its what(). Called
/// from several threads at the same time.
using tool_function = std::function<tool_answer(const nlohmann::json& arguments, const tool_context&)>;

}  // namespace oncue
