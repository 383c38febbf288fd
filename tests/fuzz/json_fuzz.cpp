// JSON from outside: bodies of requests, a server's answers, events out of a store. The first byte says which. What was
// read from a store is read again as it was, and any text is a JSON string once it is escaped.
#include <nlohmann/json.hpp>

#include "fuzz.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/agentos_events_in.hpp"
#include "oncue/core/agentos_requests.hpp"
#include "oncue/core/event_record.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;

namespace {

void read_event(std::int64_t kind, std::string data) {
  auto body = core::decode(kind, std::move(data));
  if (!std::holds_alternative<event_body>(body)) return;
  std::string scratch;
  auto kept = core::encode(std::get<event_body>(body), scratch);
  auto again = core::decode(static_cast<std::int64_t>(kept.kind), std::string(kept.data));
  fuzz::require(again == body, "an event that was kept is the same event");
}

void read_request(const std::string& body) {
  core::decode_create_session({}, body);
  core::decode_patch_session(session_id{"s"}, body);
  core::decode_rename_session(session_id{"s"}, body);
  core::decode_delete_sessions(body);
  for (const auto* name : {"session_state", "metadata", "dependencies", "last_event_index", "stream", "background"}) {
    core::decode_start({{"message", "m"}, {name, body}});
    core::decode_resume({{name, body}});
  }
}

void read_answer(const std::string& body) {
  core::read_refusal(400, body);
  core::read_receipt(body);
  core::read_agents(body);
  core::read_runs(body);
  core::read_agentos_event(body);
}

void escape(std::string_view text) {
  std::string json;
  core::append_json_string(json, text);
  auto parsed = nlohmann::json::parse(json, nullptr, false);
  fuzz::require(parsed.is_string(), "an escaped text is a JSON string");
  const auto& read = parsed.get_ref<const std::string&>();
  fuzz::require(core::is_utf8(text) ? read == text : read.find("\uFFFD") != read.npos, "it is the text, or has a mark");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto text = fuzz::text_of(data + 1, size - 1);
  switch (data[0]) {
    case 'q': read_request(std::string(text)); break;
    case 'a': read_answer(std::string(text)); break;
    case 'e': escape(text); break;
    default: read_event(data[0] - '@', std::string(text));
  }
  return 0;
}
