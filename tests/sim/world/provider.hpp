// The outside world of a run: model streams and tools that behave and misbehave as the seed says. They are quick, slow,
// silent, deaf to being closed, refuse with and without a retry, break off, die.
#pragma once

#include <caf/actor_system.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "books.hpp"
#include "oncue/core/catalog.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::sim {

enum class manner { talks, silent, opens_and_is_silent, refuses_for_now, refuses, breaks_off, dies, floods };
constexpr std::size_t manners = 8;

std::string to_string(manner how);

/// How often each happens, drawn once a seed.
struct provider_mood {
  std::vector<std::uint64_t> weights = std::vector<std::uint64_t>(manners, 0);
  std::uint64_t deaf = 0;         ///< of a thousand streams: does not answer when it is to close
  std::uint64_t calls_tools = 0;  ///< of a thousand first turns
  std::uint64_t bad_tools = 0;    ///< of a thousand calls: hangs, dies, is deaf
  std::uint64_t pace_ms = 20;     ///< between two words, at most
};

class provider {
 public:
  /// One call that is open, or has been.
  struct call {
    std::string run;
    int life = 0;
    std::int64_t opened_ms = 0;
    std::int64_t told_to_close_ms = -1;
    bool open = true;
    bool is_tool = false;
    std::int64_t over_ms = -1;

    void over(std::int64_t now_ms) {
      open = false;
      over_ms = now_ms;
    }
    /// When it was told to close, or was gone; below 0: neither.
    std::int64_t closed_ms() const { return told_to_close_ms >= 0 ? told_to_close_ms : over_ms; }
  };

  provider(chance& seed_luck, run_books& all_books) : luck{seed_luck}, books{all_books} {}

  model_stream_actor open_model(caf::actor_system& system, int life, const core::agent_entry& agent);
  tool_call_actor open_tool(caf::actor_system& system, int life, const std::string& name);

  /// Open until `by`, which serves it, is gone.
  std::shared_ptr<call> new_call(caf::abstract_actor* by, int life, bool is_tool);
  manner draw_manner();
  std::size_t open_calls() const;
  /// What is open of this run on a node's life that is still there; for a check after the ending.
  std::string still_open(const std::string& run) const;

  chance& luck;
  run_books& books;
  provider_mood mood;
  bool heals = false;  ///< from now on everything is well
  std::vector<std::shared_ptr<call>> calls;
  std::uint64_t kids = 0;
};

/// The tools that agents have here: work, ask (a person has to allow it), kid (another agent).
std::shared_ptr<const core::tool_set> world_tools(milliseconds timeout);

}  // namespace oncue::sim
