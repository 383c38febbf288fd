// One run on one node, and everybody who may end it: its model, its deadlines, two people who cancel it (one of them
// perhaps gracefully, either of them perhaps before the run is there), the supervisor when the run's actor dies, and the
// next start of the program when the process does.
//
// Proves I1 (one ending), I2 (what was answered holds), I3 (the socket is closed before the journal hears of it), that
// every cancel is answered, and that a cancelled run ends.
// Stands for: core/run_machine (cancel, end, settle, reply_for), core/roster (cancel_passed_on, down), actors/supervisor
// (route, stop, on_down), io/store_writer and store_pauses (finish_run, record_cancel, end_orphan, end_predecessors,
// intents).
// Leaves out: what is said (only that there is an ending), retries, tools, pauses, sessions, other nodes, users. Time: a
// timer may fire whenever it is set.
//
// Must fail, with the property that it breaks:
//   BUG_WRITES_AGAIN      one_ending           the journal ends a run that has ended
//   BUG_WISH_FORGOTTEN    accepted_holds       a run that let its model finish ends as completed after all
//   BUG_LOSS_FORGETS      accepted_holds       the supervisor does not remember which cancels it passed on
//   BUG_FLAG_IGNORED      kept_holds           the next start ends a run as failed though its cancel was kept
//   BUG_INTENT_LOST       intent_holds         a cancel that came before its run is not looked for
//   BUG_SOCKET_LATER      socket_first         the socket is closed when the ending is journalled
//   BUG_WAITERS_DROPPED   every_cancel_told    a cancel that came while the run was made is forgotten
//   BUG_NO_RETRY          cancelled_run_ends   an ending that the store refused is not offered again
// What is not promised; that it fails shows that the words in SEMANTICS.md are not too careful:
//   LIMIT_CRASH           accepted_holds       "accepted" without "durable" does not survive the process
//   LIMIT_NOT_DURABLE     already_holds        "already_ended" without "durable": a cancel kept meanwhile may still win

#ifdef LONG
#define FAULTS 3
#else
#define FAULTS 2
#endif
#define PEOPLE 2
#define NOBODY PEOPLE // asks for no answer

mtype = { nothing, open, completed, failed, cancelled };          // the run's row in the journal
mtype = { absent, creating, live, closed, lost };                 // its row in the roster
mtype = { queued, in_call, ended };                               // the run machine's phase
mtype = { immediate, graceful };
mtype = { silent, said_cancelled, said_accepted, said_already, said_intent };
mtype = { start, cancel, created, recorded, orphan_ended, last_word, down }; // to the supervisor
mtype = { begin, finished, refused };                             // to the run, besides cancel
mtype = { create, record, finish, end_orphan };                   // to the journal

mtype row = nothing;
bool flag = false;    // cancel_requested
bool intent = false;
byte endings = 0;
bool crashed = false;
byte faults = FAULTS; // that may still happen: an actor dies, the store refuses, the process ends

mtype answer[PEOPLE] = silent;
bool durable[PEOPLE] = false; // as the answer says
bool kept = false;            // a cancel was answered after the journal had it

mtype mode_of[PEOPLE] = immediate;
bool gone = false; // the run's actor
bool socket_open = false;
bool model_called = false;
bool told_journal_first = false;

chan sup = [6] of { mtype, byte, mtype };
chan run_high = [4] of { mtype, byte, mtype };
chan run_low = [2] of { mtype };
chan jrn_high = [2] of { mtype, byte, mtype };
chan jrn_low = [6] of { mtype, byte, mtype };

#define is_open (row == open)

inline tell(who, what, is_durable) {
  if
  :: who < PEOPLE && !crashed && answer[who] == silent ->
     answer[who] = what; durable[who] = is_durable
  :: else
  fi
}

inline end_row(how) {
#ifdef BUG_WRITES_AGAIN
  row = how; endings++
#else
  if :: is_open -> row = how; endings++ :: else fi
#endif
}

// -- journal: one message is one transaction ---------------------------------------------

inline take(what, who, how) {
  if
  :: what == create ->
     row = open;
#ifdef BUG_INTENT_LOST
     sup!created(0, nothing)
#else
     if
     :: intent -> flag = true; intent = false; sup!created(1, nothing)
     :: else -> sup!created(0, nothing)
     fi
#endif
  :: what == record ->
     if
     :: row == nothing -> intent = true; tell(who, said_intent, true)
     :: is_open -> flag = true; kept = kept || who < PEOPLE; tell(who, said_accepted, true)
     :: row == cancelled -> tell(who, said_cancelled, true)
     :: else -> tell(who, said_already, true)
     fi
  :: what == finish ->
     if
     :: is_open && faults > 0 -> faults--; run_high!refused(NOBODY, nothing)
     :: true ->
        if :: flag && is_open -> end_row(cancelled) :: else -> end_row(how) fi;
        run_high!finished(NOBODY, row)
     fi
  :: what == end_orphan ->
     if :: flag && is_open -> end_row(cancelled) :: else -> end_row(how) fi;
     sup!orphan_ended(0, nothing)
  fi
}

proctype Journal() {
  mtype what, how; byte who; bool over = false;
end: do
  :: atomic { !over && nempty(jrn_high) -> jrn_high?what, who, how; take(what, who, how) }
  :: atomic { !over && empty(jrn_high) && nempty(jrn_low) -> jrn_low?what, who, how; take(what, who, how) }
  :: atomic { !over && faults > 0 && is_open -> // the process dies; the next one cleans up before it does anything else
     faults = 0; crashed = true; over = true;
#ifdef BUG_FLAG_IGNORED
     end_row(failed)
#else
     if :: flag -> end_row(cancelled) :: else -> end_row(failed) fi
#endif
     }
  od
}

// -- run -------------------------------------------------------------------------------------

inline settle() {
  if
  :: journalled && waits[0] -> waits[0] = false;
     if :: decided == cancelled -> tell(0, said_cancelled, true) :: else -> tell(0, said_already, true) fi
  :: else
  fi;
  if
  :: journalled && waits[1] -> waits[1] = false;
     if :: decided == cancelled -> tell(1, said_cancelled, true) :: else -> tell(1, said_already, true) fi
  :: else
  fi
}

inline end_as(how) {
#ifndef BUG_SOCKET_LATER
  socket_open = false;
#endif
  phase = ended;
#ifdef BUG_WISH_FORGOTTEN
  decided = how;
#else
  if :: wish -> decided = cancelled :: else -> decided = how fi;
#endif
  if :: socket_open -> told_journal_first = true :: else fi;
  jrn_high!finish(NOBODY, decided)
}

// wait_ms is over: what is known is told.
inline answer_late(who) {
  waits[who] = false;
  if
  :: decided == nothing || decided == cancelled -> tell(who, said_accepted, false)
  :: else -> tell(who, said_already, false)
  fi
}

proctype Run() {
  mtype phase = queued, decided = nothing, what, how; byte who;
  bool wish = false, journalled = false, again = false, dies = false;
  bool waits[PEOPLE];
  do
  :: atomic { nempty(run_high) -> run_high?what, who, how;
     if
     :: what == cancel ->
        if :: who < PEOPLE -> waits[who] = true :: else fi;
        if
        :: phase == ended -> settle()
        :: phase == in_call && how == graceful -> wish = true
        :: else -> end_as(cancelled)
        fi
     :: what == finished -> decided = how; journalled = true; socket_open = false; settle()
     :: what == refused -> again = true
     fi;
     what = nothing; how = nothing; who = 0 }
  :: atomic { empty(run_high) && nempty(run_low) -> run_low?begin;
     if :: phase == queued -> phase = in_call; socket_open = true; model_called = true :: else fi }
  :: atomic { phase == in_call -> end_as(completed) }
  :: atomic { phase == in_call -> end_as(failed) }         // the provider, or a deadline
  :: atomic { wish && phase == in_call -> end_as(cancelled) } // grace_ms is over
#ifndef BUG_NO_RETRY
  :: atomic { again -> again = false; jrn_high!finish(NOBODY, decided) }
#endif
  :: atomic { waits[0] && !journalled && (wish || phase == ended) -> answer_late(0) }
  :: atomic { waits[1] && !journalled && (wish || phase == ended) -> answer_late(1) }
  :: atomic { journalled -> sup!last_word(0, nothing); break }
  :: atomic { faults > 0 -> faults--; break }
  od;
  // The actor is gone: its socket with it, and whoever waits for its answer hears of that.
  atomic {
    socket_open = false;
    if :: waits[0] -> sup!cancel(0, mode_of[0]) :: else fi;
    if :: waits[1] -> sup!cancel(1, mode_of[1]) :: else fi;
    do
    :: nempty(run_high) -> run_high?what, who, how;
       if :: what == cancel && who < PEOPLE -> sup!cancel(who, how) :: else fi
    :: empty(run_high) -> break
    od;
    do :: nempty(run_low) -> run_low?begin :: empty(run_low) -> break od;
    sup!down(0, nothing);
    gone = true
  }
}

// -- supervisor ----------------------------------------------------------------------------

inline to_run(who, how) {
#ifndef BUG_LOSS_FORGETS
  wanted = true;
#endif
  if :: how == graceful -> jrn_low!record(NOBODY, nothing) :: else fi;
  if
  :: !gone -> run_high!cancel(who, how)
  :: else -> sup!cancel(who, how) // it bounces: asked again when more is known
  fi
}

inline route(who, how) {
  if
  :: state == absent || state == closed -> jrn_low!record(who, nothing)
  :: state == live -> to_run(who, how)
  :: else ->
#ifndef BUG_WAITERS_DROPPED
     parked[who] = true
#endif
  fi
}

inline wake() {
  if :: parked[0] -> parked[0] = false; route(0, mode_of[0]) :: else fi;
  if :: parked[1] -> parked[1] = false; route(1, mode_of[1]) :: else fi
}

proctype Supervisor() {
  mtype state = absent, what, how; byte who; bool wanted = false;
  bool parked[PEOPLE];
end: do
  :: atomic { sup?what, who, how;
     if
     :: what == start -> state = creating; jrn_low!create(0, nothing)
     :: what == created -> state = live; run Run();
        if :: who == 1 -> wanted = true; run_high!cancel(NOBODY, immediate) :: else fi;
        wake();
        if :: !wanted -> run_low!begin :: else fi
     :: what == cancel -> route(who, how)
     :: what == last_word -> state = closed
     :: what == down ->
        if
        :: state == closed -> state = absent; wake()
        :: else -> state = lost;
           if :: wanted -> jrn_low!end_orphan(0, cancelled) :: else -> jrn_low!end_orphan(0, failed) fi
        fi
     :: what == orphan_ended -> state = absent; wake()
     fi;
     what = nothing; how = nothing; who = 0 }
  od
}

// -- people ----------------------------------------------------------------------------------

proctype Person(byte me) { sup!cancel(me, mode_of[me]) }
proctype Starter() { sup!start(0, nothing) }

init {
  atomic {
    if :: mode_of[1] = graceful :: true fi;
    do :: faults > 0 -> faults-- :: break od; // no fault has to happen
    run Journal(); run Supervisor(); run Starter(); run Person(0); run Person(1)
  }
}

#define is_over (row == completed || row == failed || row == cancelled)
#define told_accepted (answer[0] == said_accepted || answer[1] == said_accepted)
#define told_cancelled (answer[0] == said_cancelled || answer[1] == said_cancelled)
#define told_intent (answer[0] == said_intent || answer[1] == said_intent)
#define told_already_for_good ((answer[0] == said_already && durable[0]) || (answer[1] == said_already && durable[1]))
#define told_already (answer[0] == said_already || answer[1] == said_already)
#define all_told (answer[0] != silent && answer[1] != silent)

// Always.
#define one_ending (endings <= 1)
#define cancelled_holds (!told_cancelled || row == cancelled)
#define socket_first (!told_journal_first)
#ifdef LIMIT_NOT_DURABLE
#define already_holds (!told_already || row != cancelled)
#else
#define already_holds (!told_already_for_good || row == completed || row == failed)
#endif
#define intent_holds (!(told_intent && model_called))
#ifndef ALWAYS
#define ALWAYS (one_ending && cancelled_holds && socket_first && already_holds && intent_holds)
#endif

// In the end.
#ifdef LIMIT_CRASH
#define accepted_holds ([] (told_accepted -> <> (row == cancelled)))
#else
#define accepted_holds ([] (told_accepted -> <> (row == cancelled || crashed)))
#endif
#define kept_holds ([] (kept || (flag && !is_over) -> <> (row == cancelled)))
#define every_cancel_told (<> (all_told || crashed))
#define cancelled_run_ends (<> is_over)
#ifndef FINALLY
#define FINALLY (accepted_holds && kept_holds && every_cancel_told && cancelled_run_ends)
#endif

ltl always { [] ALWAYS }
ltl finally { FINALLY }
