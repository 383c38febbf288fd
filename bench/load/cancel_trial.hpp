// One run that is cancelled in one of its phases, seen from three sides: the run's stream, the cancel's answer, and the
// provider, which is asked what became of the stream that it served. Used again and again, so that its connections stay
// open.
#pragma once

#include <cstdint>
#include <string>

#include "client.hpp"
#include "http_call.hpp"

namespace oncue::bench::load {

enum class cancel_phase : std::uint8_t { waiting, streaming, before_completion, queued };

struct cancel_plan {
  cancel_phase phase = cancel_phase::waiting;
  std::uint64_t deltas = 0;  ///< before_completion: so many are all
  http_address provider;
};

class cancel_trial {
 public:
  struct outcome {
    std::string ending;
    std::int64_t requested_ns = 0;
    std::int64_t ended_ns = 0;            ///< 0: no ending in time
    std::int64_t answered_ns = 0;         ///< 0: no answer to the cancel
    std::int64_t provider_closed_ns = 0;  ///< 0: it has not seen a close
    bool provider_asked = false;          ///< it has had the request
    bool provider_finished = false;       ///< it has answered to the end
    std::uint64_t deltas_after_request = 0, deltas_after_close = 0;
    std::string failure;  ///< there was nothing to cancel, or the cancel was refused
  };

  cancel_trial(client& here, const cancel_plan& plan)
      : here_{here},
        plan_{plan},
        run_{here.loop, here.target},
        cancel_{here.loop, here.target.address},
        provider_{here.loop, plan.provider} {}

  void start(const std::string& key);
  bool is_busy() const { return at_ != step::over; }
  /// Call it after every turn of the loop; true once the outcome is known.
  bool advance();
  const outcome& seen() const { return seen_; }

 private:
  enum class step : std::uint8_t { arriving, cancelling, closing, over };

  bool has_arrived();
  void cancel();
  void look_for_ending();
  void look_at_provider();
  bool ask_provider();
  void count_deltas(const json& stream);
  void give_up(const std::string& why);

  client& here_;
  const cancel_plan& plan_;
  run_stream run_;
  http_call cancel_;
  http_call provider_;
  std::string key_;
  step at_ = step::over;
  std::int64_t until_ns_ = 0;
  outcome seen_;
};

}  // namespace oncue::bench::load
