#include "provider.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

namespace oncue::sim {

namespace {

class model_state {
 public:
  static constexpr const char* name = "model";

  model_state(model_stream_actor::pointer self, provider* office, int life, bool has_tools)
      : self_{self}, office_{*office}, luck_{office->luck}, call_{office->new_call(self, life, false)}, tools_{has_tools} {}

  model_stream_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg&) { self_->quit(); });
    return {
        [this](model_request& request, attempt_no attempt, const delta_sink_actor& sink) {
          attempt_ = attempt;
          sink_ = sink;
          self_->monitor(sink);
          begin(request);
        },
        [](deltas_taken) {},
        [this](close_stream) {
          if (call_->told_to_close_ms < 0) call_->told_to_close_ms = luck_.now_ms();
          luck_.tell(call_->run, "its stream is told to close" + std::string{deaf_ ? ", and is deaf" : ""});
          if (!deaf_) close();
        },
        [this](pause_stream) { paused_ = true; },
        [this](resume_stream) {
          if (std::exchange(paused_, false) && waits_) {
            waits_ = false;
            go_on();
          }
        },
    };
  }

 private:
  void begin(const model_request& request) {
    bool has_results = false;
    for (const auto& message : request.messages) {
      if (message.role == chat_role::user) input_ = message.content;
      if (message.role == chat_role::user) has_results = false;
      if (message.role == chat_role::tool) has_results = true;
    }
    answer_ = office_.books.model_asked(input_, call_->life, attempt_);
    call_->run = office_.books.run_of(input_);
    how_ = office_.draw_manner();
    deaf_ = !office_.heals && luck_.hits(office_.mood.deaf);
    words_ = 1 + luck_.roll(how_ == manner::floods ? 6 : 8);
    if (how_ != manner::talks || deaf_) office_.books.model_fails(input_);
    wants_tools_ = tools_ && !has_results && luck_.hits(office_.mood.calls_tools);
    luck_.tell(call_->run, "asks its model, attempt " + std::to_string(attempt_) + ", which " + to_string(how_));
    later();
  }

  void later() {
    self_->run_delayed(luck_.span(0, office_.mood.pace_ms), [this] { go_on(); });
  }

  template <class Message>
  void say(Message what) {
    what.attempt = attempt_;
    self_->send(sink_, std::move(what));
  }

  void fail(failure_code code, std::uint16_t status, bool retryable) {
    model_failed what;
    what.code = code;
    what.provider_status = status;
    what.message = "the provider said no";
    what.retryable = retryable;
    if (status == 429 && luck_.roll(2) == 0) what.retry_after_ms = luck_.roll(400);
    say(std::move(what));
    if (!deaf_) return close();
    // It has said that it is over, and goes on talking: nobody listens any more, and nobody tells it to close.
    if (call_->told_to_close_ms < 0) call_->told_to_close_ms = luck_.now_ms();
    how_ = manner::talks;
    took_ = true;
    later();
  }

  void close() {
    say(model_closed{});
    self_->quit();
  }

  void go_on() {
    if (paused_) {
      waits_ = true;
      return;
    }
    using enum manner;
    if (how_ == silent) return;
    if (how_ == refuses_for_now) {
      auto status = std::uint16_t{503};
      switch (luck_.roll(3)) {
        case 0: return fail(failure_code::provider_unreachable, 0, true);
        case 1: return fail(failure_code::provider_rate_limited, 429, true);
        default: return fail(failure_code::provider_refused, status, true);
      }
    }
    if (how_ == refuses) return fail(failure_code::provider_refused, 400, false);
    if (!std::exchange(took_, true)) {
      office_.books.model_took(input_);
      say(model_opened{});
      if (how_ == opens_and_is_silent) return;
      return later();
    }
    if (how_ == breaks_off && said_ >= words_ / 2) return fail(failure_code::provider_protocol, 200, luck_.roll(2) == 0);
    if (how_ == dies && said_ >= words_ / 2) {
      luck_.tell(call_->run, "its stream's actor dies");
      self_->quit(caf::exit_reason::kill);
      return;
    }
    if (said_ < words_ && !(wants_tools_ && said_ > 0)) {
      ++said_;
      office_.books.model_spoke(input_);
      auto size = how_ == floods ? 60'000 + luck_.roll(40'000) : 1 + luck_.roll(12);
      auto kind = luck_.roll(8) == 0 ? delta_kind::reasoning : delta_kind::text;
      // Nobody else says this, and it says it only here.
      auto word =
          std::to_string(attempt_) + "." + std::to_string(said_) + std::string(size, static_cast<char>('a' + said_ % 26));
      (kind == delta_kind::text ? answer_->text : answer_->reasoning) += word;
      say(model_delta{0, kind, std::move(word)});
      return later();
    }
    model_done done;
    done.finish_reason = wants_tools_ ? "tool_calls" : "stop";
    done.usage = {luck_.roll(9), luck_.roll(9), 0, 0};
    if (wants_tools_) done.tool_calls = some_calls();
    say(std::move(done));
    if (!deaf_) return close();
    if (call_->told_to_close_ms < 0) call_->told_to_close_ms = luck_.now_ms();  // it has said all, and only lingers
  }

  std::vector<tool_call> some_calls() {
    std::vector<tool_call> calls;
    for (std::uint64_t i = 0, count = 1 + luck_.roll(2); i < count; ++i) {
      auto id = "c" + std::to_string(i);
      switch (luck_.roll(5)) {
        case 0: calls.push_back({id, "ask", "{}"}); break;
        case 1: {
          auto number = std::to_string(++office_.kids);
          calls.push_back({id, "kid", R"({"message":"kid-)" + number + R"("})"});
          break;
        }
        default: calls.push_back({id, "work", "{}"}); break;
      }
    }
    return calls;
  }

  model_stream_actor::pointer self_;
  provider& office_;
  chance& luck_;
  std::shared_ptr<provider::call> call_;
  bool tools_ = false;
  attempt_no attempt_ = 0;
  delta_sink_actor sink_;
  std::string input_;
  std::shared_ptr<spoken> answer_;
  manner how_ = manner::talks;
  bool deaf_ = false;
  bool took_ = false;
  bool paused_ = false;
  bool waits_ = false;
  bool wants_tools_ = false;
  std::uint64_t words_ = 0;
  std::uint64_t said_ = 0;
};

enum class tool_manner { answers, fails, hangs, dies, is_deaf };

std::string to_string(tool_manner how) {
  static const std::vector<std::string> words{"answers", "fails", "hangs", "dies", "is deaf"};
  return words[static_cast<std::size_t>(how)];
}

class tool_state {
 public:
  static constexpr const char* name = "tool";

  tool_state(tool_call_actor::pointer self, provider* office, int life)
      : self_{self}, office_{*office}, luck_{office->luck}, call_{office->new_call(self, life, true)} {}

  tool_call_actor::behavior_type make_behavior() {
    self_->set_down_handler([this](const caf::down_msg&) { self_->quit(); });
    return {
        [this](start_tool& what, const tool_sink_actor& sink) {
          number_ = what.number;
          sink_ = sink;
          call_->run = what.run.value;
          self_->monitor(sink);
          auto bad = !office_.heals && luck_.hits(office_.mood.bad_tools);
          how_ = bad ? static_cast<tool_manner>(1 + luck_.roll(4)) : tool_manner::answers;
          luck_.tell(call_->run, "starts a tool, which " + to_string(how_));
          if (bad) office_.books.tool_fails(what.run);
          if (how_ == tool_manner::hangs || how_ == tool_manner::is_deaf) return;
          self_->run_delayed(luck_.span(0, 200), [this] { answer(); });
        },
        [this](stop_tool) {
          if (call_->told_to_close_ms < 0) call_->told_to_close_ms = luck_.now_ms();
          if (how_ != tool_manner::is_deaf) close();
        },
    };
  }

 private:
  void answer() {
    if (how_ == tool_manner::dies) {
      self_->quit(caf::exit_reason::kill);
      return;
    }
    self_->send(sink_, tool_result{number_, how_ == tool_manner::fails, "42"});
    close();
  }
  void close() {
    self_->send(sink_, tool_closed{number_});
    self_->quit();
  }

  tool_call_actor::pointer self_;
  provider& office_;
  chance& luck_;
  std::shared_ptr<provider::call> call_;
  tool_no number_ = 0;
  tool_sink_actor sink_;
  tool_manner how_ = tool_manner::answers;
};

}  // namespace

std::string to_string(manner how) {
  static const std::vector<std::string> words{"talks",    "is silent",  "falls silent", "says 429 or 503",
                                              "says 400", "breaks off", "dies",         "floods"};
  return words[static_cast<std::size_t>(how)];
}

std::shared_ptr<const core::tool_set> world_tools(milliseconds timeout) {
  std::vector<core::tool_spec> specs(3);
  specs[0].name = "work";
  specs[0].timeout = timeout;
  specs[1].name = "ask";
  specs[1].need = tool_need::confirmation;
  specs[1].timeout = timeout;
  specs[2].name = "kid";
  specs[2].kind = core::tool_kind::agent;
  specs[2].agent = {"kid"};
  specs[2].timeout = 4 * timeout;
  return std::make_shared<const core::tool_set>(std::get<0>(core::tool_set::make(std::move(specs))));
}

std::shared_ptr<provider::call> provider::new_call(caf::abstract_actor* by, int life, bool is_tool) {
  auto made = calls.emplace_back(std::make_shared<call>());
  made->life = life;
  made->opened_ms = luck.now_ms();
  made->is_tool = is_tool;
  by->attach_functor([made, this](const caf::error&) { made->over(luck.now_ms()); });
  return made;
}

model_stream_actor provider::open_model(caf::actor_system& system, int life, const core::agent_entry& agent) {
  return system.spawn<model_stream_actor::stateful_impl<model_state>>(this, life, agent.tools != nullptr);
}

tool_call_actor provider::open_tool(caf::actor_system& system, int life, const std::string&) {
  return system.spawn<tool_call_actor::stateful_impl<tool_state>>(this, life);
}

manner provider::draw_manner() {
  if (heals) return manner::talks;
  std::uint64_t sum = 0;
  for (auto weight : mood.weights) sum += weight;
  auto at = luck.roll(sum);
  for (std::size_t i = 0; i < manners; ++i) {
    if (at < mood.weights[i]) return static_cast<manner>(i);
    at -= mood.weights[i];
  }
  return manner::talks;
}

std::size_t provider::open_calls() const {
  return static_cast<std::size_t>(std::count_if(calls.begin(), calls.end(), [](const auto& x) { return x->open; }));
}

std::string provider::still_open(const std::string& run) const {
  for (const auto& one : calls) {
    if (one->open && one->run == run) return one->is_tool ? "a tool" : "a model stream";
  }
  return {};
}

}  // namespace oncue::sim
