// Tool calls collected from the fragments of a stream: `delta.tool_calls[]`, each fragment with the index of its call.
// Promises whole calls in the provider's order, each with an id, and no more than the limits allow. Never looks into the
// arguments further than to tell where one call ends.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "oncue/messages/model.hpp"

namespace oncue::core {

class openai_tool_calls {
 public:
  /// Adds the fragments of one chunk, or the calls of a whole message. Returns what is wrong with them, or an empty text: a
  /// limit (limits::tool_calls_max, limits::tool_call_bytes_max) that they break. `fragments` that are no array are
  /// ignored.
  std::string add(nlohmann::json& fragments);

  /// The calls by index, then in order of their coming. One to which the provider gave no id is called
  /// "call_<attempt>_<n>", so that its result can name it. Leaves this empty.
  std::vector<tool_call> take(attempt_no attempt);

 private:
  struct entry {
    std::int64_t index = 0;
    tool_call call;
  };

  std::string add_fragment(nlohmann::json& fragment);
  entry* find(const nlohmann::json& fragment, const std::string& id, const std::string& name);

  std::vector<entry> entries_;
  std::size_t bytes_ = 0;  // of all arguments
};

}  // namespace oncue::core
