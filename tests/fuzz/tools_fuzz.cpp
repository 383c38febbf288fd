// What strangers say about tools: a server's messages, a schema and the arguments that a model wrote for it, a person's
// decisions over HTTP. The first byte says which.
#include <utility>

#include "fuzz.hpp"
#include "oncue/core/agentos_requests.hpp"
#include "oncue/core/mcp_lines.hpp"
#include "oncue/core/mcp_session.hpp"
#include "oncue/core/tool_set.hpp"

using namespace oncue;

namespace {

/// A whole connection: greeted, listed, two calls under way, one of them cancelled.
void hear(std::string_view bytes) {
  core::mcp_session session{"fuzz", "0"};
  session.begin();
  core::mcp_line_decoder lines{1u << 16};
  std::size_t answers = 0;
  bool called = false;
  while (auto line = lines.next(bytes)) {
    for (const auto& effect : session.take(*line)) answers += std::holds_alternative<core::mcp_effect::answer>(effect);
    if (session.is_ready() && !std::exchange(called, true)) {
      session.call(1, {"a", "{}"});
      session.call(2, {"b", "{}"});
      session.cancel(2, "enough");
    }
  }
  fuzz::require(answers <= 1, "a call has one answer, and a cancelled one none");
}

void check(std::string_view text) {
  auto end = std::min(text.find('\n'), text.size());
  core::tool_spec spec;
  spec.name = "t";
  spec.parameters = std::string{text.substr(0, end)};
  auto made = core::tool_set::make({spec});
  tool_call call{"1", "t", std::string{text.substr(std::min(end + 1, text.size()))}};
  core::inputs_of(spec, call);
  core::sendable(call);
  core::text_argument(call, "message");
  core::call_line(call);
  if (auto* set = std::get_if<core::tool_set>(&made)) {
    core::tool_box box{std::make_shared<const core::tool_set>(std::move(*set))};
    box.problem_with(call);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto text = fuzz::text_of(data + 1, size - 1);
  switch (data[0]) {
    case 'm': hear(text); break;
    case 's': check(text); break;
    case 'd':
      core::decode_continue({"r"}, {{"session_id", "s"}, {"tools", std::string(text)}});
      core::decode_continue({"r"}, {{"session_id", "s"}, {"requirements", std::string(text)}});
      break;
    default: break;
  }
  return 0;
}
