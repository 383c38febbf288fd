// The conversation with the journal, the single writer of the log. Every write is idempotent by run and index, and the
// ending is conditional: it succeeds once, and whoever comes second is told what stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oncue/messages/cancel.hpp"
#include "oncue/messages/events.hpp"
#include "oncue/messages/ids.hpp"
#include "oncue/messages/inspection.hpp"
#include "oncue/messages/run.hpp"

namespace oncue {

/// Reserve the id and log the first events (index 0 on). An idempotency key is looked at before anything else: if a run of
/// the same user was made with it, the answer is that run, or idempotency_reused if the agent, the input or the session
/// (unless `new_session`) is another one.
struct create_run {
  run_request request;
  std::int64_t created_at_ms = 0;
  std::vector<event_ptr> events;
  bool new_session = false;    ///< the session id was made for this run: nobody named it
  bool only_existing = false;  ///< create nothing: only look what the idempotency key made before
  bool unowned = false;        ///< this node has no room: it waits for whichever node claims it
};

struct create_reply {
  std::optional<refusal> refused;        ///< run_id_used, idempotency_reused or journal_unavailable
  std::optional<cancel_request> intent;  ///< somebody cancelled this id before it existed
  run_epoch epoch = 1;                   ///< for every later write of this run
  std::optional<run_summary> existing;   ///< nothing was created: the idempotency key made this run before
};

/// Log events from index `from` on. What is already there is skipped; a gap is refused; after the ending it is ignored.
struct append_events {
  run_id run;
  event_index from = 0;
  std::vector<event_ptr> events;
  run_epoch epoch = 1;
};

/// Log the events not yet confirmed and, as the last of them, the ending. Overtakes waiting appends.
struct finish_run {
  run_id run;
  event_index from = 0;
  std::vector<event_ptr> events;
  run_epoch epoch = 1;
};

/// Every event below `next` is journalled and may be published.
struct appended {
  run_id run;
  event_index next = 0;
};

/// The run's ending as it stands in the journal: ours, or the one that was first.
struct finished {
  run_id run;
  event_ptr ended;
};

/// The journal refused a write.
struct journal_refused {
  run_id run;
  std::string message;
  bool fenced = false;  ///< the run has another owner now: whoever held it stops, and writes and publishes nothing more
};

/// What is kept of a paused run: all that is needed to go on with it. Nothing changes.
struct find_paused {
  run_id run;
};

struct paused_run {
  std::optional<run_summary> summary;  ///< absent: no such run. With the events only if its status is paused
  run_request request;                 ///< as it was created; without its idempotency key
  std::vector<event_ptr> events;       ///< its whole log; the last one is its run_paused
};

/// Log that a paused run goes on, if it still is paused at exactly that index. This process owns it from now on.
struct reopen_run {
  run_id run;
  event_ptr continued;
};

struct reopen_reply {
  std::optional<refusal> refused;  ///< not_paused, unknown_run or journal_unavailable
  run_epoch epoch = 1;             ///< for every later write: one more than before
};

/// End the paused runs for which nobody decided in time: failed, deadline_pause.
struct end_expired {
  std::int64_t now_ms = 0;
  std::uint32_t runs_max = 0;  ///< the longest expired first
};

struct expired_runs {
  std::vector<run_id> ended;
  std::int64_t next_at_ms = 0;  ///< when the next one of those that are left expires; 0: none is left
};

/// End a run whose actor is gone. The journal knows its text and next index.
struct end_orphan {
  run_id run;
  ending how;
  std::int64_t at_ms = 0;
};

struct end_orphan_reply {
  std::optional<event_ptr> ended;  ///< what stands; absent: no such run
  bool fenced = false;             ///< another node has it, or nobody: nothing was ended
};

/// A cancel for a run that is not live here.
struct record_cancel {
  cancel_request request;
  std::int64_t at_ms = 0;
};

struct record_cancel_reply {
  std::optional<event_ptr> ended;  ///< the run ended before; or it was paused, and has ended by this
  bool intent_stored = false;      ///< no such run yet: kept for the one that may come
  bool accepted = false;           ///< the run is open, but not live here: whoever ends it will end it as cancelled
};

/// What was said in a session before: the messages of its ended runs, oldest first, valid for any provider.
struct load_history {
  session_id session;
  std::uint32_t runs_max = 0;   ///< the newest ones
  std::uint32_t bytes_max = 0;  ///< of text; older runs are left out whole
  bool with_stopped = false;    ///< cancelled and failed runs too, with their partial text
  run_id before;                ///< the run that is about to begin; empty: nobody's
};

struct history {
  std::vector<chat_message> messages;
  run_id behind;  ///< not empty: this run of the session comes first and is not over, here or elsewhere: ask again later
};

/// A journal's word to itself: write what has piled up. Endings have a lane of their own, ahead of all else.
struct commit_writes {
  bool endings = false;
};

/// A journal's word to its reader: put what was committed in its place in the file.
struct checkpoint_store {};

struct list_runs {
  std::uint32_t runs_max = 0;  ///< newest first
};

struct run_list {
  std::vector<run_summary> runs;
};

// -- inspection --------------------------------------------------------------

template <class Inspector>
bool inspect(Inspector& f, create_run& x) {
  return f.object(x).fields(f.field("request", x.request), f.field("created_at_ms", x.created_at_ms),
                            f.field("events", x.events), f.field("new_session", x.new_session),
                            f.field("only_existing", x.only_existing), f.field("unowned", x.unowned));
}
template <class Inspector>
bool inspect(Inspector& f, create_reply& x) {
  return f.object(x).fields(f.field("refused", x.refused), f.field("intent", x.intent), f.field("epoch", x.epoch),
                            f.field("existing", x.existing));
}
template <class Inspector>
bool inspect(Inspector& f, append_events& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("epoch", x.epoch), f.field("from", x.from),
                            f.field("events", x.events));
}
template <class Inspector>
bool inspect(Inspector& f, finish_run& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("epoch", x.epoch), f.field("from", x.from),
                            f.field("events", x.events));
}
template <class Inspector>
bool inspect(Inspector& f, appended& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("next", x.next));
}
template <class Inspector>
bool inspect(Inspector& f, finished& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("ended", x.ended));
}
template <class Inspector>
bool inspect(Inspector& f, journal_refused& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("message", x.message), f.field("fenced", x.fenced));
}
template <class Inspector>
bool inspect(Inspector& f, find_paused& x) {
  return f.object(x).fields(f.field("run", x.run));
}
template <class Inspector>
bool inspect(Inspector& f, paused_run& x) {
  return f.object(x).fields(f.field("summary", x.summary), f.field("request", x.request), f.field("events", x.events));
}
template <class Inspector>
bool inspect(Inspector& f, reopen_run& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("continued", x.continued));
}
template <class Inspector>
bool inspect(Inspector& f, reopen_reply& x) {
  return f.object(x).fields(f.field("refused", x.refused), f.field("epoch", x.epoch));
}
template <class Inspector>
bool inspect(Inspector& f, end_expired& x) {
  return f.object(x).fields(f.field("now_ms", x.now_ms), f.field("runs_max", x.runs_max));
}
template <class Inspector>
bool inspect(Inspector& f, expired_runs& x) {
  return f.object(x).fields(f.field("ended", x.ended), f.field("next_at_ms", x.next_at_ms));
}
template <class Inspector>
bool inspect(Inspector& f, end_orphan& x) {
  return f.object(x).fields(f.field("run", x.run), f.field("how", x.how), f.field("at_ms", x.at_ms));
}
template <class Inspector>
bool inspect(Inspector& f, end_orphan_reply& x) {
  return f.object(x).fields(f.field("ended", x.ended), f.field("fenced", x.fenced));
}
template <class Inspector>
bool inspect(Inspector& f, record_cancel& x) {
  return f.object(x).fields(f.field("request", x.request), f.field("at_ms", x.at_ms));
}
template <class Inspector>
bool inspect(Inspector& f, record_cancel_reply& x) {
  return f.object(x).fields(f.field("ended", x.ended), f.field("intent_stored", x.intent_stored),
                            f.field("accepted", x.accepted));
}
template <class Inspector>
bool inspect(Inspector& f, load_history& x) {
  return f.object(x).fields(f.field("session", x.session), f.field("runs_max", x.runs_max),
                            f.field("bytes_max", x.bytes_max), f.field("with_stopped", x.with_stopped),
                            f.field("before", x.before));
}
template <class Inspector>
bool inspect(Inspector& f, history& x) {
  return f.object(x).fields(f.field("messages", x.messages), f.field("behind", x.behind));
}
template <class Inspector>
bool inspect(Inspector& f, commit_writes& x) {
  return f.object(x).fields(f.field("endings", x.endings));
}
template <class Inspector>
bool inspect(Inspector& f, checkpoint_store& x) {
  return f.object(x).fields();
}
template <class Inspector>
bool inspect(Inspector& f, list_runs& x) {
  return f.object(x).fields(f.field("runs_max", x.runs_max));
}
template <class Inspector>
bool inspect(Inspector& f, run_list& x) {
  return f.object(x).fields(f.field("runs", x.runs));
}

}  // namespace oncue
