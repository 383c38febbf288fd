#include "clients.hpp"

#include <algorithm>
#include <caf/typed_event_based_actor.hpp>

#include "oncue/actors/subscription.hpp"
#include "support/promises.hpp"

namespace oncue::sim {

namespace {

/// Reads for as long as its node is there. Checks what each batch can break.
class visit_state {
 public:
  static constexpr const char* name = "reader";

  visit_state(subscriber_actor::pointer self, const supervisor_actor& supervisor, reading* who, chance* luck,
              run_books* books)
      : self_{self},
        events_{self, supervisor, {who->run}, who->events.size()},
        who_{*who},
        visit_{who->visits},
        luck_{*luck},
        books_{*books} {}

  subscriber_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) { events_.on_down(down); });
    self_->run_delayed(std::chrono::milliseconds{0}, [this] { look(); });
    events_.open();
    return {[this](event_batch& batch) {
      if (who_.visits != visit_) return self_->quit();
      check_size(batch);
      for (auto& event : events_.take(batch)) take(std::move(event));
      look();
      if (events_.state() != actors::subscription_state::reading) return;
      if (who_.slow_ms == 0) return events_.pull();
      self_->run_delayed(luck_.span(0, who_.slow_ms), [this] { events_.pull(); });
    }};
  }

 private:
  void check_size(const event_batch& batch) {
    auto broken = test::bounded_batch(batch.events, core::limits::pull_events_max, core::limits::pull_bytes_max);
    if (!broken.empty()) luck_.broken(who_.run, "I8: " + broken);
  }

  void take(event_ptr event) {
    if (event->index != who_.events.size()) {
      luck_.broken(who_.run, "I4: a reader saw index " + std::to_string(event->index) + " after " +
                                 std::to_string(who_.events.size()) + " events");
    }
    const auto* run = books_.find({who_.run});
    auto broken = test::logged_first(event->index, run ? run->durable_next : 0);
    if (!broken.empty()) luck_.broken(who_.run, "I5: " + broken);
    luck_.note(event->index);
    who_.events.push_back(std::move(event));
  }

  void look() {
    using enum actors::subscription_state;
    if (events_.state() == reading) return;
    who_.ended = events_.state() == ended;
    who_.paused = events_.state() == paused;
    who_.lost = events_.why();
    who_.life = -1;
    luck_.tell(who_.run, "reader " + std::to_string(who_.number) + " of node-" + std::to_string(who_.node) + " is at " +
                             std::to_string(who_.events.size()) +
                             (who_.ended    ? ", the end"
                              : who_.paused ? ", a pause"
                                            : ", lost: " + who_.lost));
    self_->quit();
  }

  subscriber_actor::pointer self_;
  actors::subscription<subscriber_actor::base> events_;
  reading& who_;
  int visit_;
  chance& luck_;
  run_books& books_;
};

}  // namespace

std::string words_of(const operation& what) {
  if (what.lost) return "lost with its node";
  if (!what.answered()) return "not answered";
  if (!what.error.empty()) return "error: " + what.error;
  if (what.started) {
    if (what.started->refused) return "refused: " + std::string{to_string(what.started->refused->code)};
    return what.started->existing ? "existing " + what.started->run.value : "started";
  }
  if (what.cancelled) {
    auto words = std::string{to_string(what.cancelled->outcome)};
    if (what.cancelled->status) words += " " + std::string{to_string(*what.cancelled->status)};
    return words + (what.cancelled->durable ? ", durable" : "");
  }
  if (what.drained) return "drained, " + std::to_string(what.drained->left.size()) + " left";
  return "?";
}

template <class Reply, class Question>
operation& clients::ask(machine& node, operation first, const Question& question, std::optional<Reply> operation::*where) {
  auto& what = history_.emplace_back(std::move(first));
  what.node = node.index();
  what.life = node.life();
  what.asked_ms = luck_.now_ms();
  luck_.tell(what.run, "node-" + std::to_string(what.node) + " is asked to " + what.what);
  auto supervisor = node.supervisor();
  all_.inside(outside, [&] {
    all_.system().spawn([=, this, at = &what](caf::event_based_actor* self) {
      auto heard = [=, this] {
        if (at->lost) return false;
        at->answered_ms = luck_.now_ms();
        if (const auto* run = books_.find({at->run})) at->owner = run->owner;
        return true;
      };
      self->request(supervisor, caf::infinite, question)
          .then(
              [=, this](Reply& reply) {
                if (!heard()) return;
                at->*where = std::move(reply);
                if (at->on_answer) at->on_answer();
                luck_.tell(at->run, "node-" + std::to_string(at->node) + " answers " + at->what + ": " + words_of(*at));
              },
              [=, this](const caf::error& error) {
                if (!heard()) return;
                at->error = to_string(error);
                luck_.tell(at->run, "node-" + std::to_string(at->node) + " answers " + at->what + ": " + words_of(*at));
              });
    });
  });
  return what;
}

operation& clients::start(machine& node, run_request request) {
  operation first;
  first.run = request.id.value;
  first.what = "start";
  first.request = request;
  books_.meets("start again", request.id);
  return ask(node, std::move(first), request, &operation::started);
}

operation& clients::cancel(machine& node, cancel_request request) {
  operation first;
  first.run = request.run.value;
  first.what = "cancel";
  first.forced = request.mode == cancel_mode::immediate;
  first.wait_ms = request.wait_ms;
  if (const auto* run = books_.find(request.run)) {
    auto is_here = books_.life_of_owner(*run) == node.life();
    first.was_at_work = is_here && run->at_work;
    auto event = std::string{is_here ? "cancel" : "cancel elsewhere"};
    books_.meets(first.forced ? event : "graceful cancel", request.run);
  }
  return ask(node, std::move(first), request, &operation::cancelled);
}

operation& clients::go_on(machine& node, continue_run request) {
  operation first;
  first.run = request.run.value;
  first.what = "continue";
  books_.meets("continue", request.run);
  return ask(node, std::move(first), request, &operation::started);
}

operation& clients::drain(machine& node, drain_node request) {
  operation first;
  first.what = "drain";
  return ask(node, std::move(first), request, &operation::drained);
}

reading& clients::read(machine& node, const std::string& run, std::uint64_t slow_ms) {
  auto& who = readers_.emplace_back();
  who.number = static_cast<int>(readers_.size());
  who.run = run;
  who.slow_ms = slow_ms;
  if (slow_ms > 0) books_.read_slowly({run});
  connect(who, node);
  return who;
}

void clients::connect(reading& who, machine& node) {
  ++who.visits;
  who.node = node.index();
  who.life = node.life();
  who.lost.clear();
  who.paused = false;
  const auto* read = books_.find({who.run});
  books_.meets(read && books_.life_of_owner(*read) == who.life ? "reader comes" : "reader elsewhere", {who.run});
  luck_.tell(who.run, "reader " + std::to_string(who.number) + " reads at node-" + std::to_string(who.node) + " from " +
                          std::to_string(who.events.size()));
  all_.inside(outside, [&] {
    auto actor =
        all_.system().spawn<subscriber_actor::stateful_impl<visit_state>>(node.supervisor(), &who, &luck_, &books_);
    who.actor = caf::actor_cast<caf::actor>(actor);
  });
}

void clients::vanish(reading& who) {
  if (who.is_over() || who.life < 0) return;
  who.vanished = true;
  luck_.tell(who.run, "reader " + std::to_string(who.number) + " vanishes");
  books_.meets("reader vanishes", {who.run});
  caf::anon_send_exit(who.actor, caf::exit_reason::kill);
}

void clients::lost(int life) {
  for (auto& what : history_) {
    if (what.life == life && !what.answered()) what.lost = true;
  }
  for (auto& who : readers_) {
    if (who.life != life) continue;
    ++who.visits;
    who.life = -1;
    if (!who.is_over()) caf::anon_send_exit(who.actor, caf::exit_reason::kill);
  }
}

std::size_t clients::waiting() const {
  return static_cast<std::size_t>(
      std::count_if(history_.begin(), history_.end(), [](const auto& x) { return !x.lost && !x.answered(); }));
}

void clients::forget_all() {
  for (auto& who : readers_) who.actor = nullptr;
  for (auto& what : history_) {
    what.started.reset();
    what.on_answer = nullptr;
  }
}

}  // namespace oncue::sim
