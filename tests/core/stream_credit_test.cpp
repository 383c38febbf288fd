#define CAF_SUITE core.stream_credit

#include "oncue/core/stream_credit.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

using namespace oncue;
using namespace oncue::core;

CAF_TEST(a stream is full while too much waits and is told so seldom) {
  const model_delta small{1, delta_kind::text, "four"};
  stream_credit stream;
  taken_meter run;
  std::uint64_t sent = 0, told = 0, most = 0;
  int words = 0;
  // The stream says as much as it may, the run takes one delta at a time.
  std::uint64_t taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    while (!stream.is_full()) {
      stream.sent(waiting_bytes(small));
      sent += waiting_bytes(small);
    }
    most = std::max(most, sent - taken);
    taken += waiting_bytes(small);
    if (auto sum = run.take(waiting_bytes(small))) {
      CAF_CHECK_EQUAL(*sum, taken);
      told = *sum;
      ++words;
      stream.taken(told);
    }
  }
  CAF_CHECK(most > limits::untaken_bytes_max);
  CAF_CHECK(most <= limits::untaken_bytes_max + limits::taken_step_bytes + waiting_bytes(small));
  CAF_CHECK_EQUAL(static_cast<std::uint64_t>(words), taken / (limits::taken_step_bytes / 260 * 260 + 260));
}

CAF_TEST(one large delta fills it and an old or impossible word changes nothing) {
  stream_credit stream;
  stream.sent(waiting_bytes({1, delta_kind::text, std::string(limits::untaken_bytes_max, 'x')}));
  CAF_CHECK(stream.is_full());
  stream.taken(1000);
  CAF_CHECK(!stream.is_full());
  stream.sent(2000);
  CAF_CHECK(stream.is_full());
  stream.taken(500);
  CAF_CHECK(stream.is_full());
  stream.taken(~std::uint64_t{0});
  CAF_CHECK(!stream.is_full());
  stream.sent(limits::untaken_bytes_max + 1);  // more than was sent cannot have been taken
  CAF_CHECK(stream.is_full());
}
