// AgentOS' requests as forms: start, cancel, continue, and the lists' queries. The first byte says which, the rest is the
// form. What is taken is within every bound; what is not is refused as the caller's fault, with a reason.
#include "fuzz.hpp"
#include "oncue/core/agentos_requests.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/roster.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;

namespace {

template <class T, class Check>
void look(const core::decoded<T>& read, Check&& check) {
  if (const auto* refused = std::get_if<core::http_answer>(&read)) {
    fuzz::require(refused->status >= 400 && refused->status < 502, "what is refused is refused with a status");
    fuzz::require(!refused->body.empty() && core::is_utf8(refused->body), "what is refused is told why");
  } else {
    check(std::get<T>(read));
  }
}

void look_at_cancel(const core::cancel_form& form) {
  const auto& request = form.request;
  fuzz::require(request.wait_ms <= static_cast<std::uint64_t>(core::limits::cancel_wait_max.count()), "a wait is bounded");
  fuzz::require(request.grace_ms <= static_cast<std::uint64_t>(core::limits::cancel_grace_max.count()),
                "a grace is bounded");
  fuzz::require(request.reason.size() <= core::limits::reason_bytes_max, "a reason is bounded");
  fuzz::require(core::is_utf8(request.reason) && core::is_utf8(request.scope.value), "texts are UTF-8");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto form = core::read_urlencoded(fuzz::text_of(data + 1, size - 1));
  if (!form) return 0;
  const auto& fields = form.fields;
  auto fine = [](const auto&) {};
  switch (data[0]) {
    case 's':
      look(core::decode_start(fields), [](const core::start_form& start) {
        fuzz::require(!core::check_request(start.request), "a start that is taken is one that can be admitted");
      });
      break;
    case 'c':
      look(core::decode_cancel({"r"}, fields), look_at_cancel);
      look(core::decode_cancel({"r"}, {}, fields, fields), look_at_cancel);
      break;
    case 'k':
      look(core::decode_continue({"r"}, fields), [](const core::continue_form& form) {
        for (const auto& word : form.request.decisions) fuzz::require(!word.call_id.empty(), "a decision names its call");
      });
      break;
    case 'q':
      look(core::decode_list_runs(fields), fine);
      look(core::decode_list_sessions(fields), fine);
      look(core::decode_agent_runs({"a"}, fields), fine);
      look(core::decode_session_runs({"s"}, fields), fine);
      look(core::decode_run_query(fields), fine);
      break;
    default: break;
  }
  return 0;
}
