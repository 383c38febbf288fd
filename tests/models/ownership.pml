// One run in a database that two nodes share. Nodes lose their leases, stop for a while like a process that is not
// scheduled, are killed, drain; their actors die and the database's answers get lost; meanwhile somebody cancels the run at
// any node.
//
// Proves that a run has one ending (I1) and nothing after it, that a write whose writer does not know the row's epoch
// changes nothing (fencing), that without a stopped process no two nodes work at it at once, that an accepted cancel is how
// it ends whoever ends it (I2), that a restart is only of a run that said nothing, and that the run ends in any case (I10).
// Stands for: core/membership (fence, looked, given_back), io/postgres_members (enter, claim, release), postgres_reaper,
// store_writer (owner and epoch of each write, end_as), actors/supervisor_cluster.
// Leaves out: what is said (a piece from each that works at it), sessions, pauses for a person, children, the links but for
// one hint that may be lost, and the database's own failures: a question to it is answered, or its answer is lost. An epoch
// is modelled by what it is compared for: does the actor know the row's. Time: a lease is fresh, late (its node must have
// stopped) or over. Node 0 may be killed for good; node 1 comes back from whatever happens to it.
//
// Must fail, with the property that it breaks:
//   BUG_NO_FENCE          no_stale_write       writes do not look at owner and epoch
//   BUG_WRITES_AGAIN      one_ending           nor at whether the run is over
//   BUG_NO_SELF_FENCE     alone                a node goes on until it hears that it was found dead
//   BUG_NO_RECONCILE      ends                 a node does not compare its rows with its actors
//   BUG_FINDER_ENDS       ends                 only who found a node dead ends its runs
//   BUG_REAPER_FORGETS    accepted_holds       a lost node's run fails though its cancel was accepted
//   BUG_LINK_ONLY         accepted_holds       a cancel is sent to the owner and not kept
//   BUG_SPEAKS_TWICE      said_by_one          a run is restarted though it had said something
//   BUG_NO_LIMIT          restarts_bounded     a run is restarted as often as nodes are lost

#ifdef LONG
#define FAULTS 3
#else
#define FAULTS 2
#endif
#define RESTARTS 1
#define NODES 2
#define LIVES (NODES + FAULTS) // incarnations: a node that comes back is another one

mtype = { queued, running, completed, failed, cancelled };
mtype = { fresh, late, over };

// the run's row
mtype state = queued;
byte owner = 0;
bool flag = false;
byte restarts = 0;
bool may_restart = false; // on_node_loss
bool said = false;

// the table of nodes
byte lives = NODES;
bool up[LIVES + 1];
mtype lease[LIVES + 1] = fresh;
bool overdue = false; // some lease is over and its node not found dead

// the nodes
byte self[NODES];
bool current[NODES]; // the epoch that its actor knows is the row's
bool spoke[NODES];
bool works[NODES];  // its run's actor has begun
bool stopped[NODES];
bool has_actor[NODES];
bool wanted[NODES]; // its actor knows of the cancel

byte faults = FAULTS; // that may still happen
bool may_drain = false, has_stopped = false;
bool accepted = false;

byte endings = 0;
bool after_ending = false, stale_write = false, two_speakers = false;

#define is_over (state == completed || state == failed || state == cancelled)
#define is_held(id) (self[0] == id || self[1] == id)
#define is_stopped(id) ((self[0] == id && stopped[0]) || (self[1] == id && stopped[1]))
#define overdue_now(id) (up[id] && may_be_over(id))
#ifdef BUG_NO_SELF_FENCE
#define may_be_over(id) (lease[id] == late)
#else
#define may_be_over(id) (lease[id] == late && (!is_held(id) || is_stopped(id)))
#endif

// The epoch is counted up: no actor knows it.
inline count_up() { current[0] = false; current[1] = false }

inline logged() { if :: endings > 0 -> after_ending = true :: else fi }
inline logged_by(me) { logged(); if :: current[me] :: else -> stale_write = true fi }

inline end_row(how) {
  logged();
  if :: flag -> state = cancelled :: else -> state = how fi;
  endings++
}

// Whoever ends a run in its owner's place counts the epoch up: the old owner can change nothing any more.
inline end_in_place(how) {
  count_up();
#ifdef BUG_REAPER_FORGETS
  logged(); state = how; endings++
#else
  end_row(how)
#endif
}

#ifdef BUG_WRITES_AGAIN
#define may_write(me) true
#else
#ifdef BUG_NO_FENCE
#define may_write(me) (!is_over)
#else
#define may_write(me) (!is_over && owner == self[me] && current[me])
#endif
#endif

inline forget() { has_actor[me] = false; works[me] = false; spoke[me] = false; wanted[me] = false }
inline bury(id) { up[id] = false; lease[id] = fresh }

#ifdef BUG_FINDER_ENDS
#define sees_to(dead) (found == dead)
#else
#define sees_to(dead) true
#endif

proctype Node(byte me) {
  byte former = 0, i = 0;
#ifdef BUG_FINDER_ENDS
  byte found = 0;
#endif
  bool drains = false;
  do
  // enter: the database issues a number, and buries the life before, if it still had a lease
  :: atomic { !stopped[me] && self[me] == 0 && !is_over && lives < LIVES ->
     if :: up[former] -> bury(former) :: else fi;
     lives++; self[me] = lives; up[lives] = true; former = 0 }
  // its lease could not be renewed in time, or it was found dead
#ifdef BUG_NO_SELF_FENCE
  :: atomic { !stopped[me] && self[me] != 0 && !up[self[me]] -> former = self[me]; self[me] = 0; forget() }
#else
  :: atomic { !stopped[me] && self[me] != 0 && (lease[self[me]] != fresh || !up[self[me]]) ->
     former = self[me]; self[me] = 0; forget() }
#endif
  // claim; the answer may be lost
  :: atomic { !stopped[me] && !drains && self[me] != 0 && !has_actor[me] && state == queued && owner == 0 &&
     up[self[me]] && lease[self[me]] != over ->
     owner = self[me]; count_up();
     if
     :: has_actor[me] = true; current[me] = true
     :: faults > 0 -> faults--
     fi }
  // begin
  :: atomic { !stopped[me] && has_actor[me] && !drains && !works[me] && !wanted[me] ->
     if
     :: may_write(me) -> logged_by(me); works[me] = true;
        if :: state == queued -> state = running :: else fi
     :: else -> forget()
     fi }
  // a piece of text
  :: atomic { !stopped[me] && works[me] && !spoke[me] ->
     if
     :: may_write(me) -> logged_by(me); spoke[me] = true;
        if :: said -> two_speakers = true :: else -> said = true fi
     :: else -> forget()
     fi }
  // its own ending, or that of a cancel
  :: atomic { !stopped[me] && (works[me] || (has_actor[me] && wanted[me])) ->
     if
     :: may_write(me) -> logged_by(me);
        if :: wanted[me] -> end_row(cancelled) :: else -> end_row(completed) fi
     :: else
     fi;
     forget() }
  // a cancel that comes with the renewal
  :: atomic { !stopped[me] && has_actor[me] && !wanted[me] && flag && owner == self[me] && up[self[me]] ->
     wanted[me] = true }
  // the actor dies
  :: atomic { !stopped[me] && has_actor[me] && faults > 0 -> faults--; forget() }
  // a drain hands over what has not begun
  :: atomic { !stopped[me] && me == 0 && may_drain && !drains && has_actor[me] && !works[me] && !flag && state == queued &&
     owner == self[me] && current[me] -> drains = true; owner = 0; count_up() }
  :: atomic { !stopped[me] && drains && has_actor[me] && !current[me] -> forget() }
#ifndef BUG_NO_RECONCILE
  // a row of this node's without an actor is given back, or ended
  :: atomic { !stopped[me] && self[me] != 0 && !has_actor[me] && !is_over && owner == self[me] ->
     if
     :: state == queued && !flag -> owner = 0; count_up()
     :: else -> end_in_place(failed)
     fi }
#endif
  // whose lease is over is dead; whose owner is dead ends, or begins anew
  :: atomic { !stopped[me] && self[me] != 0 && overdue -> overdue = false;
     for (i : 1 .. lives) {
       if
       :: up[i] && lease[i] == over -> bury(i);
#ifdef BUG_FINDER_ENDS
          found = i
#endif
       :: else
       fi
     }
     i = 0 }
  :: atomic { !stopped[me] && self[me] != 0 && !is_over && owner != 0 && !up[owner] && sees_to(owner) ->
     if
#ifdef BUG_SPEAKS_TWICE
     :: may_restart && restarts < RESTARTS && !flag ->
#else
#ifdef BUG_NO_LIMIT
     :: may_restart && !said && !flag ->
#else
     :: may_restart && restarts < RESTARTS && !said && !flag ->
#endif
#endif
        count_up(); restarts++; owner = 0; state = queued
     :: else -> end_in_place(failed)
     fi }
  :: atomic { !stopped[me] && is_over && !has_actor[me] -> break }
  od
}

#ifdef LONG
#define some_overdue (overdue_now(1) || overdue_now(2) || overdue_now(3) || overdue_now(4) || overdue_now(5))
#else
#define some_overdue (overdue_now(1) || overdue_now(2) || overdue_now(3) || overdue_now(4))
#endif

proctype Time() {
  byte i;
end: do
  :: atomic { faults > 0 && self[0] != 0 && !stopped[0] && lease[self[0]] == fresh -> faults--; lease[self[0]] = late }
  :: atomic { faults > 0 && self[1] != 0 && !stopped[1] && lease[self[1]] == fresh -> faults--; lease[self[1]] = late }
  // Nobody renews for a process that is stopped.
  :: atomic { self[0] != 0 && stopped[0] && lease[self[0]] == fresh -> lease[self[0]] = late }
  :: atomic { self[1] != 0 && stopped[1] && lease[self[1]] == fresh -> lease[self[1]] = late }
  // A node that is not stopped has stopped its runs before its lease is over.
  :: atomic { some_overdue ->
     for (i : 1 .. lives) {
       if :: up[i] && may_be_over(i) -> lease[i] = over; overdue = true :: else fi
     }
     i = 0 }
  od
}

proctype Stops() {
  byte who = 0;
  do
  :: atomic { faults > 0 && !is_over -> faults--; if :: who = 0 :: who = 1 fi; stopped[who] = true; has_stopped = true }
     if
     :: stopped[who] = false
     :: who == 0 -> break // killed
     fi
  :: else -> break
  od
}

// POST …/cancel at any node: kept in the database, and sent to whoever has the run.
proctype Canceller() {
  atomic {
    if
    :: is_over -> skip
    :: else ->
       accepted = true;
#ifndef BUG_LINK_ONLY
       flag = true;
#endif
       if
       :: state == queued && owner == 0 -> end_in_place(cancelled)
       :: else ->
          if
          :: wanted[0] = has_actor[0]; wanted[1] = has_actor[1]
          :: true // or the hint is lost
          fi
       fi
    fi
  }
}

init {
  atomic {
    if :: may_restart = true :: true fi;
    if :: may_drain = true :: true fi;
    // No fault has to happen.
    do :: faults > 0 -> faults-- :: break od;
    self[0] = 1; self[1] = 2; up[1] = true; up[2] = true;
    run Node(0); run Node(1); run Time(); run Stops(); run Canceller()
  }
}

// Always.
#define one_ending (endings <= 1)
#define nothing_after (!after_ending)
#define no_stale_write (!stale_write)
#define alone (has_stopped || !(works[0] && works[1]))
#define said_by_one (!two_speakers)
#define restarts_bounded (restarts <= RESTARTS)
#ifndef ALWAYS
#define ALWAYS (one_ending && nothing_after && no_stale_write && alone && said_by_one && restarts_bounded)
#endif

// In the end.
#define accepted_holds ([] (accepted -> <> (state == cancelled)))
#define ends (<> is_over)
#ifndef FINALLY
#define FINALLY (accepted_holds && ends)
#endif

ltl always { [] ALWAYS }
ltl finally { FINALLY }
