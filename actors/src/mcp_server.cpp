#include "mcp_server.hpp"

#include <algorithm>
#include <utility>

#include "oncue/actors/node_env.hpp"

namespace oncue::actors {

mcp_server_state::mcp_server_state(mcp_server_actor::pointer self, core::mcp_spec spec, mcp_access access)
    : self_{self}, spec_{std::move(spec)}, access_{std::move(access)}, keeper_{spec_, access_.client_version} {}

mcp_server_actor::behavior_type mcp_server_state::make_behavior() {
  self_->set_down_handler([this](const caf::down_msg& down) { stop(down.source.id(), "the caller is gone"); });
  self_->set_exit_handler([this](const caf::exit_msg& message) { exit(message.reason); });
  return {
      [this](list_tools) { return list(); },
      [this](start_tool& what, std::string& tool, std::uint64_t result_bytes_max, const tool_sink_actor& call) {
        start(what, tool, result_bytes_max, call);
      },
      [this](stop_tool, const tool_sink_actor& call) { stop(call.id(), "the call was stopped"); },
      [this](const mcp_said& what) {
        if (what.what == mcp_word::message && transport_ && what.connection == keeper_.connection()) {
          transport_->taken(what.text.size());
        }
        obey(keeper_.said(what, now()));
      },
      [this](alarm) {
        alarm_at_us_ = 0;
        if (goes_at_us_ != 0 && now() >= goes_at_us_) {
          self_->quit(exit_reason_);
          return;
        }
        obey(keeper_.tick(now()));
      },
  };
}

std::int64_t mcp_server_state::now() const { return to_steady_us(self_->clock().now()); }

mcp_server_state::promise mcp_server_state::list() {
  auto answer = self_->make_response_promise<tools_listed>();
  lists_.push_back(answer);
  obey(keeper_.list(now()));
  return answer;
}

void mcp_server_state::start(start_tool& what, std::string& tool, std::uint64_t result_bytes_max,
                             const tool_sink_actor& call) {
  const auto number = ++last_call_;
  calls_[number] = {what.number, call};
  self_->monitor(call);
  core::mcp_call order;
  order.tool = std::move(tool);
  order.arguments = std::move(what.call.arguments);
  order.result_bytes_max = result_bytes_max;
  obey(keeper_.call(number, std::move(order), now()));
}

void mcp_server_state::stop(caf::actor_id call, std::string_view reason) {
  auto found = std::find_if(calls_.begin(), calls_.end(), [&](const auto& x) { return x.second.actor.id() == call; });
  if (found == calls_.end()) return;
  const auto number = found->first;
  self_->demonitor(found->second.actor);
  calls_.erase(found);
  obey(keeper_.stop(number, reason, now()));
}

/// In order: the connection is closed, and the actor goes when it is. Its grace is the program's, and some more.
void mcp_server_state::exit(const caf::error& reason) {
  if (exit_reason_) return;
  exit_reason_ = reason ? reason : caf::make_error(caf::exit_reason::user_shutdown);
  goes_at_us_ = now() + std::chrono::microseconds{spec_.grace + core::limits::mcp_goodbye_max}.count();
  obey(keeper_.quit());
}

void mcp_server_state::obey(core::mcp_keeper_orders orders) {
  for (auto& order : orders) std::visit([this](auto& x) { do_order(x); }, order);
  set_alarm_clock();
}

void mcp_server_state::do_order(core::mcp_order::open& order) {
  transport_.reset();
  // Weak: a server that everybody forgot goes, and takes its connection along.
  auto listener = [self = self_->address()](mcp_said said) {
    if (auto server = caf::actor_cast<caf::strong_actor_ptr>(self)) {
      caf::anon_send(caf::actor_cast<mcp_server_actor>(server), std::move(said));
    }
  };
  if (access_.open) {
    transport_ = access_.open(order.connection, std::move(listener));
    return;
  }
  if (spec_.url.empty()) {
    transport_ = io::start_mcp_program(access_.loops->next(), spec_, order.connection, access_.guard, std::move(listener));
    return;
  }
  const auto bearer = spec_.bearer_env.empty() ? std::string{} : access_.read_secret(spec_.bearer_env);
  if (bearer.empty() && !spec_.bearer_env.empty()) {
    fail_to_open("the environment variable " + spec_.bearer_env + ", which should hold its token, is not set");
    return;
  }
  transport_ = io::start_mcp_http(access_.client, spec_, order.connection, bearer, std::move(listener));
}

/// As if there had been a connection: the keeper hears its end behind what it is told now.
void mcp_server_state::fail_to_open(std::string why) {
  mcp_said said;
  said.connection = keeper_.connection();
  said.what = mcp_word::ended;
  said.not_started = true;
  said.text = std::move(why);
  caf::anon_send(caf::actor_cast<mcp_server_actor>(self_), std::move(said));
}

void mcp_server_state::do_order(core::mcp_order::send& order) {
  if (transport_) transport_->send(std::move(order.message));
}

void mcp_server_state::do_order(core::mcp_order::forget& order) {
  if (transport_) transport_->forget(order.request);
}

void mcp_server_state::do_order(core::mcp_order::answer& order) {
  auto found = calls_.find(order.call);
  if (found == calls_.end()) return;
  self_->demonitor(found->second.actor);
  self_->send(found->second.actor, tool_result{found->second.number, order.failed, std::move(order.text)});
  calls_.erase(found);
}

void mcp_server_state::do_order(core::mcp_order::close&) {
  if (transport_) transport_->close();
}

void mcp_server_state::do_order(core::mcp_order::listed& order) {
  for (auto& waiting : std::exchange(lists_, {})) {
    waiting.deliver(order.problem.empty() ? tools_listed{{}, keeper_.tools()} : tools_listed{order.problem, {}});
  }
}

void mcp_server_state::do_order(core::mcp_order::gone&) { self_->quit(exit_reason_); }

void mcp_server_state::set_alarm_clock() {
  auto at_us = keeper_.wake_at();
  if (goes_at_us_ != 0) at_us = goes_at_us_;
  if (at_us.value_or(0) == alarm_at_us_) return;
  alarm_at_us_ = at_us.value_or(0);
  const auto me = caf::actor_cast<alarm_client_actor>(self_);
  if (at_us) {
    self_->send(access_.alarms, set_alarm{*at_us}, me);
  } else {
    self_->send(access_.alarms, clear_alarm{}, me);
  }
}

tool_server_actor spawn_mcp_server(caf::actor_system& system, core::mcp_spec spec, mcp_access access) {
  return caf::actor_cast<tool_server_actor>(
      system.spawn<mcp_server_actor::stateful_impl<mcp_server_state>>(std::move(spec), std::move(access)));
}

}  // namespace oncue::actors
