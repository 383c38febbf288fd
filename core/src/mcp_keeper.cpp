#include "oncue/core/mcp_keeper.hpp"

#include <algorithm>
#include <utility>

#include "mcp_content.hpp"
#include "oncue/core/duration.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/safe_text.hpp"

namespace oncue::core {

namespace {

mcp_keeper::time_us to_us(milliseconds time) { return std::chrono::microseconds{time}.count(); }

/// "; its last words: …", or nothing.
std::string and_last_words(const std::string& last_words) {
  auto text = safe_text(last_words, {});
  return text.empty() ? text : "; its last words: " + text;
}

}  // namespace

mcp_keeper::mcp_keeper(const mcp_spec& spec, std::string client_version)
    : id_{spec.id},
      start_timeout_{spec.start_timeout},
      call_timeout_{spec.call_timeout},
      grace_{spec.grace},
      client_version_{std::move(client_version)} {}

std::string mcp_keeper::named(const std::string& what) const { return "the MCP server '" + id_ + "' " + what; }

mcp_keeper_orders mcp_keeper::list(time_us now) {
  mcp_keeper_orders out;
  list_wanted_ = true;
  want(now, out);
  return out;
}

mcp_keeper_orders mcp_keeper::call(mcp_call_no number, mcp_call what, time_us now) {
  mcp_keeper_orders out;
  auto& held = calls_[number] = held_call{std::move(what), now, false, false};
  if (phase_ == phase::ready && !quitting_) {
    send_call(number, held, now, out);
  } else {
    want(now, out);
  }
  return out;
}

/// Somebody waits for a server that does not take his call right now.
void mcp_keeper::want(time_us now, mcp_keeper_orders& out) {
  if (quitting_) {
    fail_all(named("is being stopped"), true, out);
    tell_waiting(named("is being stopped"), out);
  } else if (phase_ == phase::ready) {
    if (list_wanted_) tell_waiting({}, out);
  } else if (phase_ == phase::resting && now >= rest_until_) {
    phase_ = phase::starting;
    start_until_ = now + to_us(start_timeout_);
    session_.emplace(id_, client_version_);
    out.emplace_back(mcp_order::open{++connection_});
    obey(session_->begin(), now, out);
  } else if (phase_ == phase::resting && !problem_.empty()) {
    // It could not be started a moment ago; whoever asks now need not wait to hear the same.
    const auto wait = std::chrono::microseconds{rest_until_ - now};
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
    const auto problem = problem_ + " (not tried again for " + std::to_string(seconds.count()) + " s)";
    fail_all(problem, true, out);
    tell_waiting(problem, out);
  }
}

mcp_keeper_orders mcp_keeper::stop(mcp_call_no number, std::string_view reason, time_us now) {
  mcp_keeper_orders out;
  auto found = calls_.find(number);
  if (found == calls_.end()) return out;
  // Whoever stops it does not say why. One that had all its time was given up; a little early, because the run's clock
  // started before ours.
  const bool silent = found->second.sent && now - found->second.began >= to_us(call_timeout_) / 10 * 9;
  calls_.erase(found);
  if (phase_ != phase::ready) return out;
  obey(session_->cancel(number, reason), now, out);
  if (!silent || ++silent_calls_ < limits::mcp_silent_calls_max) return out;
  give_up("was stopped (it left " + std::to_string(silent_calls_) + " calls in a row without an answer)", now, out);
  return out;
}

mcp_keeper_orders mcp_keeper::said(const mcp_said& what, time_us now) {
  mcp_keeper_orders out;
  if (what.connection != connection_ || phase_ == phase::resting) return out;
  if (what.what == mcp_word::ended) {
    on_ended(what, now, out);
  } else if (phase_ == phase::closing) {
    // What was on its way when it was told to close.
  } else if (what.what == mcp_word::message) {
    obey(session_->take(what.text), now, out);
  } else if (what.what == mcp_word::request_failed) {
    obey(session_->request_failed(what.request, what.text), now, out);
  } else if (what.what == mcp_word::session_lost) {
    on_session_lost(what.request, now, out);
  }
  return out;
}

mcp_keeper_orders mcp_keeper::tick(time_us now) {
  mcp_keeper_orders out;
  if (phase_ == phase::starting && now >= start_until_) {
    give_up("was not ready within " + format_duration(start_timeout_), now, out);
  } else if (phase_ == phase::closing && !quitting_ && now >= close_until_) {
    // It does not even end: it is as good as gone, and what it says from now on is of an old connection.
    mcp_said silence;
    silence.text = "it does not end";
    on_ended(silence, now, out);
  } else if (phase_ == phase::resting && is_wanted()) {
    want(now, out);
  }
  return out;
}

mcp_keeper_orders mcp_keeper::quit() {
  mcp_keeper_orders out;
  quitting_ = true;
  fail_all(named("is being stopped"), true, out);
  tell_waiting(named("is being stopped"), out);
  if (phase_ == phase::resting) {
    out.emplace_back(mcp_order::gone{});
  } else if (phase_ != phase::closing) {
    give_up({}, 0, out);
  }
  return out;
}

std::optional<mcp_keeper::time_us> mcp_keeper::wake_at() const {
  if (phase_ == phase::starting) return start_until_;
  if (phase_ == phase::closing && !quitting_) return close_until_;
  if (phase_ == phase::resting && is_wanted()) return rest_until_;
  return std::nullopt;
}

void mcp_keeper::obey(mcp_session_effects effects, time_us now, mcp_keeper_orders& out) {
  for (auto& effect : effects) {
    if (std::holds_alternative<mcp_effect::ready>(effect)) {
      become_ready(now, out);
    } else if (auto* broken = std::get_if<mcp_effect::broken>(&effect)) {
      give_up(std::move(broken->why), now, out);
    } else if (auto* answer = std::get_if<mcp_effect::answer>(&effect)) {
      silent_calls_ = 0;
      calls_.erase(answer->call);
      out.emplace_back(std::move(*answer));
    } else if (auto* send = std::get_if<mcp_effect::send>(&effect)) {
      out.emplace_back(std::move(*send));
    } else if (auto* forget = std::get_if<mcp_effect::forget>(&effect)) {
      out.emplace_back(*forget);
    }
  }
}

void mcp_keeper::become_ready(time_us now, mcp_keeper_orders& out) {
  tools_ = session_->tools();
  if (phase_ == phase::ready) return;  // only the list is new
  phase_ = phase::ready;
  problem_.clear();
  ready_since_ = now;
  silent_calls_ = 0;
  if (list_wanted_) tell_waiting({}, out);
  std::vector<mcp_call_no> waiting;
  for (const auto& [number, call] : calls_) waiting.push_back(number);
  for (auto number : waiting) send_call(number, calls_.at(number), now, out);
}

void mcp_keeper::send_call(mcp_call_no number, held_call& call, time_us now, mcp_keeper_orders& out) {
  call.sent = true;
  obey(session_->call(number, call.what), now, out);
}

/// Ends the connection; what comes of it is decided when it has ended. An empty `why`: nothing is wrong with it.
void mcp_keeper::give_up(std::string why, time_us now, mcp_keeper_orders& out) {
  was_ready_ = phase_ == phase::ready;
  phase_ = phase::closing;
  close_until_ = now + to_us(grace_) + to_us(limits::mcp_goodbye_max);
  why_ = std::move(why);
  out.emplace_back(mcp_order::close{});
}

void mcp_keeper::on_session_lost(std::uint64_t request, time_us now, mcp_keeper_orders& out) {
  // The server did nothing about this call, so it may be sent again; once, lest two servers behind one address play ball.
  auto found = calls_.find(session_->call_of(request));
  if (found != calls_.end() && !found->second.sent_again) {
    found->second.sent = false;
    found->second.sent_again = true;
  }
  lost_ = phase_ == phase::ready;
  give_up("has forgotten its session", now, out);
}

void mcp_keeper::on_ended(const mcp_said& what, time_us now, mcp_keeper_orders& out) {
  if (phase_ != phase::closing) {
    was_ready_ = phase_ == phase::ready;
    why_.clear();
  }
  auto how = !why_.empty() ? why_ : what.text.empty() ? std::string{"ended"} : "ended (" + what.text + ")";
  // A program that never was has one thing to say, and its name in it.
  const bool never_was = why_.empty() && !was_ready_ && what.not_started;
  phase_ = phase::resting;
  session_.reset();
  if (quitting_) {
    out.emplace_back(mcp_order::gone{});
    return;
  }
  const auto words = and_last_words(what.last_words);
  if (was_ready_) {
    problem_.clear();
    fail_all(named(how + " while it worked on this call") + words, false, out);
    if (now - ready_since_ >= to_us(limits::mcp_restart_delay_max)) deaths_ = 0;
  } else {
    problem_ = never_was ? named("could not be started: " + what.text)
                         : named(how + (why_.empty() ? " before it was ready" : "")) + words;
  }
  if (std::exchange(lost_, false)) {
    rest_until_ = now;
  } else {
    const auto doublings = std::min<std::uint32_t>(deaths_, 20);
    rest_until_ = now + std::min(to_us(limits::mcp_restart_base) << doublings, to_us(limits::mcp_restart_delay_max));
    ++deaths_;
  }
  why_.clear();
  if (!problem_.empty()) {
    const auto problem = problem_;
    fail_all(problem, true, out);
    tell_waiting(problem, out);
  } else if (is_wanted()) {
    want(now, out);
  }
}

void mcp_keeper::fail(mcp_call_no number, std::string why, mcp_keeper_orders& out) {
  auto found = calls_.find(number);
  out.emplace_back(mcp_effect::answer{number, true, mcp_cut(std::move(why), found->second.what.result_bytes_max), 0});
  calls_.erase(found);
}

void mcp_keeper::fail_all(const std::string& why, bool unsent_too, mcp_keeper_orders& out) {
  std::vector<mcp_call_no> failing;
  for (const auto& [number, call] : calls_) {
    if (call.sent || unsent_too) failing.push_back(number);
  }
  for (auto number : failing) fail(number, why, out);
}

void mcp_keeper::tell_waiting(std::string problem, mcp_keeper_orders& out) {
  if (std::exchange(list_wanted_, false)) out.emplace_back(mcp_order::listed{std::move(problem)});
}

}  // namespace oncue::core
