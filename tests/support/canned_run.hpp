// A run's log as a server would send it: for tests of clients, which need no run.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "oncue/core/agentos_frames.hpp"

namespace oncue::test {

inline run_ended ending_of(ending_kind kind, std::string content) {
  run_ended ended{.how = {.kind = kind}, .content = std::move(content), .usage = {9, 4, 0, 0}, .duration_us = 8'000'000};
  if (kind == ending_kind::cancelled) ended.how.message = "Ctrl-C";
  if (kind == ending_kind::failed) ended.how = {kind, failure_code::deadline_idle, 0, "no token for 60 s", ""};
  return ended;
}

/// A run's whole log: 0 RunStarted, 1 ModelRequestStarted, 2 … the pieces of "w0 w1 w2 …", and the ending.
struct canned_run {
  std::vector<run_event> log;

  canned_run(std::size_t pieces, ending_kind kind) {
    std::string text;
    add(run_started{"Storyteller", "model-1", "openai"});
    add(model_request_started{1});
    for (std::size_t i = 0; i < pieces; ++i) {
      auto word = "w" + std::to_string(i) + " ";
      text += word;
      add(content_delta{word});
    }
    add(ending_of(kind, text));
  }

  void add(event_body body) {
    log.push_back({.index = log.size(),
                   .at_ms = 1'795'330'922'000 + static_cast<std::int64_t>(log.size()) * 1000,
                   .body = std::move(body)});
  }

  /// Events `from` to below `to` as frames.
  std::string frames(std::size_t from, std::size_t to, bool with_index = true) const {
    const core::agentos_renderer renderer{{{"r1"}, {"teller"}, "Storyteller", {"s1"}, "model-1", "openai", {}}};
    std::string out = ": heartbeat\n\n";
    for (auto i = from; i < std::min(to, log.size()); ++i) {
      core::append_event_frames(out, renderer, log[i], {.with_index = with_index, .with_id = with_index});
    }
    return out;
  }
  std::string all(bool with_index = true) const { return frames(0, log.size(), with_index); }
};

}  // namespace oncue::test
