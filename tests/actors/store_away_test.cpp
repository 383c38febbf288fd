// A store that cannot be reached for a while: what runs said waits for it, what somebody waits for is answered in time.
#define CAF_SUITE actors.store_away

#include <caf/test/unit_test.hpp>

#include "support/node.hpp"
#include "support/promises.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

/// In front of a real store; the test takes it away and brings it back.
class absent_store : public io::run_store {
 public:
  absent_store(std::shared_ptr<io::run_store> real, const bool& away) : real_{std::move(real)}, away_{away} {}

  std::vector<io::store_answer> commit(std::span<const io::store_write> writes) override {
    if (!away_) return real_->commit(writes);
    problem_ = "the database cannot be reached";
    return {};
  }
  io::upkeep_result maintain(std::int64_t now_ms) override { return real_->maintain(now_ms); }
  io::run_archive& reads() override { return real_->reads(); }
  const io::store_stats& stats() const override { return real_->stats(); }
  const std::string& problem() const override { return away_ ? problem_ : real_->problem(); }
  const std::string& path() const override { return real_->path(); }

 private:
  std::shared_ptr<io::run_store> real_;
  const bool& away_;
  std::string problem_;
};

struct bench {
  bool away = false;
  node n{options()};

  node_options options() {
    node_options all;
    all.journal = journal_kind::sqlite;
    all.wrap_store = [this](std::shared_ptr<io::run_store> real) {
      return std::make_shared<absent_store>(std::move(real), away);
    };
    return all;
  }
};

}  // namespace

CAF_TEST(what a run says while the store is away is published when it is back and nothing is lost) {
  bench b;
  b.n.run("r");
  recording seen;
  b.n.record("r", seen);
  b.n.say_text("one ");
  b.away = true;
  b.n.say_text("two ");
  b.n.advance(3s);
  b.n.say_text("three");
  CAF_CHECK_EQUAL(text_of(seen.events), "one ");
  b.away = false;
  b.n.advance(1s);
  CAF_CHECK_EQUAL(text_of(seen.events), "one two three");
  b.n.say(model_done{});
  b.n.say(model_closed{});
  CAF_CHECK(seen.ended);
}

CAF_TEST(a run that is cancelled while the store is away stops at once and ends when it is back) {
  bench b;
  b.n.run("r");
  recording seen;
  b.n.record("r", seen);
  b.n.say_text("one");
  b.away = true;
  auto reply = b.n.cancel("r");
  b.n.settle();
  CAF_CHECK(b.n.model().closed);
  b.n.advance(1s);
  CAF_CHECK_EQUAL(outcome(reply), "accepted");
  CAF_CHECK(!(*reply)->durable);
  b.away = false;
  b.n.advance(1s);
  CAF_CHECK(seen.ended);
  CAF_CHECK(ending_of(seen.events)->how.kind == ending_kind::cancelled);
}

CAF_TEST(a start is refused in time and the run does not come to be later) {
  bench b;
  b.away = true;
  auto reply = b.n.start("r");
  b.n.settle();
  CAF_CHECK_EQUAL(refused(reply), "no answer");
  b.n.advance(core::limits::database_wait_max);
  b.n.advance(200ms);
  CAF_CHECK_EQUAL(refused(reply), "journal_unavailable");
  b.away = false;
  b.n.advance(1s);
  CAF_CHECK(!std::get<run_found>(b.n.store()->reads().find(find_run{{"r"}, false})).run);
}

CAF_TEST(a cancel that could not be noted is not called accepted) {
  bench b;
  b.away = true;
  auto reply = b.n.cancel("nobody");
  b.n.advance(core::limits::database_wait_max);
  b.n.advance(200ms);
  // An error, which an HTTP client is told as 503: not one of the outcomes.
  CAF_CHECK_EQUAL(outcome(reply), "no answer");
}
