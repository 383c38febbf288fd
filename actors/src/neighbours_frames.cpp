// What crosses the links: frames that come, and what goes out.
#include <caf/send.hpp>
#include <utility>
#include <variant>

#include "neighbours.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/io/log.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::actors {

// -- out -----------------------------------------------------------------------------

/// In the door's name: no other handle of this node leaves it.
void neighbours_state::send(const peer& who, std::string frame) {
  if (who.door && door_) caf::send_as(door_, who.door, link_frame{std::move(frame)});
}

void neighbours_state::say(incarnation_no node, const core::link_word& word) {
  auto found = peers_.find(node);
  if (found != peers_.end() && found->second.link.up()) send(found->second, core::encode(word));
}

void neighbours_state::send_out(frames_out& what) {
  auto found = peers_.find(what.node);
  if (found == peers_.end() || !found->second.link.up()) return;
  // A source answers with pieces or with one word.
  if (what.frames.size() == 1 && !core::is_piece(what.frames.front())) {
    send(found->second, std::move(what.frames.front()));
  } else {
    step(what.node, core::link_event::pieces{std::move(what.frames)});
  }
}

caf::result<cancel_reply> neighbours_state::cancel(cancel_request& request) {
  auto frame_size = core::encode(core::link::cancel{0, request}).size();
  std::set<incarnation_no> nodes;
  for (const auto& [node, who] : peers_) {
    if (who.link.up()) nodes.insert(node);
  }
  if (nodes.empty() || frame_size > core::limits::link_frame_bytes_max / 2) return cancel_reply{.run = request.run};
  auto promise = self_->make_response_promise<cancel_reply>();
  auto wait = std::max<std::chrono::milliseconds>(
      core::limits::link_answer_max, std::chrono::milliseconds{request.wait_ms} + core::limits::link_answer_max / 2);
  auto until = now() + std::chrono::microseconds{wait}.count();
  auto question = cancels_.ask({request.run, promise}, nodes, until);
  for (auto node : nodes) {
    if (!planted(mutant::cancel_not_forwarded)) say(node, core::link::cancel{question, request});
  }
  return promise;
}

caf::result<subscribe_reply> neighbours_state::subscribe(subscribe_run& what) {
  auto promise = self_->make_response_promise<subscribe_reply>();
  self_->request(env_->archive, local_answer, find_owner{what.run})
      .then([this, run = what.run, promise](const run_owner& found) { subscribe(run, found, promise); },
            [this, promise](const caf::error&) mutable {
              // The store cannot be asked now: the journal says what it can.
              promise.deliver(subscribe_reply{true, env_->journal});
            });
  return promise;
}

void neighbours_state::subscribe(const run_id& run, const run_owner& found,
                                 caf::typed_response_promise<subscribe_reply> promise) {
  auto is_live = found.status == run_status::pending || found.status == run_status::running;
  if (!is_live) {
    promise.deliver(subscribe_reply{true, env_->journal});
    return;
  }
  auto& remote = remote_runs_[run];
  if (!remote.actor) {
    remote.number = ++last_stand_in_;
    remote.actor = spawn_remote_run(self_->system(), env_, caf::actor_cast<links_actor>(self_), remote.number, run,
                                    known_.self, found.owner);
    self_->monitor(remote.actor);
    by_number_.emplace(remote.number, run);
    by_stand_in_.emplace(remote.actor.id(), run);
    for (const auto& [node, who] : peers_) self_->send(remote.actor, link_changed{node, who.link.state()});
  }
  promise.deliver(subscribe_reply{true, remote.actor});
}

// -- in ------------------------------------------------------------------------------

void neighbours_state::take(link_frame& frame) {
  const auto& sender = self_->current_sender();
  if (!sender) return;
  auto from = by_door_.find(caf::actor_cast<caf::actor_addr>(sender));
  if (from != by_door_.end() && core::is_piece(frame.bytes)) {
    take_piece(from->second, frame);
    return;
  }
  auto decoded = core::decode_link_frame(frame.bytes);
  if (auto* word = std::get_if<core::link_word>(&decoded)) {
    if (const auto* hello = std::get_if<core::link::hello>(word)) {
      greeted(*hello, caf::actor_cast<door_actor>(sender));
    } else if (from != by_door_.end()) {
      take_word(from->second, *word, frame);
    }
  } else if (from != by_door_.end()) {
    step(from->second, core::link_event::lost{"it sent " + std::get<std::string>(decoded)});
  }
  // Whoever has not greeted is not listened to.
}

/// From the node that was connected to, or from one that has connected.
void neighbours_state::greeted(const core::link::hello& hello, const door_actor& from) {
  std::vector<incarnation_no> asked;
  for (const auto& [node, who] : peers_) {
    if (who.connects && who.door && who.door.address() == from.address()) asked.push_back(node);
  }
  for (auto node : asked) step(node, core::link_event::said{hello});
  if (!asked.empty()) return;
  if (known_.self != 0 && hello.to != 0 && hello.to != known_.self && !planted(mutant::stranger_greeted)) {
    // For an earlier life of this node: it learns who is here, and that is all.
    if (door_) {
      core::link::hello ours{setup_.speaks, known_.self, setup_.node_name, hello.incarnation, setup_.cluster};
      caf::send_as(door_, from, link_frame{core::encode(ours)});
    }
    return;
  }
  auto found = peers_.find(hello.incarnation);
  if (found == peers_.end()) {
    if (early_.size() < core::limits::nodes_told_max) early_.insert_or_assign(hello.incarnation, early_hello{hello, from});
    return;
  }
  if (found->second.connects) return;
  use_door(found->second, from);
  step(hello.incarnation, core::link_event::said{hello});
}

void neighbours_state::take_piece(incarnation_no node, link_frame& frame) {
  auto reader = core::reader_of_piece(frame.bytes);
  if (!reader || frame.bytes.size() > core::limits::link_frame_bytes_max) {
    step(node, core::link_event::lost{"it sent a piece of events that cannot be read"});
    return;
  }
  step(node, core::link_event::piece_came{frame.bytes.size()});
  hand_on(reader->run, frame);
}

/// To the stand-in that has asked, if it still is there.
void neighbours_state::hand_on(std::uint64_t number, link_frame& frame) {
  auto run = by_number_.find(number);
  if (run != by_number_.end()) self_->send(remote_runs_[run->second].actor, std::move(frame));
}

void neighbours_state::take_word(incarnation_no node, core::link_word& word, link_frame& frame) {
  if (const auto* pull = std::get_if<core::link::pull>(&word)) {
    pulled(node, *pull);
  } else if (const auto* leave = std::get_if<core::link::leave>(&word)) {
    auto& who = peers_.at(node);
    auto found = who.readers.find(leave->reader);
    if (found != who.readers.end() && !planted(mutant::reader_outlives_leave)) {
      caf::anon_send_exit(found->second, caf::exit_reason::user_shutdown);
      who.readers.erase(found);
      --readers_;
    }
  } else if (const auto* no = std::get_if<core::link::not_here>(&word)) {
    hand_on(no->reader.run, frame);
  } else if (auto* cancel = std::get_if<core::link::cancel>(&word)) {
    cancel_for(node, *cancel);
  } else if (auto* done = std::get_if<core::link::cancelled>(&word)) {
    auto knows = done->reply.outcome != cancel_outcome::unknown;
    if (auto asker = cancels_.answered(done->question, node, knows)) asker->promise.deliver(std::move(done->reply));
  } else if (std::holds_alternative<core::link::work_waits>(word) && membership_) {
    self_->send(membership_, work_waits{});
  }
  step(node, core::link_event::said{std::move(word)});
}

void neighbours_state::pulled(incarnation_no node, const core::link::pull& pull) {
  auto& who = peers_.at(node);
  auto found = who.readers.find(pull.reader);
  if (found == who.readers.end()) {
    if (readers_ >= core::limits::link_readers_max) {
      send(who, core::encode(core::link::not_here{pull.reader}));
      return;
    }
    auto reader = spawn_remote_reader(self_->system(), caf::actor_cast<links_actor>(self_), supervisor_, node, pull.reader);
    found = who.readers.emplace(pull.reader, std::move(reader)).first;
    ++readers_;
  }
  auto limits = pull.limits;
  limits.events_max = std::min(limits.events_max, core::limits::pull_events_max);
  limits.bytes_max = std::min(limits.bytes_max, core::limits::pull_bytes_max);
  self_->send(found->second, std::move(limits));
}

/// Another node has been asked to cancel a run that may be here.
void neighbours_state::cancel_for(incarnation_no node, core::link::cancel& cancel) {
  auto answer = [this, node, question = cancel.question](cancel_reply reply) {
    say(node, core::link::cancelled{question, std::move(reply)});
  };
  auto none = cancel_reply{.run = cancel.request.run};
  self_->request(supervisor_, local_answer, cancel_here{std::move(cancel.request)})
      .then([answer](cancel_reply& reply) { answer(std::move(reply)); },
            [answer, none](const caf::error&) { answer(none); });
}

}  // namespace oncue::actors
