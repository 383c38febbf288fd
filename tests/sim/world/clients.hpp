// Whoever uses the nodes from outside: people who start, cancel and continue runs, and readers, quick, slow and vanishing.
// What they asked and were told is kept, for the promises to be checked against. A client whose node dies hears nothing
// more of it; a reader goes to another node and reads on from where it was.
#pragma once

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "books.hpp"
#include "engine.hpp"
#include "machine.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::sim {

/// One question of a client, and its answer.
struct operation {
  std::string run;
  std::string what;
  int node = 0;
  int life = 0;
  std::int64_t asked_ms = 0;
  std::int64_t answered_ms = -1;
  bool lost = false;  ///< its node died before it answered
  std::string error;  ///< the answer was an error: nothing is known
  std::optional<start_reply> started;
  std::optional<cancel_reply> cancelled;
  std::optional<drain_reply> drained;
  run_request request;        ///< of a start
  bool forced = false;        ///< of a cancel: immediate
  bool was_at_work = false;   ///< of a cancel: the run called its model then, and its node was asked
  std::uint64_t wait_ms = 0;  ///< of a cancel
  incarnation_no owner = 0;   ///< of a cancel: the run's when it was answered
  std::function<void()> on_answer;

  bool answered() const { return answered_ms >= 0; }
};

/// What one reader has seen, over all its connections.
struct reading {
  int number = 0;
  std::string run;
  int node = 0;
  int life = -1;  ///< of the node that it is connected to; -1: none
  int visits = 0;
  std::vector<event_ptr> events;
  bool ended = false;
  bool paused = false;
  bool vanished = false;
  std::string lost;
  std::uint64_t slow_ms = 0;
  caf::actor actor;

  bool is_over() const { return ended || vanished; }
};

class clients {
 public:
  clients(chance& luck, engine& all, run_books& books) : luck_{luck}, all_{all}, books_{books} {}

  operation& start(machine& node, run_request request);
  operation& cancel(machine& node, cancel_request request);
  operation& go_on(machine& node, continue_run request);
  operation& drain(machine& node, drain_node request);

  reading& read(machine& node, const std::string& run, std::uint64_t slow_ms);
  void connect(reading& who, machine& node);
  void vanish(reading& who);

  /// The connections to this life are broken.
  void lost(int life);

  std::deque<operation>& history() { return history_; }
  std::deque<reading>& readers() { return readers_; }
  std::size_t waiting() const;
  void forget_all();

 private:
  template <class Reply, class Question>
  operation& ask(machine& node, operation first, const Question& question, std::optional<Reply> operation::*where);

  chance& luck_;
  engine& all_;
  run_books& books_;
  std::deque<operation> history_;
  std::deque<reading> readers_;
};

/// An answer in a few words.
std::string words_of(const operation& what);

}  // namespace oncue::sim
