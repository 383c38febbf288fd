// Stands in for a run that another node has: an event source whose pulls go over the link or to the journal, as
// core::remote_source decides. One a run, shared by its readers here; goes when nobody reads any more, and whoever still
// does then asks the supervisor anew.
#include <algorithm>
#include <caf/typed_event_based_actor.hpp>
#include <unordered_map>
#include <variant>

#include "link_actors.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/remote_source.hpp"

namespace oncue::actors {

namespace {

// JSON may make more of an event than it costs in memory.
constexpr std::size_t batch_bytes_most = 2 * core::limits::link_event_bytes_max;

class remote_run_state {
 public:
  static constexpr const char* name = "remote-run";

  remote_run_state(remote_run_actor::pointer self, std::shared_ptr<const node_env> env, links_actor links,
                   std::uint64_t number, run_id run, incarnation_no here, incarnation_no owner)
      : self_{self},
        env_{std::move(env)},
        links_{std::move(links)},
        number_{number},
        run_{run},
        source_{std::move(run), here, owner, now()} {}

  remote_run_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg& down) {
      readers_.erase(down.source.id());
      perform(source_.gone(down.source.id()));
    });
    self_->link_to(links_);
    sleep();
    return {
        [this](const pull_limits& pull, const subscriber_actor& reader) {
          if (readers_.insert_or_assign(reader.id(), caf::actor_cast<caf::actor_addr>(reader)).second) {
            self_->monitor(reader);
          }
          perform(source_.pulled(reader.id(), pull, now()));
        },
        [this](event_batch& batch) { perform(source_.on_journal(std::move(batch), now())); },
        [this](const link_frame& frame) { take(frame.bytes); },
        [this](link_changed x) { perform(source_.on_link(x.node, x.link)); },
    };
  }

 private:
  core::remote_source::time_us now() const { return to_steady_us(self_->clock().now()); }

  void take(std::string_view frame) {
    auto decoded = core::decode_link_frame(frame);
    auto* word = std::get_if<core::link_word>(&decoded);
    if (!word) return;
    if (const auto* no = std::get_if<core::link::not_here>(word)) {
      parts_.erase(no->reader.number);
      perform(source_.not_there(no->reader.number));
    } else if (auto* piece = std::get_if<core::link::piece>(word)) {
      take(*piece);
    }
  }

  void take(core::link::piece& piece) {
    auto number = piece.reader.number;
    if (!source_.waits_for(number)) {
      parts_.erase(number);
      return;
    }
    auto part = parts_.find(number);
    if (part != parts_.end()) {
      part->second += piece.bytes;
      piece.bytes = std::move(part->second);
      parts_.erase(part);
    }
    if (piece.bytes.size() > batch_bytes_most) {
      refuse(number, "a batch of events that is too long");
    } else if (!piece.last) {
      parts_.emplace(number, std::move(piece.bytes));
    } else {
      auto batch = core::decode_batch(run_, piece.bytes);
      if (const auto* wrong = std::get_if<std::string>(&batch)) {
        refuse(number, *wrong);
      } else {
        perform(source_.on_batch(number, std::move(std::get<event_batch>(batch))));
      }
    }
  }

  void refuse(std::uint64_t number, std::string why) {
    self_->send(links_, link_broken{source_.owner(), "it sent what cannot be read: " + std::move(why)});
    perform(source_.not_there(number));
  }

  void perform(core::remote_orders orders) {
    for (auto& order : orders) {
      std::visit([this](auto& x) { on(x); }, order);
    }
    sleep();
  }

  void on(core::remote_effect::give& x) {
    auto found = readers_.find(x.reader);
    if (found == readers_.end()) return;
    auto is_last = x.batch.end != batch_end::more;
    if (auto reader = caf::actor_cast<caf::strong_actor_ptr>(found->second)) {
      self_->send(caf::actor_cast<subscriber_actor>(reader), std::move(x.batch));
    }
    if (!is_last) return;
    self_->demonitor(found->second);
    readers_.erase(found);
  }

  void on(core::remote_effect::ask_node& x) { say(x.node, core::link::pull{{number_, x.number}, std::move(x.pull)}); }
  void on(core::remote_effect::leave_node& x) {
    parts_.erase(x.number);
    say(x.node, core::link::leave{{number_, x.number}});
  }
  void say(incarnation_no node, const core::link_word& word) {
    self_->send(links_, frames_out{node, {core::encode(word)}});
  }

  void on(core::remote_effect::ask_journal& x) {
    self_->send(env_->journal, std::move(x.pull), caf::actor_cast<subscriber_actor>(self_));
  }

  void on(core::remote_effect::find_owner&) {
    self_->request(env_->archive, local_answer, find_owner{run_})
        .then([this](const run_owner& found) { perform(source_.on_owner(found)); },
              [this](const caf::error&) { perform(source_.on_owner({})); });
  }

  void on(core::remote_effect::finish&) { self_->quit(); }

  /// One timer at a time: an early one comes and finds nothing to do.
  void sleep() {
    auto at = source_.wake_at();
    if (!at || (timer_at_ != 0 && timer_at_ <= *at)) return;
    timer_at_ = *at;
    self_->run_delayed(std::chrono::microseconds{std::max<std::int64_t>(*at - now(), 0)}, [this, at = *at] {
      if (timer_at_ == at) timer_at_ = 0;
      perform(source_.tick(now()));
    });
  }

  remote_run_actor::pointer self_;
  std::shared_ptr<const node_env> env_;
  links_actor links_;
  std::uint64_t number_;
  run_id run_;
  core::remote_source source_;
  std::unordered_map<caf::actor_id, caf::actor_addr> readers_;
  std::unordered_map<std::uint64_t, std::string> parts_;  // batches that have not come whole
  core::remote_source::time_us timer_at_ = 0;
};

}  // namespace

remote_run_actor spawn_remote_run(caf::actor_system& system, std::shared_ptr<const node_env> env, links_actor links,
                                  std::uint64_t number, run_id run, incarnation_no self, incarnation_no owner) {
  using impl = remote_run_actor::stateful_impl<remote_run_state>;
  return system.spawn<impl>(std::move(env), std::move(links), number, std::move(run), self, owner);
}

}  // namespace oncue::actors
