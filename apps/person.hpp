// The person at the terminal, asked about the calls that a paused run waits for: one question after the other, each
// answered with a line. Where nobody can be asked, calls are refused, and the model is told why. Reads without blocking:
// whoever asks can go on with something else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oncue/messages/tools.hpp"

namespace oncue::apps {

class person {
 public:
  /// `yes`: every call is allowed without a question. `may_ask`: false where output is for a program.
  person(bool yes, bool may_ask);
  ~person();
  person(const person&) = delete;
  person& operator=(const person&) = delete;

  /// Takes up what a run waits for; nothing of an earlier pause is left.
  void begin(std::vector<tool_requirement> waiting_for);

  /// All is decided.
  bool done() const { return at_ == waiting_for_.size(); }
  const std::vector<tool_decision>& decisions() const { return decisions_; }

  /// The question that is to be shown now, once; empty if none is new.
  std::string take_question();

  /// Reads what has been typed. True if that was a whole answer.
  bool read_answer();

  /// Why calls are refused without a question; empty if they are not.
  std::string why_refused() const;

 private:
  void skip_what_needs_no_question();
  void answer(std::string_view line);
  void decided(tool_decision word);

  bool yes_;
  int terminal_ = -1;  // the controlling terminal, also when standard input is something else
  std::vector<tool_requirement> waiting_for_;
  std::size_t at_ = 0;
  std::size_t field_ = 0;  // of a call that needs input
  tool_decision word_;
  std::vector<tool_decision> decisions_;
  bool asked_ = false;
  std::string typed_;
};

}  // namespace oncue::apps
