// oncue's runtime in this process: one actor starts the runs and reads every event.
#include <unistd.h>

#include <stdexcept>

#include "crowd.hpp"
#include "reader.hpp"

namespace oncue::bench::load {

namespace {

reader_seen read_all(runtime& node, const reader_work& work, std::size_t sessions, const std::string& prefix) {
  auto turns = work.store.empty() ? 1 : work.turns;
  auto crowd = send_crowd(node, {.agent = {"bench"},
                                 .runs = sessions * turns,
                                 .in_flight = work.in_flight,
                                 .turns = turns,
                                 .session_prefix = prefix});
  crowd->wait_for_all();
  if (crowd->completed() != crowd->ended()) {
    throw std::runtime_error{std::to_string(crowd->ended() - crowd->completed()) + " of " + std::to_string(crowd->ended()) +
                             " runs did not complete: " + crowd->first_failure()};
  }
  auto latencies = crowd->latencies_us();
  return {crowd->ended(), crowd->deltas(), crowd->text_bytes(), {latencies.begin(), latencies.end()}};
}

}  // namespace

reader_seen read_with_oncue(const reader_work& work, const reader_watch& watch) {
  auto agent = http_agent("bench", work.base_url);
  agent.agent.retry.attempts_max = 1;  // a provider that is not there is an error at once
  auto options = node_with({std::move(agent)});
  if (!work.store.empty()) options.store = core::store_settings{.path = work.store};
  runtime node{std::move(options)};
  // A store that is there already keeps its sessions: new ones need names of their own.
  auto prefix = std::to_string(::getpid()) + "-" + std::to_string(steady::now().time_since_epoch().count()) + "-";
  if (watch.warm > 0) read_all(node, work, watch.warm, prefix + "warm-");
  watch.begin();
  auto seen = read_all(node, work, work.runs, prefix);
  watch.end();
  return seen;
}

std::string oncue_version() { return ONCUE_VERSION; }

}  // namespace oncue::bench::load
