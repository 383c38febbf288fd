// A model that says what the test wants, when it wants it, in virtual time: planned in advance, or driven step by step. It
// keeps what it was asked, and whether it was closed before its end. It keeps a real model stream's manners (opened,
// deltas, done or failed, closed as its last word; it pauses, closes at once, and never runs ahead of its run), so that a
// run cannot tell it from one. Never speaks by itself: a call that nothing was planned for waits for the test.
//
//   scripted_model model;
//   model.answers(answer{}.wait(300ms).call("add", R"({"a": 1})"));   // the first call
//   model.answers(answer{}.say("It is").wait(60ms).say(" two."));      // the second one
//   …
//   model.call(2).say("step by step").finish();                         // the third one, by hand
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "oncue/messages/model.hpp"

namespace oncue::testkit {

using std::chrono::milliseconds;

namespace detail {
struct scripted_call;
struct scripted_calls;

/// A model that says nothing more, and does not end.
struct silence {};
using script_step = std::variant<model_delta, milliseconds, model_done, model_failed, silence>;
}  // namespace detail

/// What a model says in one call. It ends as it should when its script is over, unless the script says something else.
class answer {
 public:
  answer& say(std::string text);
  answer& think(std::string text);  ///< a reasoning delta
  answer& wait(milliseconds time);
  /// The model wants this tool called; of several calls, all at the end. An empty id becomes "call-1" and so on.
  answer& call(std::string tool, std::string arguments = "{}", std::string id = {});
  answer& uses(token_usage usage);
  /// The provider refuses, or gives up in the middle: an HTTP status, as 429 or 503; 0: it cannot be reached.
  answer& fail(std::uint16_t status, std::string message = "refused", std::optional<milliseconds> retry_after = {});
  answer& drop();                               ///< the connection is cut
  answer& hang();                               ///< nothing more comes, and no end
  answer& finish(std::string reason = "stop");  ///< what an answer does by itself

 private:
  friend class scripted_model;
  friend class model_call;
  void end(detail::script_step how);
  std::deque<detail::script_step> whole() const;

  std::deque<detail::script_step> steps_;
  std::vector<tool_call> calls_;
  token_usage usage_;
  bool ends_ = false;
};

/// One call to the model, as it was made: each attempt is one. Cheap to copy.
class model_call {
 public:
  const model_request& request() const;  ///< its messages, and the tools that the model was told of
  std::string prompt() const;            ///< the last message
  bool closed() const;                   ///< nothing of it is open any more
  bool stopped() const;                  ///< and that because the run closed it, before its end
  milliseconds opened_at() const;        ///< virtual time, as node::now()
  std::optional<milliseconds> closed_at() const;

  // What the model does next. It happens as messages are handled: settle() behind it.
  model_call& say(std::string text);
  model_call& think(std::string text);
  model_call& wait(milliseconds time);
  model_call& ask_for(std::string tool, std::string arguments = "{}", std::string id = {});  ///< and ends
  model_call& finish(std::string reason = "stop");
  model_call& fail(std::uint16_t status, std::string message = "refused", std::optional<milliseconds> retry_after = {});
  model_call& drop();

 private:
  friend class scripted_model;
  explicit model_call(std::shared_ptr<detail::scripted_call> call) : call_{std::move(call)} {}
  model_call& play(const std::deque<detail::script_step>& more);
  std::shared_ptr<detail::scripted_call> call_;
};

/// Copies are the same model. Of one node, and of its thread.
class scripted_model {
 public:
  scripted_model();

  /// What it says in the next call for which nothing is planned yet.
  scripted_model& answers(const answer& what);
  /// What it says in every call for which nothing else is planned.
  scripted_model& always(const answer& what);
  /// It does not close when it is told to: a socket that hangs.
  scripted_model& deaf(bool is_deaf = true);

  std::size_t calls() const;
  /// Answers that were planned, and that no call has come for.
  std::size_t planned() const;
  /// In the order in which they were opened. Throws std::out_of_range when there was no such call.
  model_call call(std::size_t which = 0) const;
  model_call last() const;

  const std::shared_ptr<detail::scripted_calls>& shared() const { return shared_; }  ///< for the node

 private:
  std::shared_ptr<detail::scripted_calls> shared_;
};

}  // namespace oncue::testkit
