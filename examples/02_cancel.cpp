// Cancelling a running agent: start a long story, learn its run id from the first event, cancel it from another thread
// after some seconds, keep what was written, and report.
//
//   build/dev/examples/02_cancel             cancelled after 8 seconds, with the text so far
//   build/dev/examples/02_cancel 0           cancelled before there is any text
//   build/dev/examples/02_cancel 2 10        a story of 10 words is over before the cancel comes
//   build/dev/examples/02_cancel 1 0 nobody  an agent that does not exist: no run to cancel
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <string>
#include <thread>

#include "oncue/core/config.hpp"
#include "oncue/runtime.hpp"

struct result {
  std::string status = "NO RUN";
  std::string run_id = "-";
  std::string content;
  std::string error;
  bool was_cancelled = false;
};

// Reads the run to its end; the first event tells the run id to whoever waits for it.
result stream_story(oncue::runtime& runtime, const std::string& agent, std::promise<std::string>& run_id) {
  auto run = runtime.start({.agent = {agent}, .input = "write a very long story about a dragon who learns to code"});
  if (run.refused) {
    run_id.set_value("");
    return {.error = run.refused->message};
  }
  result r{.run_id = run.id.value};
  for (const auto& event : run.events) {
    if (oncue::get_if<oncue::run_started>(event)) run_id.set_value(run.id.value);
    if (const auto* words = oncue::get_if<oncue::content_delta>(event)) {
      r.content += words->text;
      std::cout << words->text << std::flush;
    }
    if (const auto* end = oncue::get_if<oncue::run_ended>(event)) {
      r.status = to_string(status_of(end->how));
      r.was_cancelled = end->how.kind == oncue::ending_kind::cancelled;
      if (r.was_cancelled) std::cout << "\n[CANCELLED] Run was cancelled: " << run.id.value << "\n";
      if (end->how.kind == oncue::ending_kind::failed) r.error = end->how.message;
    }
  }
  return r;
}

// "Elsewhere": knows nothing but the id.
void cancel_after(oncue::runtime& runtime, std::chrono::seconds delay, std::future<std::string> run_id) {
  auto id = run_id.get();
  if (id.empty()) {
    std::cout << "[ERROR] No run to cancel\n";
    return;
  }
  std::this_thread::sleep_for(delay);
  auto reply = runtime.cancel(oncue::run_id{id});
  if (reply.outcome == oncue::cancel_outcome::cancelled) {
    std::cout << "\n[OK] Run " << id << " cancelled in " << reply.latency_us << " us\n";
  } else {
    std::cout << "\n[ERROR] Run " << id << " was not cancelled: " << to_string(reply.outcome) << "\n";
  }
}

int main(int argc, char** argv) {
  std::chrono::seconds delay{argc > 1 ? std::atoi(argv[1]) : 8};
  auto words = static_cast<std::uint32_t>(argc > 2 ? std::atoi(argv[2]) : 0);
  std::string agent = argc > 3 ? argv[3] : "story-writer-agent";

  // The default configuration, with a shorter story if asked for.
  auto config = std::get<oncue::core::config>(oncue::core::default_config({}));
  config.models.front().scripted.tokens = words;
  oncue::runtime runtime{{.catalog = oncue::core::make_catalog(config)}};

  std::promise<std::string> run_id;
  std::thread canceller{cancel_after, std::ref(runtime), delay, run_id.get_future()};
  auto r = stream_story(runtime, agent, run_id);
  canceller.join();

  std::cout << "\n============================================================\nRESULTS\n"
            << "Status:        " << r.status << "\n"
            << "Run ID:        " << r.run_id << "\n"
            << "Was cancelled: " << (r.was_cancelled ? "yes" : "no") << "\n";
  if (!r.error.empty()) {
    std::cout << "Error:         " << r.error << "\n";
  } else if (r.content.empty()) {
    std::cout << "Content:       none before the cancellation\n";
  } else {
    std::cout << "Content:       " << r.content.substr(0, 200) << (r.content.size() > 200 ? "..." : "") << "\n";
  }
  std::cout << (r.was_cancelled ? "\nSUCCESS: the run was cancelled\n" : "\nWARNING: the run was not cancelled\n");
  return r.error.empty() ? 0 : 1;
}
