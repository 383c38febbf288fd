// A reader on one node, a run on another: pulls go over a link, batches come back in pieces, the link breaks and comes
// back, the run ends and its actor goes. What the link cannot give the journal gives.
//
// Proves I4 (the reader sees a prefix of the log, no gap and no duplicate, through any number of broken links), that it
// gets all of it, I8 for a link (what is under way is bounded by the window, what waits for it by one batch a reader), and
// that the two counters of a link never wait for each other for good.
// Stands for: core/link_peer (pieces, pump, ack, greeted), core/remote_source (put, on_link, on_batch, not_there,
// on_journal), actors/remote_reader and remote_run (pieces of a batch), core/event_tail.
// Leaves out: bytes (each piece is one event and counts one), who connects and greets, other readers, a run that moves to a
// third node, events that are no longer kept. Time: the pause between two looks at the journal is over when there is
// something to see; a link that breaks does so for both at once, and whatever is on it is lost.
//
// Must fail, with the promise that it breaks:
//   BUG_NO_WINDOW        window_held          pieces are sent as they come
//   BUG_ACK_TOO_RARE     whole_log_comes      the reader's node confirms less often than the window is full
//   BUG_COUNTS_ON        whole_log_comes      a new link goes on with the old one's counters
//   BUG_NUMBER_AGAIN     batches_whole        a question that is asked again keeps its number
//   BUG_NO_FALLBACK      whole_log_comes      with the link down nobody asks the journal
//   BUG_NO_ANSWER        whole_log_comes      a node that has not the run (any more) says nothing
//   BUG_PIECE_IS_BATCH   prefix_seen          the cursor moves as far as the batch says when its first piece is there

#ifdef LONG
#define EVENTS 7
#define FAULTS 3
#else
#define EVENTS 5
#define FAULTS 2
#endif
#define BATCH 3  // events_max of a pull
#define WINDOW 2 // link_window_bytes_max
#ifdef BUG_ACK_TOO_RARE
#define STEP (WINDOW + 1)
#else
#define STEP 1   // confirmed_step_bytes
#endif

mtype = { idle, at_node, in_line };     // where the reader's pull is
mtype = { pull, ack, piece, not_here }; // over the link

byte head = 0;             // events that are journalled, and published
bool run_gone = false;     // its actor, after the ending
bool up = true;
byte faults = FAULTS;      // links that may still break
byte got = 0;              // the reader's cursor
byte unconfirmed = 0;      // as the run's node counts
bool broken_batch = false, gap = false;

chan to_run = [4] of { mtype, byte, byte };           // number or sum, from
chan to_reader = [8] of { mtype, byte, byte, bool };  // number, index, last
chan line = [8] of { byte, byte, bool };              // pieces that wait for the window

proctype Writer() {
  do
  :: atomic { head < EVENTS -> head++ }
  :: atomic { head == EVENTS -> run_gone = true; break }
  od
}

// The link as such: both counters begin anew.
inline lose_link() {
  up = false;
  do :: to_run?_, _, _ :: empty(to_run) -> break od;
  do :: to_reader?_, _, _, _ :: empty(to_reader) -> break od;
  do :: line?_, _, _ :: empty(line) -> break od;
  asks = false
}

// -- the run's node: link_peer and the remote reader ---------------------------------------

#ifdef BUG_NO_WINDOW
#define has_room nfull(to_reader)
#else
#define has_room (unconfirmed < WINDOW)
#endif

bool asks = false; // a pull of the reader waits here
byte ask_from = 0, ask_number = 0;

proctype Owner() {
  byte n, from, to, confirmed = 0; mtype what; bool last;
end: do
  :: atomic { nempty(to_run) -> to_run?what, n, from;
     if
     :: what == pull -> asks = true; ask_number = n; ask_from = from
     :: what == ack ->
        if :: n > unconfirmed -> unconfirmed = 0 :: else -> unconfirmed = unconfirmed - n fi
     fi;
     n = 0; from = 0 }
  :: atomic { up && asks && run_gone && len(line) < 4 -> asks = false;
#ifndef BUG_NO_ANSWER
     to_reader!not_here(ask_number, 0, true)
#endif
     }
  :: atomic { up && asks && head > ask_from && len(line) < 4 -> asks = false;
     from = ask_from;
     to = (head < from + BATCH -> head : from + BATCH);
     do
     :: from < to -> line!ask_number(from, from + 1 == to); from++
     :: from == to -> break
     od;
     from = 0; to = 0 }
  :: atomic { up && nempty(line) && has_room && nfull(to_reader) ->
     line?n, from, last; unconfirmed++; to_reader!piece(n, from, last);
     n = 0; from = 0; last = false }
  od
}

// -- the reader's node: link_peer, the remote run and its reader ----------------------------

inline put() {
  if
  :: up && !elsewhere -> where = at_node;
#ifdef BUG_NUMBER_AGAIN
     number = 1;
#else
     if :: number == 0 -> last_number++; number = last_number :: else fi;
#endif
     to_run!pull(number, got)
  :: else ->
#ifdef BUG_NO_FALLBACK
     if :: elsewhere -> where = in_line :: else -> where = at_node fi
#else
     where = in_line
#endif
  fi
}

proctype Reader() {
  mtype where = idle, what;
  byte number = 0, last_number = 0, n, index;
  byte part_of = 0, part_from = 0, part_next = 0; // what has come of a batch
  byte received = 0;
  bool elsewhere = false, last;
  do
  // as slow as it likes
  :: atomic { where == idle && got < EVENTS -> put() }
  :: atomic { where == idle && got == EVENTS -> break }
  :: atomic { nempty(to_reader) -> to_reader?what, n, index, last;
     if
     :: what == not_here && where == at_node && n == number -> elsewhere = true; put()
     :: what == piece ->
        received++;
        if :: received >= STEP -> to_run!ack(received, 0); received = 0 :: else fi;
        if
        :: where == at_node && n == number ->
           if
           :: part_of == n -> if :: part_next != index -> broken_batch = true :: else fi
           :: else -> part_of = n; part_from = index
           fi;
           part_next = index + 1;
#ifdef BUG_PIECE_IS_BATCH
           got = index + 1;
#endif
           if
           :: last ->
              if :: part_from != got -> gap = true :: else fi;
              got = part_next; part_of = 0; where = idle
           :: else
           fi
        :: else // nobody asked, or not any more
        fi
     :: else
     fi;
     n = 0; index = 0; last = false }
  // the journal, when there is something to see
  :: atomic { where == in_line && head > got ->
     if
     :: got = (head < got + BATCH -> head : got + BATCH)
     :: got++ // it was asked before the last event was there
     fi;
     where = idle }
  :: atomic { where == in_line && up && !elsewhere -> put() } // the link is back
  :: atomic { up && faults > 0 -> faults--; lose_link();
     number = 0; elsewhere = false;
#ifndef BUG_COUNTS_ON
     unconfirmed = 0; received = 0;
#endif
     if :: where == at_node -> put() :: else fi }
  :: atomic { !up -> up = true; elsewhere = false }
  od
}

init {
  atomic {
    do :: faults > 0 -> faults-- :: break od; // no link has to break
    run Writer(); run Owner(); run Reader()
  }
}

// Always.
#define window_held (unconfirmed <= WINDOW && len(to_reader) <= WINDOW + 1)
#define waiting_bounded (len(line) <= 2 * BATCH)
#define batches_whole (!broken_batch)
#define prefix_seen (!gap && got <= head)
#ifndef ALWAYS
#define ALWAYS (window_held && waiting_bounded && batches_whole && prefix_seen)
#endif

// In the end.
#define whole_log_comes (<> (got == EVENTS))
#ifndef FINALLY
#define FINALLY whole_log_comes
#endif

ltl always { [] ALWAYS }
ltl finally { FINALLY }
