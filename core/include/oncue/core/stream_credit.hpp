// How far a model may run ahead of its run. Deltas wait in the run's mailbox, which has no limit of its own: the stream
// counts what it has sent, the run tells it in large steps what it has taken, and a stream with too much in between reads
// no more from its provider. Two halves that only count; neither knows the other, or a clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "oncue/core/limits.hpp"
#include "oncue/messages/model.hpp"
#include "oncue/messages/mutants.hpp"

namespace oncue::core {

/// What a delta holds while it waits: its text and the message around it.
inline std::size_t waiting_bytes(const model_delta& delta) { return delta.text.size() + limits::delta_message_bytes; }

/// The run's half, one an attempt.
class taken_meter {
 public:
  /// The sum to tell the stream now, if it is time again.
  std::optional<std::uint64_t> take(std::size_t bytes) {
    taken_ += bytes;
    if (taken_ - told_ < limits::taken_step_bytes) return {};
    told_ = taken_;
    return told_;
  }

 private:
  std::uint64_t taken_ = 0;
  std::uint64_t told_ = 0;
};

/// The stream's half.
class stream_credit {
 public:
  void sent(std::size_t bytes) { sent_ += bytes; }
  /// `sum`: of all that the run has taken. An older word changes nothing.
  void taken(std::uint64_t sum) { taken_ = std::max(taken_, std::min(sum, sent_)); }
  /// Too much waits: read no more until this is false.
  bool is_full() const { return sent_ - taken_ > limits::untaken_bytes_max && !planted(mutant::model_unbounded); }

 private:
  std::uint64_t sent_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace oncue::core
