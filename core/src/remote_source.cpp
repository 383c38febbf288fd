#include "oncue/core/remote_source.hpp"

#include <algorithm>
#include <utility>

#include "oncue/core/event_tail.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace {

constexpr std::int64_t us(limits::milliseconds time) { return std::chrono::microseconds{time}.count(); }

/// Nothing new: the run goes on, and whoever was asked has no more of it yet.
bool says_nothing(const event_batch& batch) { return batch.events.empty() && batch.end == batch_end::more; }

bool answers(const event_batch& batch, const pull_limits& pull) {
  return is_answer(batch, pull.from) || (!batch.events.empty() && planted(mutant::remote_duplicate_taken));
}

}  // namespace

remote_source::remote_source(run_id run, incarnation_no self, incarnation_no owner, time_us now)
    : run_{std::move(run)},
      self_{self},
      owner_{owner},
      pause_us_{us(limits::remote_poll)},
      unused_until_{now + us(limits::link_answer_max)},
      repeat_at_{now + us(limits::remote_repeat)} {}

bool remote_source::can_ask_node() const {
  auto found = links_.find(owner_);
  return !elsewhere_ && found != links_.end() && found->second == link_state::up;
}

bool remote_source::suspected() const {
  auto found = links_.find(owner_);
  return found != links_.end() && found->second == link_state::down;
}

remote_orders remote_source::pulled(std::uint64_t key, const pull_limits& pull, time_us) {
  remote_orders out;
  auto& x = readers_[key];
  // The same once more: its answer is on the way.
  if (x.where != place::idle && x.pull.from == pull.from) return out;
  if (x.where == place::node) leave(x, out);
  x.pull = pull;
  x.pull.run = run_;
  if (x.where == place::line || x.where == place::journal) return out;
  tell(key, x, out);
  put(key, x, out);
  return out;
}

remote_orders remote_source::gone(std::uint64_t key) {
  remote_orders out;
  auto found = readers_.find(key);
  if (found == readers_.end()) return out;
  leave(found->second, out);
  readers_.erase(found);
  if (readers_.empty()) out.emplace_back(remote_effect::finish{});
  return out;
}

/// Where the reader's pull goes now. It is nowhere yet.
void remote_source::put(std::uint64_t key, reader& x, remote_orders& out) {
  if (can_ask_node()) {
    x.where = place::node;
    x.is_old = false;
    if (x.number == 0) x.number = ++last_number_;
    out.emplace_back(remote_effect::ask_node{owner_, x.number, x.pull});
    return;
  }
  x.where = place::line;
  line_.push_back(key);
  pump(out);
}

void remote_source::pump(remote_orders& out) {
  while (!at_journal_ && !line_.empty()) {
    auto key = line_.front();
    line_.pop_front();
    auto found = readers_.find(key);
    if (found == readers_.end() || found->second.where != place::line) continue;
    found->second.where = place::journal;
    at_journal_ = key;
    out.emplace_back(remote_effect::ask_journal{found->second.pull});
  }
}

/// What was asked of the node under this number is not wanted any more.
void remote_source::leave(reader& x, remote_orders& out) {
  if (x.number == 0) return;
  auto number = std::exchange(x.number, 0);
  auto found = links_.find(owner_);
  if (found != links_.end() && found->second == link_state::up) {
    out.emplace_back(remote_effect::leave_node{owner_, number});
  }
  if (x.where == place::node) x.where = place::idle;
}

remote_source::reader_at remote_source::find(std::uint64_t number) {
  return std::find_if(readers_.begin(), readers_.end(), [&](const auto& x) { return x.second.number == number; });
}

bool remote_source::waits_for(std::uint64_t number) const {
  return std::any_of(readers_.begin(), readers_.end(),
                     [&](const auto& x) { return x.second.number == number && x.second.where == place::node; });
}

void remote_source::answer(reader_at at, event_batch batch, remote_orders& out) {
  auto key = at->first;
  auto is_last = batch.end != batch_end::more;
  at->second.where = place::idle;
  out.emplace_back(remote_effect::give{key, std::move(batch)});
  if (!is_last) return;
  leave(at->second, out);
  readers_.erase(at);
  if (readers_.empty()) out.emplace_back(remote_effect::finish{});
}

remote_orders remote_source::on_batch(std::uint64_t number, event_batch batch) {
  remote_orders out;
  auto found = find(number);
  if (number == 0 || found == readers_.end() || found->second.where != place::node) return out;
  if (!answers(batch, found->second.pull)) return out;
  if (says_nothing(batch)) return not_there(number);
  pause_us_ = us(limits::remote_poll);
  answer(found, std::move(batch), out);
  return out;
}

remote_orders remote_source::not_there(std::uint64_t number) {
  remote_orders out;
  auto found = find(number);
  if (number == 0 || found == readers_.end() || found->second.where != place::node) return out;
  elsewhere_ = true;
  put(found->first, found->second, out);
  return out;
}

remote_orders remote_source::on_journal(event_batch batch, time_us now) {
  remote_orders out;
  if (!at_journal_) return out;
  auto found = readers_.find(*std::exchange(at_journal_, {}));
  if (found != readers_.end()) {
    auto& x = found->second;
    auto is_replaced = !answers(batch, x.pull);
    if (!is_replaced && !says_nothing(batch)) {
      pause_us_ = us(limits::remote_poll);
      answer(found, std::move(batch), out);
    } else if (is_replaced || can_ask_node()) {
      put(found->first, x, out);
    } else {
      x.where = place::resting;
      x.rest_until = now + pause_us_;
      pause_us_ = std::min(2 * pause_us_, us(limits::remote_poll_max));
    }
  }
  pump(out);
  return out;
}

remote_orders remote_source::on_owner(const std::optional<run_owner>& found) {
  remote_orders out;
  looking_ = false;
  if (!found) return out;
  if (found->owner != 0 && found->owner == self_) {
    // This node has it now: whoever waits asks anew, and is sent there.
    for (auto& [key, x] : readers_) {
      leave(x, out);
      if (x.where == place::idle) continue;
      out.emplace_back(remote_effect::give{key, {.run = run_, .events = {}, .next = x.pull.from}});
    }
    readers_.clear();
    out.emplace_back(remote_effect::finish{});
    return out;
  }
  // As far as the store knows its node has it: that may be asked again.
  elsewhere_ = false;
  if (found->owner == owner_ || found->owner == 0) return out;
  for (auto& [key, x] : readers_) {
    auto waits = x.where == place::node;
    leave(x, out);
    if (waits) x.where = place::resting;
  }
  owner_ = found->owner;
  put_all(out);
  return out;
}

remote_orders remote_source::on_link(incarnation_no node, link_state state) {
  remote_orders out;
  auto& link = links_[node];
  if (std::exchange(link, state) == state || node != owner_) return out;
  elsewhere_ = false;
  put_all(out);
  return out;
}

/// The node that has the run is another one, or can be asked, or cannot any more.
void remote_source::put_all(remote_orders& out) {
  auto to_node = can_ask_node();
  for (auto& [key, x] : readers_) {
    if (!to_node) x.number = 0;
    if (x.where == place::idle) continue;
    tell(key, x, out);
    auto moves = to_node ? x.where == place::line || x.where == place::resting : x.where == place::node;
    if (moves) put(key, x, out);
  }
}

/// A reader with a pull under way hears how it is with the node, if that has changed.
void remote_source::tell(std::uint64_t key, reader& x, remote_orders& out) {
  auto down = suspected();
  if (x.suspects == down) return;
  x.suspects = down;
  event_batch note{.run = run_, .events = {}, .next = x.pull.from};
  note.note = down ? batch_note::owner_suspected : batch_note::owner_back;
  out.emplace_back(remote_effect::give{key, std::move(note)});
}

remote_orders remote_source::tick(time_us now) {
  remote_orders out;
  if (readers_.empty()) {
    if (now >= unused_until_) out.emplace_back(remote_effect::finish{});
    return out;
  }
  if (now >= repeat_at_) repeat(now, out);
  bool rested = false;
  for (auto& [key, x] : readers_) {
    if (x.where != place::resting || now < x.rest_until) continue;
    rested = true;
    put(key, x, out);
  }
  if (rested && !std::exchange(looking_, true)) out.emplace_back(remote_effect::find_owner{});
  return out;
}

/// Of a run that is silent for long, one small frame a reader.
void remote_source::repeat(time_us now, remote_orders& out) {
  repeat_at_ = now + us(limits::remote_repeat);
  for (auto& [key, x] : readers_) {
    if (x.where != place::node) continue;
    if (x.is_old) out.emplace_back(remote_effect::ask_node{owner_, x.number, x.pull});
    x.is_old = true;
  }
}

std::optional<remote_source::time_us> remote_source::wake_at() const {
  if (readers_.empty()) return unused_until_;
  std::optional<time_us> at;
  for (const auto& [key, x] : readers_) {
    if (x.where == place::resting && (!at || x.rest_until < *at)) at = x.rest_until;
    if (x.where == place::node && (!at || repeat_at_ < *at)) at = repeat_at_;
  }
  return at;
}

}  // namespace oncue::core
