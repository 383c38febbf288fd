#include "oncue/core/agentos_requests.hpp"

#include <algorithm>
#include <array>

#include "field_reader.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/roster.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {
namespace {

using place = field_reader::place;

constexpr std::array<std::string_view, 3> busy_words = {"enqueue", "reject", "interrupt"};          // as session_policy
constexpr std::array<std::string_view, 2> loss_words = {"fail", "restart"};                         // as loss_policy
constexpr std::array<std::string_view, 2> disconnect_words = {"cancel", "continue"};                // as disconnect_policy
constexpr std::array<std::string_view, 3> mode_words = {"immediate", "after_tools", "after_turn"};  // as cancel_mode
constexpr std::array<std::string_view, 6> status_words = {"PENDING",   "RUNNING", "PAUSED",
                                                          "COMPLETED", "ERROR",   "CANCELLED"};       // as run_status
constexpr std::array<std::string_view, 3> type_words = {"agent", "team", "workflow"};                 // as session_type
constexpr std::array<std::string_view, 3> sort_words = {"created_at", "updated_at", "session_name"};  // as session_order
constexpr std::array<std::string_view, 2> order_words = {"asc", "desc"};

template <class T>
decoded<T> unless(const std::vector<field_error>& errors, T value) {
  if (!errors.empty()) return fields_answer(errors);
  return value;
}

event_index index_from(std::int64_t value) { return value < 0 ? 0 : static_cast<event_index>(value); }

resume_form behind(std::int64_t last) {
  if (last < 0) return {};
  return {static_cast<event_index>(last), static_cast<event_index>(last) + (planted(mutant::resumed_one_early) ? 0 : 1)};
}

/// Unix seconds as milliseconds, without overflow.
std::int64_t as_ms(std::int64_t seconds) {
  constexpr std::int64_t seconds_last = 253'402'300'799;  // the end of the year 9999
  return std::clamp<std::int64_t>(seconds, 0, seconds_last) * 1000;
}

std::optional<run_status> status_in(field_reader& fields) {
  const auto found = fields.choice("status", status_words);
  if (!found) return {};
  return static_cast<run_status>(*found);
}

session_type type_in(field_reader& fields) {
  return static_cast<session_type>(fields.choice("type", type_words).value_or(0));
}

std::string session_text(field_reader& fields, std::string_view name) {
  return fields.short_text(name, limits::run_id_chars_max).value_or("");
}

/// The mode, and its grace as people write it. In headers the names have something before them.
void read_mode(field_reader& fields, cancel_request& request, const std::string& prefix = {}) {
  if (const auto mode = fields.choice(prefix + "mode", mode_words)) request.mode = static_cast<cancel_mode>(*mode);
  const auto name = prefix + "grace";
  const auto text = fields.text_or_empty(name);
  if (text.empty()) return;
  const auto grace = parse_duration(text, limits::cancel_grace_max);
  if (const auto* error = std::get_if<std::string>(&grace)) {
    fields.wrong(name, "value_error", "Value error, " + *error, text);
  } else if (const auto ms = std::get<std::chrono::milliseconds>(grace).count(); ms > 0) {
    request.grace_ms = static_cast<std::uint64_t>(ms);
  } else {
    fields.wrong(name, "value_error", "Value error, expected more than 0; mode=immediate has no grace", text);
  }
}

/// agno's clients send what goes along with a message as JSON lists in these fields.
bool has_media(const field_reader& fields) {
  return std::ranges::any_of(std::array<std::string_view, 5>{"files", "input_files", "images", "audio", "videos"},
                             [&](std::string_view name) {
                               const auto text = fields.text_or_empty(name);
                               return !text.empty() && text != "[]" && text != "null";
                             });
}

}  // namespace

decoded<start_form> decode_start(const field_pairs& form, std::size_t file_bytes) {
  std::vector<field_error> errors;
  field_reader fields{place::form, form, errors};
  start_form result;
  auto& request = result.request;
  request.input = fields.required("message");
  result.stream = fields.boolean("stream", true);
  result.background = fields.boolean("background", false);
  result.stream_events = fields.boolean("stream_events", true);
  request.id = {fields.text_or_empty("run_id")};
  request.session = {fields.text_or_empty("session_id")};
  request.user = {fields.text_or_empty("user_id")};
  if (const auto word = fields.choice("on_busy_session", busy_words)) {
    request.on_busy_session = static_cast<session_policy>(*word);
  }
  if (const auto word = fields.choice("on_disconnect", disconnect_words)) {
    result.on_disconnect = static_cast<disconnect_policy>(*word);
  }
  if (const auto word = fields.choice("on_node_loss", loss_words)) {
    request.on_node_loss = static_cast<loss_policy>(*word);
  }
  if (!errors.empty()) return fields_answer(errors);
  if (file_bytes > 0 || has_media(fields)) return not_served_answer("files and media: send text in message");
  if (const auto refused = check_request(request)) return refusal_answer(*refused);
  return result;
}

decoded<cancel_form> decode_cancel(const run_id& run, const field_pairs& query, const field_pairs& form,
                                   const field_pairs& headers) {
  std::vector<field_error> errors;
  cancel_form result;
  result.request.run = run;
  auto read = [&](field_reader fields) {
    result.receipt = fields.boolean("receipt", result.receipt);
    const auto wait = fields.integer("wait_ms", 0, limits::cancel_wait_max.count());
    if (wait) result.request.wait_ms = static_cast<std::uint32_t>(*wait);
    if (auto reason = fields.short_text("reason", limits::reason_bytes_max)) result.request.reason = std::move(*reason);
    if (auto user = fields.short_text("user_id", limits::run_id_chars_max)) result.request.scope = {std::move(*user)};
    const auto grace = fields.integer("grace_ms", 1, limits::cancel_grace_max.count());
    if (grace) result.request.grace_ms = static_cast<std::uint64_t>(*grace);
    read_mode(fields, result.request);
  };
  field_reader in_headers{place::header, headers, errors};
  read_mode(in_headers, result.request, "cancel-");
  read({place::form, form, errors});
  read({place::query, query, errors});
  return unless(errors, std::move(result));
}

decoded<resume_form> decode_resume(const field_pairs& form) {
  std::vector<field_error> errors;
  field_reader fields{place::form, form, errors};
  const auto last = fields.integer("last_event_index");
  return unless(errors, behind(last.value_or(-1)));
}

decoded<resume_form> decode_events(std::string_view last_event_id, const field_pairs& query) {
  if (!last_event_id.empty()) {
    if (const auto last = parse_integer(last_event_id)) return behind(*last);
    return fields_answer({{"int_parsing",
                           {"header", "last-event-id"},
                           "Input should be a valid integer, unable to parse string as an integer",
                           shown_input(last_event_id),
                           {}}});
  }
  std::vector<field_error> errors;
  field_reader fields{place::query, query, errors};
  const auto last = fields.integer("last_event_index");
  const auto from = fields.integer("from");
  if (!last && from) return unless(errors, resume_form{{}, index_from(*from)});
  return unless(errors, behind(last.value_or(-1)));
}

decoded<session_id> decode_run_query(const field_pairs& query) {
  std::vector<field_error> errors;
  field_reader fields{place::query, query, errors};
  session_id session{fields.required("session_id")};
  return unless(errors, std::move(session));
}

decoded<find_runs> decode_agent_runs(const agent_id& agent, const field_pairs& query) {
  std::vector<field_error> errors;
  field_reader fields{place::query, query, errors};
  find_runs find{.session = {fields.required("session_id")}, .agent = agent};
  find.status = status_in(fields);
  find.runs_max = static_cast<std::uint32_t>(limits::runs_listed_max);
  find.newest_first = false;
  return unless(errors, std::move(find));
}

decoded<find_runs> decode_list_runs(const field_pairs& query) {
  std::vector<field_error> errors;
  field_reader fields{place::query, query, errors};
  find_runs find{.session = {session_text(fields, "session_id")},
                 .agent = {session_text(fields, "agent_id")},
                 .user = {session_text(fields, "user_id")}};
  find.status = status_in(fields);
  const auto limit = fields.integer("limit", 1, limits::runs_listed_max);
  find.runs_max = static_cast<std::uint32_t>(limit.value_or(limits::runs_listed_default));
  return unless(errors, std::move(find));
}

decoded<find_runs> decode_session_runs(const session_id& session, const field_pairs& query) {
  std::vector<field_error> errors;
  field_reader fields{place::query, query, errors};
  find_runs find{.session = session, .user = {session_text(fields, "user_id")}};
  type_in(fields);
  if (const auto after = fields.integer("created_after")) find.created_from_ms = as_ms(*after);
  // To the end of that second: agno compares whole seconds.
  if (const auto before = fields.integer("created_before")) find.created_until_ms = as_ms(*before) + 999;
  find.runs_max = static_cast<std::uint32_t>(limits::runs_listed_max);
  find.newest_first = false;
  return unless(errors, std::move(find));
}

decoded<sessions_query> decode_list_sessions(const field_pairs& query) {
  std::vector<field_error> errors;
  field_reader fields{place::query, query, errors};
  sessions_query result;
  auto& find = result.find;
  result.type = type_in(fields);
  find.agent = {session_text(fields, "component_id")};
  find.user = {session_text(fields, "user_id")};
  find.name_contains = fields.short_text("session_name", limits::session_name_bytes_max).value_or("");
  const auto limit = fields.integer("limit", 1, std::int64_t{1} << 62).value_or(limits::sessions_listed_default);
  find.sessions_max = static_cast<std::uint32_t>(std::min<std::int64_t>(limit, limits::sessions_listed_max));
  const auto page = fields.integer("page", 0, std::int64_t{1} << 31).value_or(1);
  find.page = static_cast<std::uint32_t>(std::max<std::int64_t>(page, 1));
  if (const auto by = fields.choice("sort_by", sort_words)) find.order = static_cast<session_order>(*by);
  if (const auto order = fields.choice("sort_order", order_words)) find.descending = *order == 1;
  return unless(errors, std::move(result));
}

decoded<create_session> decode_create_session(const field_pairs& query, std::string_view body) {
  std::vector<field_error> errors;
  field_reader fields{place::query, query, errors};
  const auto type = type_in(fields);
  body_reader members{body, errors};
  session_record session;
  session.id = {members.text("session_id", limits::run_id_chars_max).value_or("")};
  session.name = members.text("session_name", limits::session_name_bytes_max).value_or("");
  session.state = members.object("session_state").value_or("");
  session.metadata = members.object("metadata").value_or("");
  session.user = {members.text("user_id", limits::run_id_chars_max).value_or("")};
  session.agent = {members.text("agent_id", limits::run_id_chars_max).value_or("")};
  if (!errors.empty()) return fields_answer(errors);
  if (type != session_type::agent) return not_served_answer("sessions of teams and workflows");
  return create_session{std::move(session)};
}

decoded<change_session> decode_patch_session(const session_id& session, std::string_view body) {
  std::vector<field_error> errors;
  body_reader members{body, errors};
  change_session change{.session = session};
  change.name = members.text("session_name", limits::session_name_bytes_max);
  change.state = members.object("session_state");
  change.metadata = members.object("metadata");
  change.summary = members.object("summary");
  return unless(errors, std::move(change));
}

decoded<change_session> decode_rename_session(const session_id& session, std::string_view body) {
  std::vector<field_error> errors;
  body_reader members{body, errors};
  change_session change{.session = session};
  change.name = members.text("session_name", limits::session_name_bytes_max, true);
  return unless(errors, std::move(change));
}

decoded<delete_sessions> decode_delete_sessions(std::string_view body) {
  std::vector<field_error> errors;
  body_reader members{body, errors};
  const auto ids = members.texts("session_ids", limits::sessions_deleted_max);
  const auto types = members.texts("session_types", limits::sessions_deleted_max, type_words);
  if (!errors.empty()) return fields_answer(errors);
  if (ids.size() != types.size()) return error_answer(400, "Session IDs and session types must have the same length");
  delete_sessions result;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (types[i] == "agent") result.sessions.push_back({ids[i]});
  }
  return result;
}

}  // namespace oncue::core
