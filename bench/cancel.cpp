// How long a cancel takes among ten thousand live runs: to the ending at a reader, in every phase, and to the provider's
// socket.
#include "bench.hpp"
#include "child.hpp"
#include "crowd.hpp"
#include "support/provider.hpp"

namespace oncue::bench {

namespace {

using namespace std::chrono_literals;

struct phase_case {
  std::string name;
  core::agent_entry agent;
  run_phase phase;
  std::function<bool(const run_event&)> is_ready;
  std::size_t runs;     ///< in this phase; silent ones fill up to `alive`
  std::size_t cancels;  ///< of them
};

struct cancel_times {
  std::vector<double> ending_us;   ///< until the reader has the ending
  std::vector<double> receipt_us;  ///< until the caller has the receipt: stopped, closed and journalled
};

/// One after the other, from this thread. The first run is left alone: it may hold the only place.
cancel_times cancel_some(runtime& node, const crowd_report& report, const std::string& prefix, const phase_case& what) {
  cancel_times times;
  for (std::size_t i = 1; i <= what.cancels; ++i) {
    rest(500us);  // a person's cancel finds the workers asleep
    auto from = steady::now();
    auto receipt = node.cancel(run_id{prefix + std::to_string(i)});
    times.receipt_us.push_back(us_between(from, steady::now()));
    times.ending_us.push_back(us_between(from, report.wait_for_end(i)));
    expect(receipt.outcome == cancel_outcome::cancelled && receipt.upstream_closed, "the cancel of a live run");
    expect(receipt.phase_at_cancel == what.phase, "the run to be " + std::string{to_string(what.phase)} + ", it was " +
                                                      std::string{to_string(*receipt.phase_at_cancel)});
  }
  return times;
}

void measure(const phase_case& what, std::size_t alive, results& out) {
  core::roster_limits limits;
  if (what.phase == run_phase::queued) limits.running_max = 1;
  runtime node{node_with({what.agent, silent_agent("background")}, limits)};
  auto report = send_crowd(node, {.agent = what.agent.agent.id,
                                  .runs = what.runs,
                                  .in_flight = what.runs,
                                  .id_prefix = "target-",
                                  .is_ready = what.is_ready});
  auto others = send_crowd(node, {.agent = {"background"}, .runs = alive - what.runs, .in_flight = alive - what.runs});
  report->wait_for_ready(what.runs);
  if (alive > what.runs) others->wait_for_started();
  rest(200ms);
  auto times = cancel_some(node, *report.report, "target-", what);
  out.add_percentiles(what.name + ", to the ending", times.ending_us, "us", {.p99 = 1000});
  out.add_percentiles("  to the receipt", times.receipt_us, "us");
}

template <class Event>
bool is(const run_event& event) {
  return get_if<Event>(event) != nullptr;
}

}  // namespace

void cancel_latency(const options& how, results& out) {
  const auto alive = how.pick(10'000, 400);
  const auto cancels = how.pick(1'000, 40);
  provider_process provider;

  auto streaming_agent = fast_agent("streaming", 0);
  streaming_agent.model.scripted.token_delay = 1000ms;
  auto backing_off_agent = http_agent("backing-off", provider.base_url("status;code=500"));
  backing_off_agent.agent.retry = {.base = 5min, .delay_max = 5min};
  auto connecting_agent = http_agent("connecting", provider.base_url("slow_headers"));
  const auto sockets = how.pick(200, 40);

  measure({"queued", silent_agent("queued"), run_phase::queued, is<run_started>, alive, cancels}, alive, out);
  measure({"connecting", connecting_agent, run_phase::connecting, is<model_request_started>, sockets, sockets - 1}, alive,
          out);
  measure({"waiting", silent_agent("waiting"), run_phase::waiting, is<model_request_started>, alive, cancels}, alive, out);
  measure({"streaming, a token a second", streaming_agent, run_phase::streaming, is<content_delta>, alive, cancels}, alive,
          out);
  measure({"backing off", backing_off_agent, run_phase::backing_off, is<model_request_retrying>, cancels + 1, cancels},
          alive, out);
}

void cancel_to_socket(const options& how, results& out) {
  const auto streams = how.pick(200, 30);
  test::provider provider;
  auto entry = http_agent("endless", provider.base_url("endless;gap_ms=20"));
  runtime node{node_with({entry})};
  phase_case what{"streaming", entry, run_phase::streaming, is<content_delta>, streams, streams - 1};
  auto report = send_crowd(
      node,
      {.agent = {"endless"}, .runs = streams, .in_flight = streams, .id_prefix = "stream-", .is_ready = what.is_ready});
  report->wait_for_ready(streams);

  std::vector<steady::time_point> cancelled_at(streams);
  std::vector<double> ending_us;
  for (std::size_t i = 0; i < streams; ++i) {
    rest(2ms);
    cancelled_at[i] = steady::now();
    auto receipt = node.cancel(run_id{"stream-" + std::to_string(i)});
    ending_us.push_back(us_between(cancelled_at[i], report->wait_for_end(i)));
    expect(receipt.outcome == cancel_outcome::cancelled && receipt.upstream_closed, "the cancel of a live stream");
  }
  auto all_closed = provider.wait_until([&](const auto& records) {
    for (const auto& record : records) {
      if (!record.client_closed) return false;
    }
    return records.size() == streams;
  });
  expect(all_closed, "the provider to see every stream closed");
  std::vector<double> socket_us(streams, -1);
  for (const auto& record : provider.records()) {
    for (std::size_t i = 0; i < streams; ++i) {
      // The prompt names the run; the quote ends its number.
      if (record.request_body.find("\"stream-" + std::to_string(i) + "\"") == std::string::npos) continue;
      socket_us[i] = us_between(cancelled_at[i], *record.closed_at);
    }
  }
  for (auto us : socket_us) expect(us >= 0, "a connection for every run");
  out.add_percentiles("to the provider's seeing the socket close", socket_us, "us", {.p99 = 5000});
  out.add_percentiles("to the ending at a reader", ending_us, "us", {.p99 = 1000});
}

}  // namespace oncue::bench
