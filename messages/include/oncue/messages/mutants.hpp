// Planted bugs: one line each, to see whether the tests notice. Owns their names and what each one breaks. Promises: except
// in the build of the preset `mutants` the answer is `false` when the program is compiled, and nothing of this is in it; in
// that build one bug at most is at work, the one that the environment variable ONCUE_MUTANT names. Never decides anything.
// scripts/mutants runs them all; docs/testing.md says what notices which.
#pragma once

#include <cstdint>

namespace oncue {

// clang-format off
#define ONCUE_MUTANT_LIST(MUTANT) \
  /* a run's log and ending */ \
  MUTANT(ended_twice, "a run's log has two endings") \
  MUTANT(ending_lacks_last_text, "the ending's text lacks what was streamed last") \
  MUTANT(text_overwritten, "text that waits for the journal is replaced by the next word") \
  MUTANT(published_before_logged, "readers get events that the journal has not confirmed") \
  /* a run's calls and its cancel */ \
  MUTANT(attempt_reused, "a second call of the model has the number of the first") \
  MUTANT(old_attempt_heard, "what an earlier attempt says late still counts") \
  MUTANT(retried_after_tokens, "a call that failed after its first token is tried again: the text comes twice") \
  MUTANT(stream_left_open, "the model's stream is not closed when the run ends") \
  MUTANT(cancel_ignored_in_retry, "a cancel does nothing while a run waits for its next try") \
  MUTANT(cancel_answered_too_early, "a cancel is answered before the stream is closed") \
  MUTANT(late_cancel_claims_success, "a cancel that came too late says that it has cancelled") \
  MUTANT(timer_works_once, "after the first timer no other one is set") \
  MUTANT(tool_left_running, "a run's tools go on after its end") \
  MUTANT(close_waits_in_line, "the word to close overtakes nothing on its way to the stream") \
  MUTANT(stream_unwatched, "a stream that dies is not noticed") \
  MUTANT(model_credit_lost, "a fast model waits for ever for the word to go on") \
  MUTANT(model_unbounded, "a fast model fills its run's mailbox without limit") \
  /* a node's runs */ \
  MUTANT(session_not_freed, "the next run of a session never has its turn") \
  MUTANT(last_come_first_served, "of the runs that wait the last one begins first") \
  MUTANT(cancel_lost_with_actor, "a run that dies after its cancel was passed on counts as failed") \
  MUTANT(intent_not_obeyed, "a run that was cancelled before its start begins") \
  MUTANT(lost_run_forgotten, "a run whose actor dies never ends") \
  MUTANT(ending_offered_once, "the ending of a run whose actor died is lost with a full store") \
  MUTANT(place_held_in_vain, "a run that waits for another node keeps its place, and waits for ever") \
  MUTANT(circle_of_waiting, "runs of a session on two nodes wait for each other") \
  MUTANT(drain_forgets_queued, "a node that stops leaves those that have not begun") \
  MUTANT(interrupt_ignored, "an interrupting run does not stop the one before it") \
  /* the journal in memory */ \
  MUTANT(key_not_recognised, "the same start twice makes two runs") \
  MUTANT(intent_lost, "a cancel that came before its run is forgotten") \
  MUTANT(gap_accepted, "an append behind the log's end is taken") \
  MUTANT(retry_written_twice, "events that come a second time are written a second time") \
  MUTANT(book_skips_fence, "a former owner may still write") \
  MUTANT(book_forgets_cancel, "a run ends as if its granted cancel had not been") \
  /* reading */ \
  MUTANT(credit_ignored, "a reader is sent more than it has asked for") \
  MUTANT(pull_forgotten, "a reader that waits at a live run gets nothing") \
  MUTANT(cursor_jumps, "a reader's next pull leaves one event out") \
  MUTANT(tail_miscounts, "a long run's live end is one of other indices") \
  MUTANT(old_batch_taken, "a batch that answers an older pull counts as new") \
  /* the store */ \
  MUTANT(store_skips_fence, "a former owner may still write to the store") \
  MUTANT(store_forgets_cancel, "a run ends in the store as if its granted cancel had not been") \
  MUTANT(store_ends_again, "a run that is over is ended once more") \
  MUTANT(store_intent_not_flagged, "the store does not remember that a new run was cancelled before") \
  MUTANT(cancel_overtakes_log, "a cancel is written before what its run has said") \
  /* many nodes */ \
  MUTANT(fenced_run_stays, "a run that another node has goes on here") \
  MUTANT(runs_outlive_lease, "a node without its lease lets its runs go on") \
  MUTANT(lease_never_over, "a node does not notice that its lease is over") \
  MUTANT(lease_too_long, "a node believes in its lease when others may have its runs") \
  MUTANT(no_grace_after_outage, "after the database was away all nodes count as dead at once") \
  MUTANT(never_reconciled, "runs that the store has and the node has not stay open") \
  MUTANT(renewal_drops_cancels, "a cancel that another node wrote down is not passed on") \
  MUTANT(remote_duplicate_taken, "a late answer of another node is read as the next one") \
  MUTANT(link_unbounded, "a slow link is given frames without limit") \
  MUTANT(link_never_confirms, "what comes over a link is not confirmed") \
  MUTANT(silent_link_stays_up, "a link that says nothing counts as up") \
  MUTANT(frame_gap_accepted, "events with a gap between them are taken from a link") \
  MUTANT(cancel_not_forwarded, "a cancel for another node's run is not sent there") \
  MUTANT(stranger_greeted, "a node that greets an earlier life of this one is linked") \
  MUTANT(reader_outlives_leave, "a reader of another node stays when that node has said that it left") \
  /* the doors for people */ \
  MUTANT(any_key_opens, "a wrong key opens the server") \
  MUTANT(resumed_one_early, "a client that comes back gets its last event again")
// clang-format on

enum class mutant : std::uint8_t {
#define ONCUE_MUTANT(name, breaks) name,
  ONCUE_MUTANT_LIST(ONCUE_MUTANT)
#undef ONCUE_MUTANT
};

/// True if this bug is at work.
#ifdef ONCUE_MUTANTS
bool planted(mutant which);
#else
constexpr bool planted(mutant) { return false; }
#endif

}  // namespace oncue
