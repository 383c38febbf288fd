#include "oncue/core/agentos_frames.hpp"

#include "json_keys.hpp"
#include "oncue/core/json_text.hpp"

namespace oncue::core {
namespace {

void append_id(std::string& out, bool wanted, event_index index) {
  if (!wanted) return;
  out += "id: ";
  append_number(out, index);
  out += '\n';
}

void append_head(std::string& out, std::string_view name) {
  out += "event: ";
  out += name;
  out += "\ndata: ";
}

/// One object in the style of Python's json.dumps: a space after each comma and colon.
class python_object {
 public:
  explicit python_object(std::string& out) : out_{out} { out_ += '{'; }
  python_object& text(std::string_view key, std::string_view value) {
    begin(key);
    append_json_string(out_, value);
    return *this;
  }
  python_object& number(std::string_view key, std::uint64_t value) {
    begin(key);
    append_number(out_, value);
    return *this;
  }
  python_object& index(std::string_view key, std::optional<event_index> value) {
    if (value) return number(key, *value);
    begin(key);
    out_ += "-1";
    return *this;
  }
  void end() { out_ += "}\n\n"; }

 private:
  void begin(std::string_view key) {
    if (out_.back() != '{') out_ += ", ";
    append_json_string(out_, key);
    out_ += ": ";
  }
  std::string& out_;
};

python_object begin_meta(std::string& out, std::string_view name) {
  append_head(out, name);
  python_object object{out};
  object.text("event", name);
  return object;
}

bool is_content_or_end(const run_event& event) {
  if (const auto* child = get_if<child_event>(event)) return is_content_or_end(*child->event);
  return get_if<content_delta>(event) || get_if<reasoning_delta>(event) || get_if<run_paused>(event) ||
         get_if<run_ended>(event);
}

std::string gone_message(const run_id& run, event_index wanted, event_index kept_from) {
  return "The events of run " + run.value + " from index " + std::to_string(wanted) +
         " on are not kept any more: the first one kept is " + std::to_string(kept_from);
}

}  // namespace

void append_sse_frame(std::string& out, std::string_view name, std::string_view json) {
  append_head(out, name);
  out += json;
  out += "\n\n";
}

void append_event_frames(std::string& out, const agentos_renderer& renderer, const run_event& event,
                         const frame_options& options) {
  if (options.content_only && !is_content_or_end(event)) return;
  if (event.index >= options.from) {
    append_id(out, options.with_id, event.index);
    append_head(out, agentos_event_name(event));
    renderer.render(event, options.with_index, out);
    out += "\n\n";
  }
  if (get_if<child_event>(event)) {
    std::string trailing;
    if (event.index < options.from || !renderer.render_trailing_completed(event, false, trailing)) return;
    append_sse_frame(out, "RunCompleted", trailing);
    return;
  }
  const auto* ended = get_if<run_ended>(event);
  if (!ended || ended->how.kind != ending_kind::cancelled || event.index + 1 < options.from) return;
  append_id(out, options.with_id, event.index + 1);
  append_head(out, "RunCompleted");
  renderer.render_trailing_completed(event, options.with_index, out);
  out += "\n\n";
}

void append_catch_up_frame(std::string& out, const run_id& run, std::uint64_t missed_events, std::uint64_t events_total) {
  if (missed_events == 0) return;
  begin_meta(out, "catch_up")
      .text("run_id", run.value)
      .text("status", "running")
      .number("missed_events", missed_events)
      .number("current_event_count", events_total)
      .text("message", "Catching up on " + std::to_string(missed_events) + " missed events.")
      .end();
}

void append_subscribed_frame(std::string& out, const run_id& run, std::uint64_t events_total) {
  begin_meta(out, "subscribed")
      .text("run_id", run.value)
      .text("status", "running")
      .number("current_event_count", events_total)
      .text("message", "Subscribed to agent run. Receiving live events.")
      .end();
}

void append_replay_frame(std::string& out, const run_id& run, run_status status, std::uint64_t missed_events,
                         std::uint64_t events_total, std::optional<event_index> last_index) {
  begin_meta(out, "replay")
      .text("run_id", run.value)
      .text("status", to_string(status))
      .number("total_events", missed_events)
      .number("total_buffered", events_total)
      .index("last_event_index_requested", last_index)
      .text("message", "Run " + std::string{to_string(status)} + ". Replaying " + std::to_string(missed_events) +
                           " missed events (of " + std::to_string(events_total) + " total).")
      .end();
}

void append_error_frame(std::string& out, std::string_view message) {
  begin_meta(out, "error").text("error", message).end();
}

std::string run_not_found_message(const run_id& run) { return "Run " + run.value + " not found in buffer or database"; }

void append_gone_frame(std::string& out, const run_id& run, event_index wanted, event_index kept_from) {
  begin_meta(out, "error")
      .text("error", gone_message(run, wanted, kept_from))
      .text("run_id", run.value)
      .number("first_event_index", kept_from)
      .end();
}

std::string gone_document(const run_id& run, event_index wanted, event_index kept_from) {
  std::string members;
  add(members, "detail", gone_message(run, wanted, kept_from));
  add(members, "run_id", run.value);
  add(members, "first_event_index", kept_from);
  return object_of(members);
}

}  // namespace oncue::core
