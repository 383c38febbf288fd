// Reads a run of this node for a reader on another one: one pull at a time, so that one batch waits for the link at most.
// Goes when the links say so.
#include <caf/typed_event_based_actor.hpp>
#include <optional>

#include "link_actors.hpp"
#include "oncue/actors/watch.hpp"
#include "oncue/core/event_tail.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::actors {

namespace {

class remote_reader_state {
 public:
  static constexpr const char* name = "remote-reader";

  remote_reader_state(remote_reader_actor::pointer self, links_actor links, supervisor_actor supervisor,
                      incarnation_no node, core::link_reader reader)
      : self_{self},
        links_{std::move(links)},
        supervisor_{std::move(supervisor)},
        node_{node},
        reader_{reader},
        source_{self} {}

  remote_reader_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) {
      if (!source_ || down.source != source_.who().address()) return;
      source_.stop();
      if (pull_) find_source();
    });
    return {
        [this](const pull_limits& pull) {
          pull_ = pull;
          if (source_) {
            ask();
          } else {
            find_source();
          }
        },
        [this](const event_batch& batch) { take(batch); },
    };
  }

 private:
  void ask() { self_->send(source_.who(), *pull_, caf::actor_cast<subscriber_actor>(self_)); }

  void find_source() {
    if (is_asking_) return;
    is_asking_ = true;
    self_->request(supervisor_, local_answer, subscribe_here{pull_->run})
        .then(
            [this](const subscribe_reply& reply) {
              is_asking_ = false;
              if (!reply.known) {
                say_no();
                return;
              }
              source_.on(reply.source);
              if (pull_) ask();
            },
            [this](const caf::error&) {
              is_asking_ = false;
              say_no();
            });
  }

  void take(const event_batch& batch) {
    if (!pull_ || batch.run != pull_->run) return;
    if (batch.note == batch_note::none && !core::is_answer(batch, pull_->from)) return;
    if (batch.events.empty() && batch.end == batch_end::more && batch.note == batch_note::none) {
      say_no();
      return;
    }
    std::size_t bytes = 0;
    for (const auto& event : batch.events) bytes += cost_bytes(*event);
    if (bytes > core::limits::link_event_bytes_max) {
      // The journal is the better way for so much.
      say_no();
      return;
    }
    if (batch.note == batch_note::none) pull_.reset();
    self_->send(links_, frames_out{node_, core::frames_of(reader_, batch)});
  }

  void say_no() {
    if (!pull_) return;
    pull_.reset();
    self_->send(links_, frames_out{node_, {core::encode(core::link::not_here{reader_})}});
  }

  remote_reader_actor::pointer self_;
  links_actor links_;
  supervisor_actor supervisor_;
  incarnation_no node_;
  core::link_reader reader_;
  watch<remote_reader_actor::base, event_source_actor> source_;
  std::optional<pull_limits> pull_;
  bool is_asking_ = false;
};

}  // namespace

remote_reader_actor spawn_remote_reader(caf::actor_system& system, links_actor links, supervisor_actor supervisor,
                                        incarnation_no node, core::link_reader reader) {
  using impl = remote_reader_actor::stateful_impl<remote_reader_state>;
  return system.spawn<impl>(std::move(links), std::move(supervisor), node, reader);
}

}  // namespace oncue::actors
