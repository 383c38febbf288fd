// Every bound of the program, with its unit in its name. A bound that a user may set is a default here, and the range
// that the setting may have.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace oncue::core::limits {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// -- what comes in -------------------------------------------------------------
inline constexpr std::size_t run_id_chars_max = 128;
inline constexpr std::size_t input_bytes_max = 1u << 20;  ///< a user's message
inline constexpr std::size_t reason_bytes_max = 1024;     ///< a cancel's reason, and who asked
inline constexpr std::size_t config_file_bytes_max = 1u << 20;
inline constexpr std::size_t duration_chars_max = 16;
inline constexpr milliseconds deadline_max = 24h;

// -- what is said to a person ----------------------------------------------------
inline constexpr std::size_t typing_errors_max = 2;  ///< edits between an unknown key and the one that is suggested
inline constexpr std::size_t quoted_bytes_max = 60;  ///< of a bad value, when an error shows it

// -- a run ---------------------------------------------------------------------
inline constexpr std::uint64_t run_text_bytes_max = 4u << 20;  ///< default; above it the run fails with output_limit
inline constexpr std::uint64_t run_text_bytes_ceiling = 256u << 20;
inline constexpr std::size_t event_text_bytes_max = 64u << 10;      ///< one delta event; a longer delta becomes several
inline constexpr std::size_t unjournalled_bytes_high = 256u << 10;  ///< above it the provider's socket is paused
inline constexpr std::size_t unjournalled_bytes_low = 64u << 10;    ///< below it the socket is read again
inline constexpr std::size_t untaken_bytes_max = 256u << 10;        ///< deltas that wait in a run's mailbox
inline constexpr std::size_t taken_step_bytes = 32u << 10;          ///< a run tells its stream what it took this often
inline constexpr std::size_t delta_message_bytes = 256;             ///< what a waiting delta costs besides its text
inline constexpr std::size_t tail_bytes_max = 64u << 10;            ///< live tail; older events come from the journal
inline constexpr std::size_t tail_events_max = 256;
inline constexpr std::size_t pulls_max = 10'000;  ///< readers waiting at one run
inline constexpr std::uint32_t turns_max_ceiling = 1000;
inline constexpr std::uint32_t attempts_max_ceiling = 20;
inline constexpr milliseconds close_grace = 5s;  ///< after the ending: everything closed by then
inline constexpr milliseconds first_token_timeout_default = 60s;
inline constexpr milliseconds idle_timeout_default = 60s;
inline constexpr milliseconds total_timeout_default = 15min;
inline constexpr std::uint32_t scripted_tokens_max = 10'000'000;  ///< of the demo model's answer
inline constexpr milliseconds retry_after_max = 10min;  ///< a provider that asks for more is not obeyed: the run fails

inline constexpr std::size_t cancel_waiters_max = 1000;  ///< waiting at one run; who comes later is answered at once
inline constexpr milliseconds cancel_wait_max = 60s;     ///< how long an answer to a cancel may be put off
inline constexpr milliseconds finish_retry = 1s;         ///< an ending that the journal refused is offered again
inline constexpr milliseconds finish_retry_max = 1min;   ///< of a lost run: less and less often

inline constexpr milliseconds cancel_grace_default = 30s;  ///< of a cancel that lets the turn or the tools end
inline constexpr milliseconds cancel_grace_max = 1h;

// -- a tool --------------------------------------------------------------------
inline constexpr milliseconds tool_timeout_default = 60s;
inline constexpr milliseconds tool_grace_default = 2s;
inline constexpr milliseconds tool_grace_max = 4s;  ///< less than close_grace: what is killed is gone by then
inline constexpr std::size_t tool_result_bytes_default = 256u << 10;
inline constexpr std::size_t tool_result_bytes_max = 16u << 20;
inline constexpr std::size_t tool_name_chars_max = 64;  ///< what common providers take
inline constexpr std::size_t tool_description_bytes_max = 16u << 10;
inline constexpr std::size_t tool_schema_bytes_max = 256u << 10;
inline constexpr std::size_t tool_schema_depth_max = 32;
inline constexpr std::size_t schema_visits_max = 1000;      ///< schemas that one value is looked at with
inline constexpr std::size_t schema_visits_depth_max = 32;  ///< one inside of the other
inline constexpr std::size_t tools_max = 512;               ///< of one agent, or of one server
inline constexpr std::size_t command_words_max = 1000;      ///< a program's arguments, or variables
inline constexpr std::uint64_t child_memory_bytes_min = 16u << 20;
inline constexpr std::size_t tool_threads_max = 256;  ///< functions at work at the same time; others wait for a thread
inline constexpr std::size_t tool_threads_lost_max = 1000;    ///< of functions that did not return: then no more is started
inline constexpr std::size_t children_max = 32;               ///< runs at work for one run at the same time
inline constexpr std::size_t run_tool_bytes_max = 64u << 20;  ///< of calls and answers in one run; above it it fails
inline constexpr std::uint32_t agent_depth_max = 5;           ///< runs above a run: deeper calls of agents are refused
inline constexpr milliseconds tool_thread_idle = 10s;         ///< after it a thread without a function ends
inline constexpr milliseconds pause_timeout_default = 24h;    ///< for a person's decision
inline constexpr milliseconds pause_timeout_max = 30 * 24h;
inline constexpr std::uint32_t expired_runs_max = 100;  ///< paused runs that are ended in one go
inline constexpr std::size_t decisions_bytes_max = 4u << 20;
inline constexpr milliseconds mcp_start_timeout_default = 20s;
inline constexpr std::size_t mcp_message_bytes_max = 32u << 20;  ///< one message of a server
inline constexpr milliseconds mcp_restart_base = 500ms;          ///< before a server that died is started again; doubled
inline constexpr milliseconds mcp_restart_delay_max = 60s;  ///< ready for so long, and the next death is the first again
inline constexpr std::size_t mcp_message_depth_max = 100;   ///< nesting of one message
inline constexpr std::size_t mcp_waiting_bytes_max = 4u << 20;  ///< read from a server and not looked at yet
inline constexpr std::size_t mcp_tool_name_bytes_max = 256;     ///< as the server has it
inline constexpr std::size_t mcp_cursor_bytes_max = 4096;       ///< that leads to the next page of tools
inline constexpr std::size_t mcp_pages_max = 1000;              ///< of one list
inline constexpr std::size_t mcp_notes_max = 8;  ///< words to a server over HTTP that it has not taken; more are not said
inline constexpr std::size_t mcp_id_bytes_max = 1024;  ///< of a server's own request

inline constexpr std::size_t mcp_answered_streams_max = 8;  ///< over HTTP, left open by their server
inline constexpr std::uint32_t mcp_silent_calls_max = 3;    ///< given up one after the other: the server hangs
inline constexpr milliseconds mcp_goodbye_max = 2s;         ///< for a session over HTTP to be ended, when a node stops
inline constexpr std::size_t child_stderr_bytes_kept = 4u << 10;  ///< the end of what a child said, for an error
inline constexpr std::size_t child_input_bytes_max = 64u << 20;   ///< written to a child and not read by it yet
inline constexpr std::size_t child_chunk_bytes = 64u << 10;       ///< read from a child at once: what a pipe holds
/// Variables of this process that every child is given. No others, unless they are named: keys stay here.
inline constexpr std::array<std::string_view, 9> child_variables{"PATH", "HOME",   "LANG", "LC_ALL", "LC_CTYPE",
                                                                 "TZ",   "TMPDIR", "USER", "LOGNAME"};

// -- a node --------------------------------------------------------------------
inline constexpr std::size_t runs_live_max = 100'000;     ///< admitted and not ended
inline constexpr std::size_t runs_running_max = 100'000;  ///< of these, talking to a model; the rest is queued
inline constexpr std::size_t runs_queued_max = 10'000;    ///< waiting for a place or for their session
inline constexpr std::size_t runs_ceiling = 1'000'000;    ///< of the three settings
inline constexpr std::size_t runs_listed_max = 1000;
inline constexpr std::size_t runs_listed_bytes_max = 16u << 20;  ///< of their events; the runs behind come without
inline constexpr std::uint32_t runs_listed_default = 20;
inline constexpr std::size_t traceparent_bytes_max = 256;      ///< a longer one is not passed on
inline constexpr std::size_t idempotency_key_bytes_max = 255;  ///< what common services take
inline constexpr milliseconds drain_grace_default = 10s;

// -- a session -------------------------------------------------------------------
inline constexpr std::uint32_t history_runs_default = 10;
inline constexpr std::uint32_t history_runs_max = 1000;
inline constexpr std::uint32_t history_bytes_default = 256u << 10;
inline constexpr std::uint32_t history_bytes_max = 16u << 20;
inline constexpr std::uint32_t sessions_listed_default = 20;
inline constexpr std::uint32_t sessions_listed_max = 1000;   ///< on a page; who asks for more gets so many
inline constexpr std::size_t sessions_deleted_max = 10'000;  ///< in one request
inline constexpr std::size_t session_name_bytes_max = 1024;
inline constexpr std::size_t session_json_bytes_max = 1u << 20;  ///< of its state, its metadata, its summary, each

// -- the journal ---------------------------------------------------------------
inline constexpr std::size_t memory_journal_bytes_max = 256u << 20;
inline constexpr std::size_t memory_journal_row_bytes = 928;  ///< what a run costs besides its events
inline constexpr std::size_t intents_max = 10'000;
inline constexpr milliseconds intent_age_max = 24h;

// -- the store on disk -----------------------------------------------------------
inline constexpr milliseconds compact_after_default = 10min;
inline constexpr milliseconds retention_default = 30 * 24h;
inline constexpr milliseconds retention_max = 3650 * 24h;  ///< ten years
inline constexpr std::uint64_t store_size_bytes_default = 10ull << 30;
inline constexpr std::uint64_t store_size_bytes_min = 16ull << 20;
inline constexpr std::uint64_t store_size_bytes_max = 1ull << 50;
inline constexpr std::size_t commit_events_max = 512;  ///< of one transaction: an ending waits for one at most
inline constexpr std::size_t commit_bytes_max = 1u << 20;
inline constexpr milliseconds store_busy_max = 2s;  ///< waiting for another program that has the file locked
inline constexpr std::size_t store_cache_kib = 32u << 10;
inline constexpr std::size_t store_wal_bytes_max = 64u << 20;  ///< of the write-ahead log's file after a burst
inline constexpr std::size_t store_page_bytes =
    1024;  ///< of a new file: each commit writes whole pages, two or three a run
inline constexpr std::size_t store_wal_bytes_high = 4u << 20;   ///< the reader is asked to put the pages in their place
inline constexpr std::size_t store_wal_bytes_full = 64u << 20;  ///< the writer itself does
inline constexpr milliseconds read_retry = 250ms;               ///< after a read that failed
inline constexpr int read_tries_max = 240;                      ///< then a reader is told that nothing is to be had
inline constexpr std::size_t text_cached_bytes_max = 8u << 20;  ///< of the ended run that was read last
inline constexpr std::size_t events_read_max = 64;              ///< asked of a store at once, whoever wants more
inline constexpr std::size_t orphans_commit_max = 100;          ///< ended in one transaction
inline constexpr milliseconds idempotency_age_max = 24h;
inline constexpr std::size_t session_name_chars_max = 100;  ///< of a name made from the first message
inline constexpr std::size_t upkeep_rows_max = 256;         ///< of one step: a few milliseconds
inline constexpr std::size_t upkeep_bytes_max = 1u << 20;
inline constexpr std::size_t free_bytes_max = 4u << 20;      ///< in the file; what is above goes back to the system
inline constexpr std::size_t vacuum_bytes_max = 256u << 10;  ///< given back in one step
inline constexpr milliseconds upkeep_interval = 5s;
inline constexpr milliseconds upkeep_pause = 5ms;  ///< between two steps, for the writes

// -- many nodes ------------------------------------------------------------------
inline constexpr milliseconds lease_default = 10s;
inline constexpr milliseconds lease_min = 1s;
inline constexpr milliseconds lease_max = 5min;
inline constexpr milliseconds lease_renewal = 1s;  ///< how often a lease is renewed; of a short lease a third
inline constexpr milliseconds lease_margin_max =
    1s;                                             ///< a node stops so long before its lease ends; a fifth of a short one
inline constexpr milliseconds claim_retry = 250ms;  ///< after a claim that got a full load
inline constexpr std::uint32_t reaped_runs_max = 100;       ///< of dead nodes, ended in one go
inline constexpr std::uint32_t claimed_runs_max = 64;       ///< taken in one go
inline constexpr std::uint32_t pending_cancels_max = 1000;  ///< told with one renewal
inline constexpr std::uint32_t nodes_told_max = 256;        ///< living ones, and the last that died
inline constexpr milliseconds dead_node_told = 1h;          ///< so long a node that died is still shown
inline constexpr std::uint32_t restarts_default = 3;
inline constexpr std::uint32_t restarts_ceiling = 100;
inline constexpr std::size_t node_name_chars_max = 64;
inline constexpr milliseconds session_wait = 200ms;  ///< then it is looked whether a session's run on another node is over
inline constexpr milliseconds database_connect_max = 3s;
inline constexpr milliseconds database_answer_max = 5s;         ///< of one statement; then the connection is given up
inline constexpr milliseconds database_retry = 100ms;           ///< before a lost connection is tried again
inline constexpr std::chrono::seconds database_keepalive = 2s;  ///< TCP probes a silent connection so often
inline constexpr int database_tries_max = 4;           ///< of a group of writes that met another node's; then one by one
inline constexpr milliseconds database_wait_max = 2s;  ///< of a request that somebody waits for, while it is lost
inline constexpr std::size_t link_frame_bytes_max = 64u << 10;
inline constexpr std::size_t link_window_bytes_max = 256u << 10;  ///< sent to one node and not confirmed by it
inline constexpr std::size_t link_event_bytes_max = 128u << 20;   ///< one event that comes in many frames
inline constexpr std::size_t link_readers_max = 100'000;          ///< remote readers of one node's runs
inline constexpr milliseconds link_connect_max = 2s;
inline constexpr milliseconds link_heartbeat = 1s;
inline constexpr milliseconds link_silence_max = 3500ms;  ///< then it is down
inline constexpr milliseconds link_retry_min = 250ms;     ///< doubled up to
inline constexpr milliseconds link_retry_max = 5s;
inline constexpr milliseconds link_answer_max = 2s;     ///< to a cancel that crossed a link
inline constexpr milliseconds remote_poll = 100ms;      ///< of the journal, for a remote run whose node has no link
inline constexpr milliseconds remote_repeat = 5s;       ///< then its node is asked again, if it has not answered
inline constexpr milliseconds remote_poll_max = 500ms;  ///< when nothing comes, it is asked less and less often

// -- actors on an event loop ------------------------------------------------------
inline constexpr std::size_t loop_actors_slice_max = 32;  ///< then the loop looks at its sockets again
inline constexpr std::size_t loop_messages_max = 32;      ///< of one actor, then the others have their turn

// -- a subscriber --------------------------------------------------------------
inline constexpr std::uint32_t pull_events_max = 256;
inline constexpr std::uint32_t pull_bytes_max = 256u << 10;

// -- a provider call -----------------------------------------------------------
inline constexpr std::size_t sse_line_bytes_max = 16u << 20;    ///< one line, and one event, of a provider's stream
inline constexpr std::size_t error_body_bytes_max = 64u << 10;  ///< how much of an error answer is read
inline constexpr std::size_t error_message_chars_max = 500;
inline constexpr int error_depth_max = 4;                        ///< how deep in an error answer a message is looked for
inline constexpr std::size_t error_details_max = 5;              ///< entries of a list of validation errors that are told
inline constexpr std::size_t sse_kept_bytes_max = 64u << 10;     ///< a larger buffer is given back after its event
inline constexpr std::size_t tool_call_bytes_max = 1u << 20;     ///< collected arguments of one call
inline constexpr std::size_t tool_call_depth_max = 100;          ///< nesting of arguments that are shown as JSON
inline constexpr std::size_t tool_call_value_bytes_shown = 40;   ///< of one argument, where a call is written as a line
inline constexpr std::size_t answer_calls_bytes_max = 4u << 20;  ///< of all calls in one answer
inline constexpr std::size_t tool_calls_max = 128;               ///< in one answer
inline constexpr std::size_t plain_chunk_bytes_max = 4u << 10;   ///< longer ones are not read by the shortcut
inline constexpr std::size_t receive_buffer_bytes = 16u << 10;   ///< libcurl's; one a transfer
inline constexpr int socket_receive_buffer_bytes = 64 << 10;     ///< the kernel's; bounds what arrives while paused
inline constexpr milliseconds connect_max = 10s;                 ///< TCP and TLS; then the attempt has failed
inline constexpr std::size_t idle_connections_max = 32;          ///< kept open for the next call
inline constexpr std::size_t sockets_slice_max = 32;             ///< read from, then the loop looks at others
inline constexpr std::size_t connections_sought_max = 16;        ///< a host: name look-ups at the same time
inline constexpr std::chrono::seconds idle_connection_age_max = 60s;  ///< older ones are not used again
inline constexpr std::size_t upload_buffer_bytes = 16u << 10;         ///< libcurl's smallest; one a large request
inline constexpr std::chrono::seconds keepalive_idle = 30s;           ///< TCP probes an open, silent connection then
inline constexpr std::chrono::seconds keepalive_interval = 10s;

// -- the server ------------------------------------------------------------------
inline constexpr std::size_t connections_max = 20'000;
inline constexpr std::size_t request_header_bytes_max = 32u << 10;  ///< request line and headers together
inline constexpr std::size_t request_body_bytes_max = 8u << 20;
inline constexpr milliseconds request_header_timeout = 10s;
inline constexpr milliseconds request_body_timeout = 60s;
inline constexpr milliseconds connection_idle_timeout = 75s;
inline constexpr milliseconds write_timeout = 60s;
inline constexpr milliseconds stream_write_timeout = 10min;        ///< of a stream that nobody reads
inline constexpr std::size_t stream_buffer_bytes_low = 32u << 10;  ///< above it a stream's writer waits for room
inline constexpr std::size_t stream_buffer_bytes_max = 128u << 10;
inline constexpr std::size_t stream_writes_slice_max = 32;   ///< then a loop looks at its sockets again
inline constexpr std::uint32_t stream_pull_events_max = 64;  ///< what one stream asks a run for at a time
inline constexpr std::uint32_t stream_pull_bytes_max = 16u << 10;
inline constexpr milliseconds last_words_max = 2s;       ///< at the end, for clients to take the endings of their runs
inline constexpr milliseconds heartbeat_interval = 15s;  ///< of a silent stream; clients give up after 60 s
inline constexpr std::size_t request_fields_max = 200;   ///< header fields of one request
inline constexpr std::size_t form_fields_max = 1000;     ///< of one form, or one query
inline constexpr std::size_t form_name_bytes_max = 1024;
inline constexpr std::size_t multipart_parts_max = 1000;
inline constexpr std::size_t multipart_header_bytes_max = 8u << 10;  ///< of one part
inline constexpr std::size_t multipart_boundary_chars_max = 70;      ///< RFC 2046, 5.1.1
inline constexpr std::size_t request_ahead_bytes_max = 64u << 10;  ///< kept of what a client sends before it has its answer
inline constexpr std::size_t requests_slice_max = 16;              ///< of one connection, then the loop looks at others
inline constexpr std::size_t refused_connections_max = 64;         ///< above connections_max, while they read their 503
inline constexpr milliseconds connection_linger = 5s;  ///< a closed connection's last bytes are read, so that it can read
inline constexpr milliseconds peer_silence_max = 60s;  ///< no acknowledgement for what was sent: the client is dead
inline constexpr milliseconds accept_retry = 100ms;    ///< after no connection could be taken (no file descriptor)
inline constexpr milliseconds server_sweep_interval = 1s;  ///< how coarse the server's time-outs are
inline constexpr int stream_send_buffer_bytes = 32 << 10;  ///< the kernel's; Linux doubles it. Of a reader that stalls
inline constexpr std::size_t event_loops_max = 64;
inline constexpr milliseconds heartbeat_min = 1s;
inline constexpr milliseconds heartbeat_max = 5min;
inline constexpr milliseconds drain_grace_max = 1h;
inline constexpr std::size_t host_chars_max = 253;   ///< RFC 1035: a name as text
inline constexpr std::size_t host_names_max = 100;   ///< entries of one list of hosts or origins
inline constexpr std::size_t path_bytes_max = 4095;  ///< of a file's name: the system's own bound

// -- a client of a server ------------------------------------------------------------
inline constexpr std::size_t client_event_bytes_max = 256u << 20;  ///< one event: an ending has the run's whole text
inline constexpr std::size_t client_event_depth_max = 128;         ///< nesting: a tool's arguments, and what is around them
inline constexpr std::size_t client_answer_bytes_max = 64u << 20;  ///< an answer that is no stream
inline constexpr std::size_t client_unread_bytes_high = 256u << 10;  ///< above it a stream's socket is paused
inline constexpr milliseconds client_answer_timeout = 30s;           ///< beyond what the server was asked to wait
inline constexpr milliseconds client_reconnect_max = 30s;            ///< how long a lost stream is tried again
inline constexpr milliseconds client_reconnect_pause_max = 2s;       ///< between two tries
inline constexpr milliseconds client_ending_max = 10s;               ///< for a run's ending after its cancel was answered

// -- the log -----------------------------------------------------------------------
inline constexpr std::size_t log_lines_max = 8192;  ///< waiting to be written; the oldest are dropped
inline constexpr std::size_t log_value_bytes_max = 512;

}  // namespace oncue::core::limits
