// Every bound of the program, with its unit in its name. A bound that a user may set is a default here, and the range
// that the setting may have.
#pragma once

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

// -- a node --------------------------------------------------------------------
inline constexpr std::size_t runs_live_max = 100'000;     ///< admitted and not ended
inline constexpr std::size_t runs_running_max = 100'000;  ///< of these, talking to a model; the rest is queued
inline constexpr std::size_t runs_listed_max = 1000;

// -- the journal ---------------------------------------------------------------
inline constexpr std::size_t memory_journal_bytes_max = 256u << 20;
inline constexpr std::size_t memory_journal_row_bytes = 512;  ///< what a run costs besides its events
inline constexpr std::size_t intents_max = 10'000;
inline constexpr milliseconds intent_age_max = 24h;

// -- a subscriber --------------------------------------------------------------
inline constexpr std::uint32_t pull_events_max = 256;
inline constexpr std::uint32_t pull_bytes_max = 256u << 10;

// -- a provider call -----------------------------------------------------------
inline constexpr std::size_t sse_line_bytes_max = 16u << 20;    ///< one line, and one event, of a provider's stream
inline constexpr std::size_t error_body_bytes_max = 64u << 10;  ///< how much of an error answer is read
inline constexpr std::size_t error_message_chars_max = 500;
inline constexpr int error_depth_max = 4;                       ///< how deep in an error answer a message is looked for
inline constexpr std::size_t error_details_max = 5;             ///< entries of a list of validation errors that are told
inline constexpr std::size_t sse_kept_bytes_max = 64u << 10;    ///< a larger buffer is given back after its event
inline constexpr std::size_t tool_call_bytes_max = 1u << 20;    ///< collected arguments of one call
inline constexpr std::size_t tool_call_depth_max = 100;         ///< nesting of arguments that are shown as JSON
inline constexpr std::size_t tool_call_value_bytes_shown = 40;  ///< of one argument, where a call is written as a line
inline constexpr std::size_t tool_calls_max = 128;              ///< in one answer
inline constexpr std::size_t receive_buffer_bytes = 16u << 10;  ///< libcurl's; one a transfer
inline constexpr int socket_receive_buffer_bytes = 64 << 10;    ///< the kernel's; bounds what arrives while paused
inline constexpr milliseconds connect_max = 10s;                ///< TCP and TLS; then the attempt has failed
inline constexpr std::size_t idle_connections_max = 32;         ///< kept open for the next call
inline constexpr std::size_t connections_sought_max = 16;       ///< a host: name look-ups at the same time
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
inline constexpr std::size_t stream_writes_slice_max = 32;  ///< then a loop looks at its sockets again
inline constexpr milliseconds heartbeat_interval = 15s;     ///< of a silent stream; clients give up after 60 s

}  // namespace oncue::core::limits
