// What the requests of the table of routes carry, and how they are answered: parts of agentos_route_table.cpp.
#pragma once

#include "agentos_route_table.hpp"

namespace oncue::core::route_parts {

using enum field_kind;

// -- values ------------------------------------------------------------------------
inline constexpr std::string_view busy_values[] = {"enqueue", "reject", "interrupt"};
inline constexpr std::string_view loss_values[] = {"fail", "restart"};
inline constexpr std::string_view disconnect_values[] = {"cancel", "continue"};
inline constexpr std::string_view mode_values[] = {"immediate", "after_tools", "after_turn"};
inline constexpr std::string_view type_values[] = {"agent", "team", "workflow"};
inline constexpr std::string_view status_values[] = {"PENDING", "RUNNING", "PAUSED", "COMPLETED", "ERROR", "CANCELLED"};
inline constexpr std::string_view sort_values[] = {"created_at", "updated_at", "session_name"};
inline constexpr std::string_view order_values[] = {"asc", "desc"};

// -- fields ------------------------------------------------------------------------
inline constexpr route_field start_headers[] = {
    {"Idempotency-Key", text, false, "the same key again is answered with the run that it made"},
    {"traceparent", text, false, "W3C trace context, passed on to the provider"}};
inline constexpr route_field start_fields[] = {
    {"message", text, true, "what the user says, UTF-8"},
    {"stream", boolean, false, "answer with an event stream; default true"},
    {"background", boolean, false, "the run does not belong to this connection; default false"},
    {"run_id", text, false, "1 to 128 characters of A-Z a-z 0-9 . _ : - that were never used; default: a new UUID"},
    {"session_id", text, false, "the conversation; default: a new one"},
    {"user_id", text, false, "on whose behalf"},
    {"stream_events", boolean, false, "false: only the text and the ending; default true"},
    {"on_busy_session", text, false, "what happens while the session has a run; default enqueue", busy_values},
    {"on_disconnect", text, false, "default: a plain stream's run is cancelled, a background run goes on",
     disconnect_values},
    {"on_node_loss", text, false,
     "what happens when the run's node is lost: restart begins it anew on another one, if it has said nothing yet and "
     "called no tool; default fail",
     loss_values},
    {"version", text, false, "accepted, has no effect"}};
inline constexpr route_field continue_fields[] = {
    {"session_id", text, true, "the run's session"},
    {"tools", text, false,
     "JSON: the run's tools as they came with RunPaused, with confirmed and confirmation_note, "
     "user_input_schema[].value, or result filled in"},
    {"requirements", text, false, "JSON: instead of tools, the run's requirements, decided"},
    {"user_id", text, false, "who decides; for the log"},
    {"stream", boolean, false, "answer with an event stream; default true"},
    {"background", boolean, false, "the run does not belong to this connection; default false"},
    {"stream_events", boolean, false, "false: only the text and the ending; default true"},
    {"on_disconnect", text, false, "default: a plain stream's run is cancelled, a background run goes on",
     disconnect_values}};
inline constexpr route_field cancel_headers[] = {
    {"Cancel-Mode", text, false, "as mode, for clients that can only add headers", mode_values},
    {"Cancel-Grace", text, false, "as grace"}};
inline constexpr route_field cancel_query[] = {
    {"mode", text, false, "what may still come to its end; default immediate", mode_values},
    {"grace", text, false, "of the two other modes: 30s or 500ms, then immediate follows; default 30s"},
    {"grace_ms", integer, false, "the same in milliseconds"},
    {"receipt", boolean, false, "answer with a receipt instead of {}; default false"},
    {"wait_ms", integer, false, "how long the answer may wait for the journal and the closed socket; default 1000"},
    {"reason", text, false, "kept with the run's ending"},
    {"session_id", text, false, "accepted, has no effect"},
    {"user_id", text, false, "a cancel before the run exists then only meets a run of this user"}};
inline constexpr route_field session_of_run[] = {{"session_id", text, true, "the run's session"}};
inline constexpr route_field agent_runs_query[] = {{"session_id", text, true, "whose runs"},
                                                   {"status", text, false, "only runs with this status", status_values}};
inline constexpr route_field all_runs_query[] = {{"status", text, false, "only runs with this status", status_values},
                                                 {"agent_id", text, false, "only this agent's"},
                                                 {"session_id", text, false, "only this session's"},
                                                 {"user_id", text, false, "only this user's"},
                                                 {"limit", integer, false, "at most so many; default 20"}};
inline constexpr route_field resume_fields[] = {
    {"last_event_index", integer, false, "of the last event that the client has; absent: all are sent"},
    {"session_id", text, false, "accepted, has no effect"}};
inline constexpr route_field events_headers[] = {
    {"Last-Event-ID", integer, false, "as a browser's EventSource sends it: go on behind this event"}};
inline constexpr route_field events_query[] = {{"last_event_index", integer, false, "go on behind this event"},
                                               {"from", integer, false, "begin with this event"}};
inline constexpr route_field sessions_query[] = {
    {"type", text, false, "oncue has agents' sessions; other lists are empty", type_values},
    {"component_id", text, false, "only this agent's"},
    {"user_id", text, false, "only this user's"},
    {"session_name", text, false, "only names that contain this"},
    {"limit", integer, false, "on a page; default 20"},
    {"page", integer, false, "from 1"},
    {"sort_by", text, false, "default created_at", sort_values},
    {"sort_order", text, false, "default desc", order_values}};
inline constexpr route_field type_query[] = {{"type", text, false, "default agent", type_values}};
inline constexpr route_field session_runs_query[] = {{"type", text, false, "default agent", type_values},
                                                     {"user_id", text, false, "only this user's"},
                                                     {"created_after", integer, false, "unix time in seconds"},
                                                     {"created_before", integer, false, "unix time in seconds"}};
inline constexpr route_field create_fields[] = {{"session_id", text, false, "default: a new UUID"},
                                                {"session_name", text, false, "default: the first message"},
                                                {"session_state", object, false, ""},
                                                {"metadata", object, false, ""},
                                                {"user_id", text, false, ""},
                                                {"agent_id", text, false, ""}};
inline constexpr route_field patch_fields[] = {{"session_name", text, false, ""},
                                               {"session_state", object, false, ""},
                                               {"metadata", object, false, ""},
                                               {"summary", object, false, ""}};
inline constexpr route_field rename_fields[] = {{"session_name", text, true, ""}};
inline constexpr route_field delete_fields[] = {{"session_ids", texts, true, ""},
                                                {"session_types", texts, true, "as many as there are ids"}};

// -- answers -----------------------------------------------------------------------
inline constexpr std::string_view json = "application/json";
inline constexpr std::string_view events = "text/event-stream";

inline constexpr route_answer just_json[] = {{200, json, "found"}};
inline constexpr route_answer found_or_404[] = {{200, json, "found"}, {404, json, "there is none"}};
inline constexpr route_answer listed[] = {
    {200, json, "found"}, {404, json, "there is none"}, {422, json, "a wrong parameter"}};
inline constexpr route_answer start_answers[] = {
    {200, "text/event-stream application/json", "the stream, or the finished run"},
    {202, json, "the run goes on in the background"},
    {404, json, "no such agent"},
    {409, json, "the run_id is used, or the session is busy"},
    {422, json, "a wrong field"},
    {429, json, "too many runs: see Retry-After"},
    {501, json, "files and media are not served"},
    {503, json, "shutting down, or the store takes nothing: see Retry-After"}};
inline constexpr route_answer continue_answers[] = {
    {200, "text/event-stream application/json", "the stream, or the run that has ended or waits again"},
    {202, json, "the run goes on in the background"},
    {400, json, "no session_id, or decisions that are no JSON"},
    {404, json, "no such agent or run"},
    {409, json, "the run is not paused"},
    {422, json, "a wrong field, or a call that waits and is not decided"},
    {501, json, "another message, fork and regenerate are not served"},
    {503, json, "shutting down, or the store takes nothing: see Retry-After"}};
inline constexpr route_answer cancel_answers[] = {{200, json, "cancelled; without a receipt always, with the body {}"},
                                                  {202, json, "receipt: under way, or kept for a run that may come"},
                                                  {404, json, "no such agent; receipt: no such run"},
                                                  {409, json, "receipt: the run had ended by itself"},
                                                  {422, json, "a wrong parameter"}};
inline constexpr route_answer stream_answers[] = {{200, events, "what was missed, then live events"},
                                                  {404, json, "no such agent or run"},
                                                  {410, json, "older than what is kept"},
                                                  {422, json, "a wrong index"}};
inline constexpr route_answer created[] = {
    {201, json, "made"}, {409, json, "there is one already"}, {422, json, "a wrong member"}};
inline constexpr route_answer changed[] = {
    {200, json, "as it is now"}, {404, json, "there is none"}, {422, json, "a wrong member"}};
inline constexpr route_answer deleted[] = {{204, "", "gone, or never there"}};
inline constexpr route_answer many_deleted[] = {
    {204, "", "gone, or never there"}, {400, json, "as many types as ids are needed"}, {422, json, "a wrong member"}};
inline constexpr route_answer html_page[] = {{200, "text/html", "a page"}};
inline constexpr route_answer plain_text[] = {{200, "text/plain", "samples"}};

}  // namespace oncue::core::route_parts
