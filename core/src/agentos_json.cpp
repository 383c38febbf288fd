#include "oncue/core/agentos_json.hpp"

#include <utility>

#include "json_keys.hpp"
#include "oncue/core/json_text.hpp"
#include "tool_json.hpp"

namespace oncue::core {
namespace {

constexpr std::string_view content_suffix = R"(","workflow_agent":false,"content_type":"str","reasoning_content":"")";

/// Milliseconds as seconds, as Python's "%.4f" writes them.
std::string four_decimals(std::uint64_t ms) {
  return std::to_string(ms / 1000) + "." + std::to_string(1000 + ms % 1000).substr(1) + "0";
}

/// agno knows no tool that was stopped: to its clients it is one that failed.
bool has_failed(const tool_call_ended& x) { return x.failed || x.stopped; }

/// What the events of a child have in common; they are in the parent's session.
run_labels labels_of(const child_event& x, const run_labels& parent) {
  return {x.run, x.agent, x.agent_name, parent.session, x.model, x.model_provider, x.parent};
}

/// RunCompleted's own keys, also after a cancel.
void add_completed(std::string& out, const run_ended& ended, const run_labels& labels, std::string_view content) {
  add(out, "content", content);
  out += R"(,"content_type":"str","session_state":{})";
  add_raw(out, "metrics", run_metrics(ended, labels.model, labels.model_provider));
}

/// The own keys of each event, with a comma before each. RunContent is not among them: it has a path of its own.
struct own_keys {
  std::string& out;
  const run_event& event;
  const run_labels& labels;

  void add_model() const {
    add(out, "model", labels.model);
    add(out, "model_provider", labels.model_provider);
  }

  void operator()(const run_started& x) const {
    add(out, "model", x.model);
    add(out, "model_provider", x.model_provider);
  }
  void operator()(const model_request_started&) const { add_model(); }
  void operator()(const model_request_retrying& x) const {
    add(out, "content", x.message);
    add_model();
    add(out, "attempt", x.attempt);
    add(out, "error_type", to_string(x.code));
    if (x.provider_status) add(out, "provider_status", x.provider_status);
    add(out, "delay_ms", x.delay_ms);
  }
  void operator()(const model_request_completed& x) const {
    add_model();
    add(out, "input_tokens", x.usage.input_tokens);
    add(out, "output_tokens", x.usage.output_tokens);
    add(out, "total_tokens", x.usage.input_tokens + x.usage.output_tokens);
    if (x.first_token_us) add_seconds(out, "time_to_first_token", x.first_token_us);
    add(out, "reasoning_tokens", x.usage.reasoning_tokens);
    add(out, "cache_read_tokens", x.usage.cache_read_tokens);
    out += R"(,"cache_write_tokens":0)";
    if (!x.finish_reason.empty()) add(out, "finish_reason", x.finish_reason);
  }
  void operator()(const tool_call_started& x) const {
    out += R"(,"tool":)";
    append_tool(out, x.call, x.facts, {.at_ms = event.at_ms});
  }
  void operator()(const tool_call_ended& x) const {
    const auto failed = has_failed(x);
    if (!failed) add(out, "content", call_line(x.call) + " completed in " + four_decimals(x.duration_ms) + "s. ");
    out += R"(,"tool":)";
    append_tool(out, x.call, x.facts,
                {.at_ms = event.at_ms, .ended = true, .failed = failed, .result = x.result, .duration_ms = x.duration_ms});
    if (failed) add(out, "error", x.result);
    if (x.stopped) add_bool(out, "stopped", true);
  }
  void operator()(const run_paused& x) const {
    add(out, "content", paused_content(x));
    add_requirements(out, x, event.at_ms);
    if (x.expires_at_ms != 0) add(out, "expires_at", whole_seconds(x.expires_at_ms));
  }
  void operator()(const run_ended& x) const {
    switch (x.how.kind) {
      case ending_kind::completed: add_completed(out, x, labels, x.content); return;
      case ending_kind::cancelled: {
        const auto reason = cancel_reason(x.how, labels.run);
        add(out, "content", x.content.empty() ? reason : x.content);
        add(out, "reason", reason);
        if (!x.how.by.empty()) add(out, "cancelled_by", x.how.by);
        return;
      }
      case ending_kind::failed:
        add(out, "content", x.how.message);
        add(out, "error_type", to_string(x.how.code));
        if (x.how.provider_status) add(out, "provider_status", x.how.provider_status);
        if (!x.content.empty()) add(out, "partial_content", x.content);
        return;
    }
  }
  void operator()(const content_completed&) const {}
  void operator()(const run_continued&) const {}
  void operator()(const child_event&) const {}  // rendered with labels of its own
  void operator()(const content_delta&) const {}
  void operator()(const reasoning_delta&) const {}
  template <class T>
  void operator()(const boxed<T>& x) const {
    (*this)(*x);
  }
};

struct event_names {
  std::string_view operator()(const boxed<run_started>&) const { return "RunStarted"; }
  std::string_view operator()(const model_request_started&) const { return "ModelRequestStarted"; }
  std::string_view operator()(const boxed<model_request_retrying>&) const { return "ModelRequestRetrying"; }
  std::string_view operator()(const content_delta&) const { return "RunContent"; }
  std::string_view operator()(const reasoning_delta&) const { return "RunContent"; }
  std::string_view operator()(const boxed<model_request_completed>&) const { return "ModelRequestCompleted"; }
  std::string_view operator()(const content_completed&) const { return "RunContentCompleted"; }
  std::string_view operator()(const boxed<tool_call_started>&) const { return "ToolCallStarted"; }
  std::string_view operator()(const boxed<tool_call_ended>& x) const {
    return has_failed(*x) ? "ToolCallError" : "ToolCallCompleted";
  }
  std::string_view operator()(const boxed<run_paused>&) const { return "RunPaused"; }
  std::string_view operator()(const boxed<run_continued>&) const { return "RunContinued"; }
  std::string_view operator()(const boxed<child_event>& x) const { return agentos_event_name(*x->event); }
  std::string_view operator()(const boxed<run_ended>& x) const {
    switch (x->how.kind) {
      case ending_kind::completed: return "RunCompleted";
      case ending_kind::failed: return "RunError";
      case ending_kind::cancelled: return "RunCancelled";
    }
    return "?";
  }
};

void finish(std::string& out, bool with_index, event_index index) {
  if (with_index) add(out, "event_index", index);
  out += '}';
}

}  // namespace

std::string_view agentos_event_name(const run_event& event) { return std::visit(event_names{}, event.body); }

agentos_renderer::agentos_renderer(run_labels labels) : labels_(std::move(labels)) {
  add(common_, "agent_id", labels_.agent.value);
  add(common_, "agent_name", labels_.agent_name);
  add(common_, "run_id", labels_.run.value);
  if (!labels_.parent.empty()) add(common_, "parent_run_id", labels_.parent.value);
  add(common_, "session_id", labels_.session.value);
  common_ += R"(,"nested_depth":0)";
  content_prefix_ = R"(,"event":"RunContent")" + common_ + R"(,"content":")";
  reasoning_prefix_ = content_prefix_ + std::string{content_suffix.substr(0, content_suffix.size() - 1)};
}

void agentos_renderer::begin(const run_event& event, std::string_view name, std::string& out) const {
  out += R"({"created_at":)";
  append_number(out, whole_seconds(event.at_ms));
  add(out, "event", name);
  out += common_;
}

void agentos_renderer::render(const run_event& event, bool with_index, std::string& out) const {
  if (const auto* child = get_if<child_event>(event)) {
    agentos_renderer{labels_of(*child, labels_)}.render(*child->event, false, out);
    if (!with_index) return;
    out.pop_back();
    finish(out, true, event.index);
    return;
  }
  // Almost all events are these two.
  if (const auto* content = std::get_if<content_delta>(&event.body)) {
    out += R"({"created_at":)";
    append_number(out, whole_seconds(event.at_ms));
    out += content_prefix_;
    append_json_escaped(out, content->text);
    out += content_suffix;
  } else if (const auto* reasoning = std::get_if<reasoning_delta>(&event.body)) {
    out += R"({"created_at":)";
    append_number(out, whole_seconds(event.at_ms));
    out += reasoning_prefix_;
    append_json_escaped(out, reasoning->text);
    out += '"';
  } else {
    begin(event, agentos_event_name(event), out);
    std::visit(own_keys{out, event, labels_}, event.body);
  }
  finish(out, with_index, event.index);
}

bool agentos_renderer::render_trailing_completed(const run_event& event, bool with_index, std::string& out) const {
  if (const auto* child = get_if<child_event>(event)) {
    return agentos_renderer{labels_of(*child, labels_)}.render_trailing_completed(*child->event, false, out);
  }
  const auto* ended = get_if<run_ended>(event);
  if (!ended || ended->how.kind != ending_kind::cancelled) return false;
  begin(event, "RunCompleted", out);
  add_completed(out, *ended, labels_, ended->content.empty() ? cancel_reason(ended->how, labels_.run) : ended->content);
  finish(out, with_index, event.index + 1);
  return true;
}

}  // namespace oncue::core
