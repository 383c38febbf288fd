// A whole node on real threads and sockets, in front of the misbehaving provider: what the tests of whole runs share. Each
// scenario is an agent of its own. Nothing here sleeps: a test reads events, or waits for the provider's records.
#pragma once

#include <caf/deep_to_string.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "oncue/runtime.hpp"
#include "support/promises.hpp"
#include "support/provider.hpp"

namespace oncue::test {

using event_log = std::vector<event_ptr>;

/// Longer than anything takes on a loaded machine; a test that waits so long has failed.
inline constexpr std::chrono::seconds patience{10};

/// No deadlines, three attempts with hardly a delay, and a key in the variable TEST_KEY.
inline core::agent_entry agent_for(std::string id, std::string base_url) {
  core::agent_entry entry;
  entry.agent.id.value = std::move(id);
  entry.agent.name = "Writer";
  entry.agent.retry = {3, core::milliseconds{1}, core::milliseconds{1}};
  entry.model.id = "provider";
  entry.model.provider = core::provider_kind::openai;
  entry.model.name = "misbehaving";
  entry.model.base_url = std::move(base_url);
  entry.model.api_key_env = "TEST_KEY";
  return entry;
}

class live_node {
 public:
  using agent_change = std::function<void(core::agent_entry&)>;

  /// An agent for each scenario, each after `change`.
  live_node(const provider& server, const std::vector<std::string>& scenarios, const agent_change& change = {},
            core::roster_limits limits = {})
      : live_node{entries(server, scenarios, change), limits} {}

  explicit live_node(const std::vector<core::agent_entry>& agents, core::roster_limits limits = {}) {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
                             "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
      unsetenv(name);
    }
    runtime_options options;
    options.limits = limits;
    options.read_secret = [this](const std::string& name) { return name == "TEST_KEY" ? key : std::string{}; };
    for (const auto& entry : agents) {
      options.catalog.agents[entry.agent.id] = std::make_shared<core::agent_entry>(entry);
    }
    node = std::make_unique<runtime>(std::move(options));
  }

  started_run start(const std::string& agent, std::string id = {}) {
    return node->start({.id = {std::move(id)}, .agent = {agent}, .input = "tell me"});
  }

  /// A whole run; an empty log if it was refused or came to no ending.
  event_log run(const std::string& agent) {
    event_log log;
    auto run = start(agent);
    if (run.refused || !read_to_end(run.events, log)) log.clear();
    last_run = run.id;
    return log;
  }

  /// Appends to `log` until `enough` holds of it. False if the run ended before, or nothing came for too long.
  static bool read_until(run_events& events, event_log& log, const std::function<bool(const event_log&)>& enough) {
    while (!enough(log)) {
      auto event = events.next(patience);
      if (!event) return false;
      log.push_back(std::move(event));
    }
    return true;
  }

  static bool read_to_end(run_events& events, event_log& log) {
    read_until(events, log, [](const event_log&) { return false; });
    return events.ended();
  }

  /// What is broken about an ended run, or nothing: its log, what the journal replays of it, and its line in the list.
  std::string broken(const run_id& id, const event_log& log) {
    if (log.empty()) return "the run did not end";
    if (auto text = whole_log(log); !text.empty()) return text;
    if (!get_if<run_started>(*log.front())) return "the first event is not run_started";
    event_log replayed;
    auto events = node->read(id);
    if (!read_to_end(events, replayed)) return "the journal's copy has no ending: " + events.error();
    if (replayed != log) return "the journal holds another log than the reader saw";
    for (const auto& line : node->runs()) {
      if (line.id == id) return line.status == status_of(ending_of(log)->how) ? "" : "the list shows another status";
    }
    return "the list does not show the run";
  }

  std::string key = "sk-test-0123456789abcdef";
  run_id last_run;
  std::unique_ptr<runtime> node;

 private:
  static std::vector<core::agent_entry> entries(const provider& server, const std::vector<std::string>& scenarios,
                                                const agent_change& change) {
    std::vector<core::agent_entry> result;
    for (const auto& scenario : scenarios) {
      result.push_back(agent_for(scenario, server.base_url(scenario)));
      if (change) change(result.back());
    }
    return result;
  }
};

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

inline std::size_t count_requests(const std::vector<connection_record>& all) {
  std::size_t count = 0;
  for (const auto& r : all) count += r.requests;
  return count;
}

/// The connections that the client has not closed, or nothing.
inline std::string left_open(const std::vector<connection_record>& all) {
  std::string open;
  for (const auto& r : all) {
    if (r.client_closed) continue;
    open += "#" + std::to_string(r.id) + " " + r.scenario + ", " + std::to_string(r.requests) + " requests, " +
            std::to_string(r.deltas_sent) + " deltas" + (r.over ? ", over; " : "; ");
  }
  return open;
}

/// Waits until the client has closed all connections. Those that it has not, or nothing.
inline std::string closes_all(const provider& server) {
  server.wait_until([](const auto& all) { return left_open(all).empty(); });
  return left_open(server.records());
}

/// No answer is under way: each connection was closed, or waits for the next request.
inline bool at_rest(const std::vector<connection_record>& all) {
  for (const auto& r : all) {
    if (!r.client_closed && !r.over && r.answers != r.requests) return false;
  }
  return true;
}

template <class Event>
std::vector<Event> all_of(const event_log& log) {
  std::vector<Event> found;
  for (const auto& event : log) {
    if (const auto* it = get_if<Event>(*event)) found.push_back(*it);
  }
  return found;
}

/// Everything that the log says, as one text, to look for what must not be there.
inline std::string everything(const event_log& log) {
  std::string text;
  for (const auto& event : log) text += caf::deep_to_string(*event);
  return text;
}

}  // namespace oncue::test
