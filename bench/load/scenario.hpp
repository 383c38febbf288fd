// What the provider does to a request, read from the first segment of its path: `words;n=20;gap_us=5000`. Owns the bytes of
// the answer: everything that can be made once is made once, so that a delta costs the provider a time and a write.
//
//   n         deltas; 0: for ever (default 10)
//   gap_us    between two deltas; 0: the whole answer at once, in HTTP chunks of up to 64 KiB (default 0)
//   first_ms  from the headers to the first chunk (default 0)
//   last_ms   from the last delta to the finish chunk (default 0)
//   bytes     of each delta's text, at least 24 (default 24): "t=<CLOCK_MONOTONIC in ns> " and letters up to that length;
//             with gap_us=0 the time is 0
//   times     1: the statistics keep the time of each delta (default 0)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace oncue::bench::load {

struct scenario_settings {
  std::uint64_t n = 10;
  std::uint64_t gap_us = 0;
  std::uint64_t first_ms = 0;
  std::uint64_t last_ms = 0;
  std::uint64_t bytes = 24;
  std::uint64_t times = 0;
};

/// Throws std::runtime_error with one sentence for what is no scenario.
scenario_settings parse_scenario(std::string_view text);

class scenario {
 public:
  explicit scenario(const scenario_settings& how);

  const scenario_settings& how() const { return how_; }

  /// The response's head, and the role chunk.
  const std::string& head() const { return head_; }
  const std::string& role() const { return role_; }
  const std::string& head_and_role() const { return head_and_role_; }

  /// One delta with this time; valid until the next call.
  std::string_view delta(std::int64_t time_ns);

  /// With gap_us=0: all deltas; with n=0 too a block of them, to be repeated.
  const std::string& all_deltas() const { return all_deltas_; }
  std::uint64_t deltas_in_block() const { return deltas_in_block_; }

  /// Finish chunk, usage chunk if it was asked for, [DONE], the body's end.
  const std::string& ending(bool usage) const { return ending_[usage ? 1 : 0]; }

  /// Nothing is waited for, so all of it, with its head, is one text.
  bool is_one_write() const { return how_.gap_us + how_.first_ms + how_.last_ms == 0 && how_.n > 0; }
  const std::string& whole(bool usage) const { return whole_[usage ? 1 : 0]; }

  /// The answer to a request that did not ask for a stream, with its head.
  std::string whole_json() const;

 private:
  std::string text(std::string_view time) const;
  void make_all_deltas();

  scenario_settings how_;
  std::string head_, role_, head_and_role_, delta_, all_deltas_, ending_[2], whole_[2];
  std::size_t time_at_ = 0;  // where in delta_ the time stands
  std::uint64_t deltas_in_block_ = 0;
};

/// A JSON answer with its head.
std::string json_answer(int status, std::string_view json);

}  // namespace oncue::bench::load
