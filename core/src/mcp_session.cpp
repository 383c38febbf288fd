#include "oncue/core/mcp_session.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "json_depth.hpp"
#include "mcp_content.hpp"
#include "oncue/core/json_text.hpp"
#include "oncue/core/safe_text.hpp"
#include "oncue/core/text.hpp"
#include "tool_json.hpp"

namespace oncue::core {

namespace {

using nlohmann::json;

/// The newest first: it is the one that we ask for.
constexpr std::array<std::string_view, 3> versions{"2025-06-18", "2025-03-26", "2024-11-05"};

constexpr int method_not_found = -32601;

/// Nothing if the text is no JSON, or too much of it. Its strings are valid UTF-8.
std::optional<json> parsed(std::string_view text) {
  if (text.size() > limits::mcp_message_bytes_max || !nested_at_most(text, limits::mcp_message_depth_max)) return {};
  auto message = json::parse(text, nullptr, false);
  // A server on a machine with another character set; what it means can mostly be read.
  if (message.is_discarded() && !is_utf8(text)) message = json::parse(utf8_repaired(text), nullptr, false);
  if (message.is_discarded()) return {};
  return message;
}

int code_of(const json& error) {
  const auto* code = mcp_member(error, "code");
  return code && code->is_number_integer() ? code->get<int>() : 0;
}

/// "Unknown tool: x (code -32602)"
std::string sentence_of(const json& error) {
  auto text = safe_text(mcp_text_member(error, "message"), {});
  if (text.empty()) text = "no reason was given";
  if (const auto code = code_of(error); code != 0) text += " (code " + std::to_string(code) + ")";
  return text;
}

std::string request_json(std::uint64_t id, std::string_view method, const std::string& params) {
  auto text = R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + std::string{method} + '"';
  if (!params.empty()) text += R"(,"params":)" + params;
  return text + '}';
}

}  // namespace

/// One text's way through the session: everything that looks at JSON.
class mcp_session::reading {
 public:
  reading(mcp_session& self, mcp_session_effects& out) : self_{self}, out_{out} {}

  void take_one(const json& message);

 private:
  void take_request(const json& id, const std::string& method);
  void take_notification(const std::string& method);
  void take_answer(const json& message, const json& id);
  void take_greeting(const json* result, const std::string& error);
  void take_page(const json* result, const json* error);

  mcp_session& self_;
  mcp_session_effects& out_;
};

mcp_session::mcp_session(std::string server, std::string client_version)
    : server_{std::move(server)}, client_version_{std::move(client_version)} {}

mcp_session_effects mcp_session::begin() {
  mcp_session_effects out;
  if (phase_ != phase::fresh) return out;
  phase_ = phase::greeting;
  greeting_request_ = ++last_request_;
  auto params = R"({"protocolVersion":")" + std::string{versions.front()} +
                R"(","capabilities":{},"clientInfo":{"name":"oncue","version":)";
  append_json_string(params, client_version_);
  send(request_json(greeting_request_, "initialize", params + "}}"), greeting_request_, out);
  return out;
}

mcp_session_effects mcp_session::take(std::string_view text) {
  mcp_session_effects out;
  if (phase_ == phase::fresh || phase_ == phase::broken) return out;
  auto message = parsed(text);
  if (!message || (message->is_array() && message->empty())) {
    ++counts_.malformed;
  } else if (message->is_array()) {
    // Only revision 2025-03-26 has batches; who sends one to us must mean it.
    for (const auto& one : *message) reading{*this, out}.take_one(one);
  } else {
    reading{*this, out}.take_one(*message);
  }
  return out;
}

void mcp_session::reading::take_one(const json& message) {
  if (self_.phase_ == phase::broken) return;  // by an earlier message of the same batch
  const auto* id = mcp_member(message, "id");
  const auto method = mcp_text_member(message, "method");
  const bool is_answer = id && !mcp_member(message, "method");
  if (method.empty() && !is_answer) {
    ++self_.counts_.malformed;
  } else if (is_answer) {
    take_answer(message, *id);
  } else if (id) {
    take_request(*id, method);
  } else {
    take_notification(method);
  }
}

void mcp_session::reading::take_request(const json& id, const std::string& method) {
  const bool is_text = id.is_string() && id.get_ref<const std::string&>().size() <= limits::mcp_id_bytes_max;
  if (!is_text && !id.is_number_integer()) {
    ++self_.counts_.malformed;
    return;
  }
  const auto head = R"({"jsonrpc":"2.0","id":)" + id.dump();
  if (method == "ping") {
    self_.send(head + R"(,"result":{}})", 0, out_);
    return;
  }
  ++self_.counts_.refused;
  self_.send(head + R"(,"error":{"code":-32601,"message":"oncue does not offer this"}})", 0, out_);
}

void mcp_session::reading::take_notification(const std::string& method) {
  ++self_.counts_.notifications;
  if (method != "notifications/tools/list_changed" || (self_.phase_ != phase::ready && self_.phase_ != phase::listing))
    return;
  if (self_.list_request_ != 0) {
    self_.list_again_ = true;
    return;
  }
  self_.pages_ = 0;
  self_.coming_.clear();
  self_.list({}, out_);
}

void mcp_session::reading::take_answer(const json& message, const json& id) {
  if (!id.is_number_integer() || (!id.is_number_unsigned() && id.get<std::int64_t>() < 0)) {
    ++self_.counts_.unknown_answers;
    return;
  }
  const auto request = id.get<std::uint64_t>();
  const auto result = message.find("result");  // its null is a wrong result, not an absent one
  const auto* error = mcp_member(message, "error");
  const bool has_result = result != message.end();
  std::string wrong;
  if (error && !error->is_object()) {
    wrong = "answered with an error that is not an object";
  } else if (has_result == (error != nullptr)) {
    wrong = error ? "answered with a result and an error at once" : "answered with neither a result nor an error";
  }
  const auto* good = wrong.empty() && has_result ? &*result : nullptr;
  const auto* refusal = wrong.empty() ? error : nullptr;
  if (request == self_.greeting_request_ && self_.phase_ == phase::greeting) {
    take_greeting(good, refusal ? "refused to begin: " + sentence_of(*refusal) : wrong);
    return;
  }
  if (request == self_.list_request_ && request != 0) {
    take_page(good, refusal);
    return;
  }
  auto found = self_.calls_.find(request);
  if (found == self_.calls_.end()) {
    ++self_.counts_.unknown_answers;
    return;
  }
  const auto call = found->second;
  self_.calls_.erase(found);
  mcp_effect::answer answer;
  answer.call = call.number;
  answer.request = request;
  if (good) {
    auto outcome = mcp_outcome_of(*good, self_.server_, call.result_bytes_max);
    answer.failed = outcome.failed;
    answer.text = std::move(outcome.text);
  } else {
    answer.failed = true;
    answer.text =
        mcp_cut(self_.said(refusal ? "refused the call: " + sentence_of(*refusal) : wrong), call.result_bytes_max);
  }
  out_.emplace_back(std::move(answer));
}

void mcp_session::reading::take_greeting(const json* result, const std::string& error) {
  if (!result) {
    self_.break_up(error, out_);
    return;
  }
  const auto version = mcp_text_member(*result, "protocolVersion");
  if (std::find(versions.begin(), versions.end(), version) == versions.end()) {
    self_.break_up(version.empty() ? "did not say which version of the protocol it speaks"
                                   : "speaks version " + in_quotes(version) +
                                         " of the protocol; expected 2025-06-18, 2025-03-26 or 2024-11-05",
                   out_);
    return;
  }
  self_.version_ = version;
  self_.phase_ = phase::listing;
  self_.send(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", 0, out_);
  self_.list({}, out_);
}

void mcp_session::reading::take_page(const json* result, const json* error) {
  // A server without tools need not know the question.
  if (error && code_of(*error) == method_not_found) {
    self_.listed(out_);
    return;
  }
  const auto* page = result ? mcp_member(*result, "tools") : nullptr;
  if (!page || !page->is_array()) {
    self_.list_request_ = 0;
    self_.list_again_ = false;
    if (self_.phase_ == phase::ready) return;  // the old list stays
    self_.break_up(error ? "refused to list its tools: " + sentence_of(*error) : "answered without a list of tools", out_);
    return;
  }
  const bool room = mcp_add_tools(*page, self_.coming_, self_.counts_.tools_left_out);
  const auto cursor = mcp_text_member(*result, "nextCursor");
  // A server that leads in circles has said all it has to say.
  if (!room || cursor.empty() || cursor == self_.cursor_ || cursor.size() > limits::mcp_cursor_bytes_max ||
      ++self_.pages_ >= limits::mcp_pages_max) {
    self_.listed(out_);
    return;
  }
  self_.list(cursor, out_);
}

void mcp_session::list(const std::string& cursor, mcp_session_effects& out) {
  cursor_ = cursor;
  list_request_ = ++last_request_;
  std::string params;
  if (!cursor.empty()) {
    params = R"({"cursor":)";
    append_json_string(params, cursor);
    params += '}';
  }
  send(request_json(list_request_, "tools/list", params), list_request_, out);
}

void mcp_session::listed(mcp_session_effects& out) {
  list_request_ = 0;
  tools_ = std::exchange(coming_, {});
  phase_ = phase::ready;
  out.emplace_back(mcp_effect::ready{});
  if (!std::exchange(list_again_, false)) return;
  pages_ = 0;
  list({}, out);
}

void mcp_session::break_up(const std::string& why, mcp_session_effects& out) {
  phase_ = phase::broken;
  out.emplace_back(mcp_effect::broken{why});
}

mcp_session_effects mcp_session::request_failed(std::uint64_t request, const std::string& why) {
  mcp_session_effects out;
  if (request == 0) return out;
  if (request == greeting_request_ && phase_ == phase::greeting) {
    break_up(why, out);
  } else if (request == list_request_) {
    list_request_ = 0;
    list_again_ = false;
    if (phase_ != phase::ready) break_up(why, out);
  } else if (auto found = calls_.find(request); found != calls_.end()) {
    out.emplace_back(mcp_effect::answer{found->second.number, true, mcp_cut(said(why), found->second.result_bytes_max), 0});
    calls_.erase(found);
  }
  return out;
}

mcp_session_effects mcp_session::call(mcp_call_no number, const mcp_call& what) {
  mcp_session_effects out;
  auto arguments = compact_arguments(what.arguments);
  if (phase_ != phase::ready || !arguments) {
    auto why = arguments ? said("is not ready") : "the arguments are not a JSON object";
    out.emplace_back(mcp_effect::answer{number, true, mcp_cut(std::move(why), what.result_bytes_max), 0});
    return out;
  }
  const auto request = ++last_request_;
  calls_[request] = {number, what.result_bytes_max};
  std::string params = R"({"name":)";
  append_json_string(params, what.tool);
  params += R"(,"arguments":)" + *arguments + R"(,"_meta":{"progressToken":)" + std::to_string(request) + "}}";
  send(request_json(request, "tools/call", params), request, out);
  return out;
}

mcp_session_effects mcp_session::cancel(mcp_call_no number, std::string_view reason) {
  mcp_session_effects out;
  auto found = std::find_if(calls_.begin(), calls_.end(), [&](const auto& x) { return x.second.number == number; });
  if (found == calls_.end()) return out;
  const auto request = found->first;
  calls_.erase(found);
  auto json = R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + std::to_string(request) +
              R"(,"reason":)";
  append_json_string(json, reason);
  send(json + "}}", 0, out);
  out.emplace_back(mcp_effect::forget{request});
  return out;
}

mcp_call_no mcp_session::call_of(std::uint64_t request) const {
  auto found = calls_.find(request);
  return found == calls_.end() ? 0 : found->second.number;
}

void mcp_session::send(std::string json, std::uint64_t request, mcp_session_effects& out) {
  out.emplace_back(mcp_effect::send{{std::move(json), request, version_}});
}

}  // namespace oncue::core
