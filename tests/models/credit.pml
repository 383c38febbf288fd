// How a model's text gets to readers: the provider's socket, the stream that reads it, the run, the journal, and the
// readers' tail. The model may be as fast as it likes and the journal as slow; somebody may cancel.
//
// Proves I8 for the way in (what waits for the run and what waits for the journal is bounded, by credit and by pauses),
// that none of the two ways to wait ever waits for the other for good, I5 (log before publish), and I6 (what is kept is a
// prefix, and all of it if nobody cancels).
// Stands for: core/stream_credit (taken_meter, stream_credit), core/run_machine_log (flush, throttle, appended, finish),
// actors/http_model_stream and run (which words overtake which).
// Leaves out: bytes (each delta counts one, the limits are small), retries and tools, a store that refuses, and the readers
// behind the tail: they have cursors and no queue (reading.pml).
//
// Must fail, with the promise that it breaks:
//   BUG_NO_CREDIT         mailbox_bounded      the stream does not look at what was taken
//   BUG_STEP_TOO_LARGE    all_text_comes       the run tells what it took only when more is taken than may be under way
//   BUG_NO_PAUSE          unkept_bounded       a journal that lags does not pause the socket
//   BUG_NO_RESUME         all_text_comes       nobody resumes it
//   BUG_PUBLISHED_FIRST   log_first            text is published when it is sent to the journal
//   BUG_SPENT_TWICE       mailbox_bounded      what was taken counts again with each word, not as a sum
//   BUG_FORGETS_PENDING   all_text_comes       what piled up during an append waits for more text

#ifdef LONG
#define TEXT 14
#else
#define TEXT 9
#endif
#define AHEAD 2  // untaken_bytes_max
#define READ 2   // what one look at the socket may bring
#define HIGH 2   // unjournalled_bytes_high
#define LOW 1
#ifdef BUG_STEP_TOO_LARGE
#define STEP 4   // taken_step_bytes
#else
#define STEP 2
#endif
#define MAILBOX (AHEAD + READ)

mtype = { pause, resume, close }; // to the stream, at high priority
mtype = { append, finish };       // to the journal
mtype = { open, done, stopped };

byte sent = 0;      // by the stream
byte waiting = 0;   // in the run's mailbox
byte taken = 0, kept = 0, published = 0;
bool all_sent = false;
mtype state = open;
byte ended_at = 0;
bool journalled = false;

chan urgent = [4] of { mtype };
chan words = [TEXT] of { byte };    // deltas_taken
chan to_journal = [2] of { mtype, byte };
chan confirmed = [2] of { mtype, byte };

// -- the event loop with the provider's socket -------------------------------------------

#ifdef BUG_NO_CREDIT
#define is_full false
#else
#define is_full (sent - credited > AHEAD)
#endif

proctype Stream() {
  byte credited = 0, n;
  bool paused = false, closed = false;
end: do
  :: atomic { nempty(urgent) ->
     if
     :: urgent?pause -> paused = true
     :: urgent?resume -> paused = false
     :: urgent?close -> closed = true
     fi }
  :: atomic { empty(urgent) && nempty(words) -> words?n;
#ifdef BUG_SPENT_TWICE
     credited = (credited + n < sent -> credited + n : sent);
#else
     if :: n > credited -> credited = n :: else fi;
#endif
     n = 0 }
  :: atomic { !paused && !closed && !is_full && sent < TEXT ->
     if
     :: sent++; waiting++
     :: sent + READ <= TEXT -> sent = sent + READ; waiting = waiting + READ
     fi }
  :: atomic { !closed && sent == TEXT && !all_sent -> all_sent = true }
  od
}

// -- the run ---------------------------------------------------------------------------------

inline flush() {
  if
  :: !in_flight && taken > kept_known && state == open ->
     in_flight = true; to_journal!append(taken);
#ifdef BUG_PUBLISHED_FIRST
     published = taken
#endif
  :: else
  fi
}

inline throttle() {
  if
  :: state != open -> skip
#ifndef BUG_NO_PAUSE
  :: state == open && !paused_for_journal && taken - kept_known > HIGH -> paused_for_journal = true; urgent!pause
#endif
#ifndef BUG_NO_RESUME
  :: state == open && paused_for_journal && taken - kept_known <= LOW -> paused_for_journal = false; urgent!resume
#endif
  :: else
  fi
}

inline end_as(how) {
  state = how; ended_at = taken;
  urgent!close;
  to_journal!finish(taken)
}

proctype Run() {
  byte told = 0, kept_known = 0, n;
  mtype what;
  bool in_flight = false, paused_for_journal = false;
end: do
  :: atomic { waiting > 0 -> waiting--;
     if
     :: state == open ->
        taken++;
        if :: taken - told >= STEP -> told = taken; words!taken :: else fi;
        flush(); throttle()
     :: else // it is late
     fi }
  :: atomic { all_sent && waiting == 0 && state == open -> end_as(done) }
  :: atomic { nempty(confirmed) -> confirmed?what, n;
     if
     :: what == append -> in_flight = false;
        if :: n > kept_known -> kept_known = n :: else fi;
        if :: published < kept_known && state == open -> published = kept_known :: else fi;
#ifndef BUG_FORGETS_PENDING
        flush();
#endif
        throttle()
     :: what == finish -> journalled = true; published = n
     fi;
     n = 0 }
  od
}

// An append may be older than what is there: it is skipped.
proctype Journal() {
  mtype what; byte n;
end: do
  :: atomic { nempty(to_journal) && nfull(confirmed) ->
     if
     :: to_journal??finish(n) -> what = finish // high priority
     :: !(to_journal??[finish, _]) -> to_journal?append(n); what = append
     fi;
     if :: n > kept && !journalled -> kept = n :: else fi;
     confirmed!what(n);
     n = 0 }
  od
}

proctype Canceller() {
  if
  :: atomic { state == open -> state = stopped; ended_at = taken; urgent!close; to_journal!finish(taken) }
  :: true
  fi
}

init { atomic { run Stream(); run Run(); run Journal(); run Canceller() } }

// Always.
#define mailbox_bounded (waiting <= MAILBOX)
#define unkept_bounded (taken - kept <= HIGH + 1 + MAILBOX)
#define log_first (published <= kept)
#define is_prefix (taken + waiting <= sent || state != open)
#define kept_whole (!journalled || (kept == ended_at && published == ended_at))
#ifndef ALWAYS
#define ALWAYS (mailbox_bounded && unkept_bounded && log_first && is_prefix && kept_whole)
#endif

// In the end.
#define all_text_comes (<> (state == stopped || (state == done && published == TEXT)))
#define ending_comes (<> journalled)
#ifndef FINALLY
#define FINALLY (all_text_comes && ending_comes)
#endif

ltl always { [] ALWAYS }
ltl finally { FINALLY }
