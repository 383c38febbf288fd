// A run that calls an agent, which calls another one: a chain of runs, each the child of the one before. The first is
// cancelled at any moment, also while a child is being made; actors die; the models may be silent for ever.
//
// Proves I12 (who cancels a run cancels its children, also those that are being made at that moment), that a run whose
// actor died does not leave its children behind, that a run says its last word only when its child is over (unless it
// waited too long), that a run that has ended starts nothing, and I1 for all of them.
// Stands for: core/run_machine_tools (start_child, stop_tools_and_children, child_said, child_stopped, child_lost),
// run_machine_log (end, settle, abandon_what_is_open), actors/run (cancel_child is not urgent), actors/supervisor (start,
// created, route, on_down, stop_children_of), core/roster.
// Leaves out: other tools, more than one child of a run, sessions and places (a child waits for neither), what children say
// but for their ending, a node that is lost with all of them. Time: grace may be over whenever somebody waits.
//
// Must fail, with the promise that it breaks:
//   BUG_STOPS_NO_CHILD        all_end             a run that is cancelled leaves its child alone
//   BUG_CREATING_FORGOTTEN    all_end             a cancel for a child that is being made is dropped
//   BUG_LOSS_LEAVES_CHILDREN  all_end             a run whose actor died has no children, as far as the supervisor knows
//   BUG_LOSS_ONLY_LIVE        all_end             it has only those that were made already
//   BUG_CANCEL_OVERTAKES      closed_after_child  a child's cancel is urgent, and comes before its start
//   BUG_STARTS_AFTER_END      nothing_started     what the model said last counts after the ending
//   BUG_CLOSES_EARLY          closed_after_child  a run says its last word when its own ending is kept

#define FAULTS 1
#ifdef LONG
#define RUNS 3
#else
#define RUNS 2
#endif

mtype = { nothing, open, completed, failed, cancelled };         // a run's row in the journal
mtype = { absent, creating, live, closed, lost };                // its row in the roster
mtype = { queued, in_call, tools, ended };                       // its phase
mtype = { start, cancel, created, orphan_ended, last_word, down }; // to the supervisor
mtype = { begin, child_over, child_answered, child_unanswered };   // to a run

mtype row[RUNS] = nothing;
mtype sup_state[RUNS] = absent;
bool wanted[RUNS], parked[RUNS], parked_stop[RUNS];
bool intent[RUNS];
byte faults = FAULTS; // that may still happen
bool silent = false;  // the models say nothing by themselves but that they want an agent
bool gone[RUNS];      // the run's actor has been, and is no more
bool excused[RUNS];   // it died, or waited too long for its child
bool two_endings = false, left_behind = false, started_late = false;

chan sup = [8] of { mtype, byte, bool };
chan sup_urgent = [2] of { byte };
chan urgent[RUNS] = [3] of { bool };  // cancels; is the parent waiting for the answer
chan plain[RUNS] = [4] of { mtype };
chan jrn = [6] of { mtype, byte, mtype };
bool kept[RUNS]; // the run was told that its ending is journalled

mtype = { create, record, finish, end_orphan };

inline to_parent(who, what) {
  if :: who > 0 && !gone[who - 1] -> plain[who - 1]!what :: else fi
}

// -- journal ---------------------------------------------------------------------------

inline end_row(who, how) {
  if
  :: row[who] == open -> row[who] = how; to_parent(who, child_over) // it reads its child's log
  :: else
  fi
}

proctype Journal() {
  mtype what, how; byte who;
end: do
  :: atomic { jrn?what, who, how;
     if
     :: what == create ->
        if :: row[who] != nothing -> two_endings = true :: else fi;
        row[who] = open; sup!created(who, intent[who]); intent[who] = false
     :: what == record ->
        if
        :: row[who] == nothing -> intent[who] = true; to_parent(who, child_unanswered)
        :: row[who] == open -> to_parent(who, child_unanswered)
        :: else -> to_parent(who, child_answered)
        fi
     :: what == finish ->
        if :: row[who] != open -> two_endings = two_endings || !gone[who] :: else fi;
        end_row(who, how); kept[who] = true
     :: what == end_orphan -> end_row(who, how); sup!orphan_ended(who, false)
     fi;
     what = nothing; how = nothing; who = 0 }
  od
}

// -- run -------------------------------------------------------------------------------------

inline end_as(how) {
  phase = ended;
#ifndef BUG_STOPS_NO_CHILD
  if
  :: has_child ->
#ifdef BUG_CANCEL_OVERTAKES
     sup_urgent!me + 1
#else
     sup!cancel(me + 1, true)
#endif
  :: else
  fi;
#endif
  jrn!finish(me, how)
}

#ifdef BUG_CLOSES_EARLY
#define may_close (phase == ended && kept[me])
#else
#define may_close (phase == ended && kept[me] && !has_child)
#endif

#ifdef BUG_STARTS_AFTER_END
#define may_start (phase == in_call || phase == ended)
#else
#define may_start (phase == in_call)
#endif

proctype Run(byte me) {
  mtype phase = queued, what;
  bool has_child = false, asked = false, waits = false, is_asked;
  do
  :: atomic { nempty(urgent[me]) -> urgent[me]?is_asked;
     if :: is_asked -> waits = true :: else fi;
     if :: phase != ended -> end_as(cancelled) :: else fi;
     is_asked = false }
  :: atomic { empty(urgent[me]) && nempty(plain[me]) -> plain[me]?what;
     if
     :: what == begin -> if :: phase == queued -> phase = in_call :: else fi
     :: what == child_over || what == child_answered || what == child_unanswered ->
        has_child = false;
        if :: phase == tools -> phase = in_call :: else fi
     fi;
     what = nothing }
  // the model calls an agent
  :: atomic { may_start && me < RUNS - 1 && !asked ->
     if :: phase == ended -> started_late = true :: else -> phase = tools fi;
     asked = true; has_child = true; sup!start(me + 1, false) }
  :: atomic { phase == in_call && !silent -> end_as(completed) }
  :: atomic { (phase == in_call || phase == tools) && !silent -> end_as(failed) } // a deadline
  // the time of a grace is over
  :: atomic { phase == ended && has_child -> has_child = false; excused[me] = true }
  :: atomic { waits && phase == ended && kept[me] && !has_child -> waits = false; to_parent(me, child_answered) }
  :: atomic { may_close && !waits ->
     if
     :: asked && !excused[me] && (row[me + 1] == open || sup_state[me + 1] == creating) -> left_behind = true
     :: else
     fi;
     sup!last_word(me, false); break }
  :: atomic { faults > 0 -> faults--; excused[me] = true; break }
  od;
  atomic {
    gone[me] = true;
    // Whoever waits for its answer hears that it is gone.
    if :: waits -> sup!cancel(me, true) :: else fi;
    do
    :: nempty(urgent[me]) -> urgent[me]?is_asked; if :: is_asked -> sup!cancel(me, true) :: else fi
    :: empty(urgent[me]) -> break
    od;
    do :: nempty(plain[me]) -> plain[me]?what :: empty(plain[me]) -> break od;
    sup!down(me, false)
  }
}

// -- supervisor ----------------------------------------------------------------------------

inline to_run(who, is_asked) {
  wanted[who] = true;
  if
  :: !gone[who] -> urgent[who]!is_asked
  :: gone[who] && is_asked -> sup!cancel(who, true) // it bounces: asked again when more is known
  :: else
  fi
}

inline route(who) {
  if
  :: sup_state[who] == absent || sup_state[who] == closed -> jrn!record(who, nothing)
  :: sup_state[who] == live -> to_run(who, true)
  :: else ->
#ifndef BUG_CREATING_FORGOTTEN
     parked[who] = true
#endif
  fi
}

inline wake(who) {
  if :: parked_stop[who] -> parked_stop[who] = false; if :: sup_state[who] == live -> to_run(who, false) :: else fi
  :: else fi;
  if :: parked[who] -> parked[who] = false; route(who) :: else fi
}

inline stop_child_of(who) {
#ifdef BUG_LOSS_LEAVES_CHILDREN
  skip
#else
  if
  :: who < RUNS - 1 && sup_state[who + 1] == live -> to_run(who + 1, false)
#ifndef BUG_LOSS_ONLY_LIVE
  :: who < RUNS - 1 && sup_state[who + 1] == creating -> parked_stop[who + 1] = true
#endif
  :: else
  fi
#endif
}

proctype Supervisor() {
  mtype what; byte who; bool with;
end: do
#ifdef BUG_CANCEL_OVERTAKES
  :: atomic { nempty(sup_urgent) -> sup_urgent?who; route(who); who = 0 }
#endif
  :: atomic { empty(sup_urgent) && nempty(sup) -> sup?what, who, with;
     if
     :: what == start ->
        if :: who > 0 && gone[who - 1] && !excused[who - 1] -> left_behind = true :: else fi;
        sup_state[who] = creating; jrn!create(who, nothing)
     :: what == created -> sup_state[who] = live; run Run(who);
        if :: with -> to_run(who, false) :: else fi;
        wake(who);
        if :: !wanted[who] -> plain[who]!begin :: else fi
     :: what == cancel -> route(who)
     :: what == last_word -> sup_state[who] = closed
     :: what == down ->
        if
        :: sup_state[who] == closed -> sup_state[who] = absent; wake(who)
        :: else -> sup_state[who] = lost;
           stop_child_of(who);
           if :: wanted[who] -> jrn!end_orphan(who, cancelled) :: else -> jrn!end_orphan(who, failed) fi
        fi
     :: what == orphan_ended -> sup_state[who] = absent; wake(who)
     fi;
     what = nothing; who = 0; with = false }
  od
}

proctype Person() { sup!cancel(0, true) }

init {
  atomic {
    if :: silent = true :: true fi;
    do :: faults > 0 -> faults-- :: break od; // no fault has to happen
    sup!start(0, false);
    run Journal(); run Supervisor(); run Person()
  }
}

// Always.
#define one_ending (!two_endings)
#define closed_after_child (!left_behind)
#define nothing_started (!started_late)
#ifndef ALWAYS
#define ALWAYS (one_ending && closed_after_child && nothing_started)
#endif

// In the end.
#define LAST (RUNS - 1)
#define none_open (row[0] != open && row[1] != open && row[LAST] != open)
#define none_held (sup_state[0] == absent && sup_state[1] == absent && sup_state[LAST] == absent)
#define all_end (<> [] (none_open && none_held))
#ifndef FINALLY
#define FINALLY all_end
#endif

ltl always { [] ALWAYS }
ltl finally { FINALLY }
