#include "crowd.hpp"

#include <caf/actor_system.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "bench.hpp"

namespace oncue::bench {

using namespace std::chrono_literals;

// -- agents ------------------------------------------------------------------------

namespace {

core::agent_entry agent(std::string id) {
  core::agent_entry entry;
  entry.agent.id.value = std::move(id);
  entry.agent.name = "Benchmark";
  entry.agent.limits = {.first_token = 10min, .idle = 5min, .total = 15min};
  entry.model.id = "bench";
  entry.model.name = "bench-model";
  return entry;
}

}  // namespace

core::agent_entry fast_agent(std::string id, std::uint32_t tokens) {
  auto entry = agent(std::move(id));
  entry.model.scripted = {.first_token_delay = 0ms, .token_delay = 0ms, .tokens = tokens};
  return entry;
}

core::agent_entry silent_agent(std::string id) {
  auto entry = agent(std::move(id));
  entry.model.scripted.silent = true;
  return entry;
}

core::agent_entry http_agent(std::string id, std::string base_url) {
  auto entry = agent(std::move(id));
  entry.model.provider = core::provider_kind::openai;
  entry.model.base_url = std::move(base_url);
  return entry;
}

runtime_options node_with(std::vector<core::agent_entry> agents, core::roster_limits limits) {
  runtime_options options{.limits = limits};
  for (auto& entry : agents) {
    auto id = entry.agent.id;
    options.catalog.agents[id] = std::make_shared<const core::agent_entry>(std::move(entry));
  }
  return options;
}

// -- the report ----------------------------------------------------------------------

steady::time_point crowd_report::wait_for_end(std::size_t i) const {
  ended_at_[i].wait(0);
  return steady::time_point{std::chrono::nanoseconds{ended_at_[i].load()}};
}

std::vector<double> crowd_report::latencies_us() const {
  std::vector<double> all;
  for (std::size_t i = 0; i < started_at_.size(); ++i) all.push_back(us_between(started_at_[i], wait_for_end(i)));
  return all;
}

void crowd_report::wait_for_all() const { all_ended_.wait(0); }
void crowd_report::wait_for_started() const { all_started_.wait(0); }

void crowd_report::wait_for_ready(std::size_t runs) const {
  wait_for("the runs to be where they should be", [&] { return ready_ >= runs; });
}

// -- the crowd -----------------------------------------------------------------------

crowd_state::crowd_state(subscriber_actor::pointer self, supervisor_actor supervisor, crowd_plan plan,
                         std::shared_ptr<crowd_report> report)
    : self_{self}, supervisor_{std::move(supervisor)}, plan_{std::move(plan)}, report_{std::move(report)} {}

subscriber_actor::behavior_type crowd_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) {
    auto found = by_source_.find(down.source.id());
    if (found == by_source_.end()) return;
    if (auto one = members_.find(found->second); one != members_.end()) one->second.events.on_down(down);
    by_source_.erase(found);
  });
  while (asked_ < plan_.runs && asked_ < plan_.in_flight * plan_.turns) start_next();
  return {[this](event_batch& batch) {
    if (auto one = members_.find(batch.run); one != members_.end()) read(one->second, batch);
  }};
}

void crowd_state::start_next() {
  auto first = asked_;
  asked_ += plan_.turns;
  start(first);
}

void crowd_state::start(std::size_t number) {
  run_request request{.agent = plan_.agent, .input = "tell"};
  if (!plan_.id_prefix.empty()) request.id.value = request.input = plan_.id_prefix + std::to_string(number);
  if (plan_.turns > 1) request.session.value = plan_.session_prefix + std::to_string(number / plan_.turns);
  report_->started_at_[number] = steady::now();
  self_->request(supervisor_, caf::infinite, std::move(request)).then([this, number](start_reply& reply) {
    started(number, reply);
  });
}

void crowd_state::started(std::size_t number, start_reply& reply) {
  if (reply.refused) {
    std::fprintf(stderr, "a run was refused: %s\n", reply.refused->message.c_str());
    std::abort();
  }
  if (plan_.read) {
    by_source_[reply.source.id()] = reply.run;
    member one{number, false, {self_, supervisor_, reply.run, plan_.from}};
    members_.emplace(reply.run, std::move(one)).first->second.events.open(std::move(reply.source));
  }
  if (++report_->started_ == plan_.runs) {
    report_->all_started_ = 1;
    report_->all_started_.notify_all();
    if (!plan_.read) self_->quit();
  }
  if (!plan_.read && asked_ < plan_.runs) start_next();
}

void crowd_state::read(member& one, event_batch& batch) {
  for (const auto& event : one.events.take(batch)) {
    ++report_->events_;
    if (const auto* delta = get_if<content_delta>(*event)) {
      ++report_->deltas_;
      report_->text_bytes_ += delta->text.size();
    }
    if (!one.ready && plan_.is_ready(*event)) {
      one.ready = true;
      ++report_->ready_;
    }
    if (const auto* end = get_if<run_ended>(*event)) {
      if (end->how.kind == ending_kind::completed) {
        ++report_->completed_;
      } else if (report_->first_failure_.empty()) {
        report_->first_failure_ = end->how.message;
      }
    }
  }
  if (one.events.state() == actors::subscription_state::reading) {
    one.events.pull();
    return;
  }
  auto number = one.number;
  auto& ended_at = report_->ended_at_[number];
  ended_at = steady::now().time_since_epoch() / 1ns;
  ended_at.notify_all();
  members_.erase(batch.run);
  if (++report_->ended_ == plan_.runs) {
    report_->all_ended_ = 1;
    report_->all_ended_.notify_all();
    self_->quit();
  } else if ((number + 1) % plan_.turns != 0) {
    start(number + 1);
  } else if (asked_ < plan_.runs) {
    start_next();
  }
}

crowd send_crowd(runtime& node, crowd_plan plan) {
  auto report = std::make_shared<crowd_report>(plan.runs);
  auto actor =
      node.system().spawn<subscriber_actor::stateful_impl<crowd_state>>(node.supervisor(), std::move(plan), report);
  return {std::move(report), std::move(actor)};
}

}  // namespace oncue::bench
