#include "oncue/core/membership.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "oncue/messages/mutants.hpp"

namespace oncue::core {

namespace order = member_order;

namespace {

std::int64_t to_us(std::chrono::milliseconds span) { return std::chrono::microseconds{span}.count(); }

}  // namespace

/// A short lease is renewed more often, so that one lost renewal does not end it.
membership::time_us membership::interval_us() const { return to_us(std::min(limits::lease_renewal, lease_ / 3)); }

void membership::granted(time_us asked_at) {
  auto margin = std::min(limits::lease_margin_max, lease_ / 5);
  stop_at_ = asked_at + to_us(lease_ - margin) + (planted(mutant::lease_too_long) ? to_us(lease_) : 0);
  next_ask_ = asked_at + interval_us();
}

membership::time_us membership::wake_at() const {
  if (known_.self == 0) return asking_ ? std::numeric_limits<time_us>::max() : next_ask_;
  return asking_ ? stop_at_ : std::min(next_ask_, stop_at_);
}

bool membership::has_room_elsewhere() const {
  return std::any_of(known_.nodes.begin(), known_.nodes.end(), [this](const node_record& node) {
    return node.incarnation != known_.self && !node.dead && node.lease_left_ms > 0 && !node.load.draining &&
           node.load.room > 0;
  });
}

membership_orders membership::tick(time_us now) {
  membership_orders out;
  if (known_.self != 0 && now >= stop_at_ && !planted(mutant::lease_never_over))
    fence(out, "it could not be renewed in time", now);
  if (asking_ || now < next_ask_) return out;
  asking_ = true;
  if (known_.self == 0) {
    out.emplace_back(order::enter{});
  } else {
    out.emplace_back(order::renew{});
  }
  return out;
}

membership_orders membership::entered(enter_reply reply, time_us asked_at, time_us now) {
  asking_ = false;
  membership_orders out;
  next_ask_ = now + to_us(limits::claim_retry);
  if (!reply.problem.empty()) {
    if (!std::exchange(failing_, true)) out.emplace_back(order::say{true, "cluster_store_away", reply.problem});
    known_.problem = std::move(reply.problem);
    out.emplace_back(order::announce{});
    return out;
  }
  if (reply.self == 0) {
    // Its own former life is over in a moment.
    auto is_other = reply.taken_by && reply.taken_by->incarnation != former_;
    if (is_other && !std::exchange(is_taken_, true)) {
      out.emplace_back(order::say{true, "node_name_taken", "another node is called '" + reply.taken_by->name + "'"});
    }
    return out;
  }
  granted(asked_at);
  if (now >= stop_at_) {
    // The answer took longer than the lease: somebody may have found it over already.
    next_ask_ = now;
    return out;
  }
  failing_ = is_taken_ = false;
  known_.self = reply.self;
  known_.problem.clear();
  missed_.clear();
  next_ask_ = now;  // to know the others
  out.emplace_back(order::say{false, "node_entered", std::to_string(reply.self)});
  out.emplace_back(order::own{reply.self});
  out.emplace_back(order::announce{});
  return out;
}

membership_orders membership::renewed(lease_reply reply, held_runs held, time_us asked_at, time_us now) {
  asking_ = false;
  membership_orders out;
  if (known_.self == 0) return out;  // it came too late
  if (!reply.problem.empty()) {
    next_ask_ = now + to_us(limits::database_retry);
    if (!std::exchange(failing_, true)) out.emplace_back(order::say{true, "cluster_store_away", reply.problem});
    known_.problem = std::move(reply.problem);
    out.emplace_back(order::announce{});
    if (now >= stop_at_) fence(out, "it could not be renewed in time", now);
    return out;
  }
  if (std::exchange(failing_, false)) out.emplace_back(order::say{false, "cluster_store_back", {}});
  if (!reply.alive) {
    fence(out, "another node found it over", now);
    return out;
  }
  granted(asked_at);
  if (now >= stop_at_) {
    fence(out, "the answer to its renewal took longer than the lease", now);
    return out;
  }
  known_.nodes = std::move(reply.nodes);
  known_.problem.clear();
  room_ = held.load.room;
  draining_ = draining_ || held.load.draining;
  held_ = std::move(held.runs);
  out.emplace_back(order::announce{});
  if (!reply.cancels.empty() && !planted(mutant::renewal_drops_cancels))
    out.emplace_back(order::cancel{std::move(reply.cancels)});
  if (!std::exchange(reaping_, true)) out.emplace_back(order::reap{});
  if (!std::exchange(looking_, true)) out.emplace_back(order::look{});
  if (reply.work_waits) claim(out);
  return out;
}

membership_orders membership::reaped(const reap_reply& reply, time_us) {
  reaping_ = false;
  membership_orders out;
  for (auto dead : reply.dead) out.emplace_back(order::say{true, "node_lost", std::to_string(dead)});
  for (const auto& run : reply.ended) out.emplace_back(order::say{false, "lost_run_ended", run.value});
  for (const auto& run : reply.requeued) out.emplace_back(order::say{false, "lost_run_requeued", run.value});
  if (!reply.dead.empty()) out.emplace_back(order::look_for_expired{});
  if (known_.self == 0) return out;
  if (!reply.requeued.empty()) claim(out);
  if (reply.more) {
    reaping_ = true;
    out.emplace_back(order::reap{});
  }
  return out;
}

membership_orders membership::looked(const my_runs& mine, time_us) {
  looking_ = false;
  membership_orders out;
  if (known_.self == 0 || !mine.problem.empty()) {
    missed_.clear();
    return out;
  }
  std::set<run_id> held{held_.begin(), held_.end()};
  std::set<run_id> missing;
  std::vector<run_id> again;
  for (const auto& run : mine.runs) {
    if (held.contains(run)) continue;
    missing.insert(run);
    if (missed_.contains(run)) again.push_back(run);
  }
  missed_ = std::move(missing);
  if (!again.empty() && !planted(mutant::never_reconciled)) out.emplace_back(order::give_back{std::move(again)});
  return out;
}

/// One that has not begun is somebody else's now; the others were lost with their actors.
membership_orders membership::given_back(const std::vector<run_id>& asked, const released_runs& reply) {
  std::vector<run_id> lost;
  for (const auto& run : asked) {
    missed_.erase(run);
    if (std::find(reply.runs.begin(), reply.runs.end(), run) == reply.runs.end()) lost.push_back(run);
  }
  membership_orders out;
  if (known_.self != 0 && !lost.empty()) out.emplace_back(order::end_lost{std::move(lost)});
  return out;
}

void membership::claim(membership_orders& out) {
  if (claiming_ || draining_ || room_ == 0 || known_.self == 0) return;
  claiming_ = true;
  auto runs_max = std::min<std::uint64_t>(room_, limits::claimed_runs_max);
  out.emplace_back(order::claim{static_cast<std::uint32_t>(runs_max)});
}

membership_orders membership::claimed(take_runs reply, time_us now) {
  claiming_ = false;
  membership_orders out;
  if (reply.runs.empty()) return out;
  room_ -= std::min<std::uint64_t>(room_, reply.runs.size());
  auto is_full_load = reply.runs.size() >= limits::claimed_runs_max;
  // Also if the lease was lost meanwhile: then the rows are nobody's, and whoever reaps sees to them.
  if (known_.self != 0) out.emplace_back(order::take{std::move(reply.runs)});
  if (is_full_load) next_ask_ = std::min(next_ask_, now + to_us(limits::claim_retry));
  return out;
}

membership_orders membership::work_waits() {
  membership_orders out;
  claim(out);
  return out;
}

void membership::fence(membership_orders& out, std::string why, time_us now) {
  former_ = std::exchange(known_.self, 0);
  missed_.clear();
  next_ask_ = now;
  // First the pen, then the hands: nothing that still runs can write.
  out.emplace_back(order::own{0});
  if (!planted(mutant::runs_outlive_lease)) out.emplace_back(order::fence{});
  out.emplace_back(order::announce{});
  out.emplace_back(order::say{true, "lease_lost", std::move(why)});
}

}  // namespace oncue::core
