#include "person.hpp"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "oncue/core/safe_text.hpp"
#include "terminal.hpp"

namespace oncue::apps {

namespace {

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return text;
}

constexpr auto nobody = "nobody is at a terminal to decide; --yes would allow it";

/// The whole call on one line: a model that wrote line ends or marks of direction into its arguments must not hide what it
/// asks for, nor write the question.
std::string shown(const tool_call& call) {
  auto arguments = nlohmann::json::parse(call.arguments, nullptr, false);
  auto text = arguments.is_discarded() ? call.arguments : arguments.dump(-1, ' ', true);
  return without_controls(core::safe_text(call.name, {})) + "(" + one_line(text) + ")";
}

/// What was typed as a JSON value: as it is where it is one of the wanted type, else as a text.
std::string json_of(std::string_view typed, const std::string& type) {
  if (type != "string" && nlohmann::json::accept(typed)) return std::string{typed};
  return nlohmann::json(std::string{typed}).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

person::person(bool yes, bool may_ask) : yes_{yes} {
  if (may_ask && is_terminal(STDERR_FILENO)) terminal_ = ::open("/dev/tty", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

person::~person() {
  if (terminal_ >= 0) ::close(terminal_);
}

void person::begin(std::vector<tool_requirement> waiting_for) {
  waiting_for_ = std::move(waiting_for);
  decisions_.clear();
  at_ = field_ = 0;
  asked_ = false;
  skip_what_needs_no_question();
}

std::string person::why_refused() const { return terminal_ >= 0 || yes_ ? "" : nobody; }

/// What --yes allows, and what nobody can be asked about.
void person::skip_what_needs_no_question() {
  while (!done()) {
    const auto& need = waiting_for_[at_];
    word_ = {};
    word_.call_id = need.call.id;
    field_ = 0;
    if (yes_ && need.facts.need == tool_need::confirmation) {
      word_.confirmed = true;
      decided(std::move(word_));
    } else if (terminal_ < 0) {
      word_.confirmed = false;
      word_.note = nobody;
      decided(std::move(word_));
    } else {
      return;
    }
  }
}

void person::decided(tool_decision word) {
  decisions_.push_back(std::move(word));
  ++at_;
  field_ = 0;
  asked_ = false;
}

std::string person::take_question() {
  if (done() || std::exchange(asked_, true)) return {};
  // Nobody answers a question that he has not seen.
  ::tcflush(terminal_, TCIFLUSH);
  typed_.clear();
  const auto& need = waiting_for_[at_];
  switch (need.facts.need) {
    case tool_need::nothing:
    case tool_need::confirmation: return "allow " + shown(need.call) + "? [y/N] ";
    case tool_need::result: return "the result of " + shown(need.call) + " (an empty line refuses it): ";
    case tool_need::user_input: break;
  }
  if (need.facts.inputs.empty()) return "nothing is missing of " + shown(need.call) + "; allow it? [y/N] ";
  const auto& field = need.facts.inputs[field_];
  auto question = "for " + need.call.name + ": " + field.name;
  if (!field.type.empty()) question += " (" + field.type + ")";
  if (!field.description.empty()) question += ", " + field.description;
  if (!field.value.empty()) question += " [" + field.value + "]";
  return one_line(without_controls(question)) + ": ";
}

bool person::read_answer() {
  char buffer[512];
  pollfd ready{terminal_, POLLIN, 0};
  while (::poll(&ready, 1, 0) > 0) {
    auto count = ::read(terminal_, buffer, sizeof buffer);
    if (count <= 0) break;
    typed_.append(buffer, static_cast<std::size_t>(count));
  }
  auto end = typed_.find('\n');
  if (end == std::string::npos) return false;
  auto line = typed_.substr(0, end);
  typed_.erase(0, end + 1);
  if (!done()) answer(line);
  return true;
}

void person::answer(std::string_view line) {
  const auto& need = waiting_for_[at_];
  auto is_yes = line == "y" || line == "Y" || line == "yes";
  if (need.facts.need == tool_need::user_input && !need.facts.inputs.empty()) {
    auto field = need.facts.inputs[field_];
    if (!line.empty()) field.value = json_of(line, field.type);
    asked_ = false;
    if (field.value.empty()) return;  // it is asked again
    word_.inputs.push_back(std::move(field));
    if (++field_ < need.facts.inputs.size()) return;
    word_.confirmed = true;
  } else if (need.facts.need == tool_need::result) {
    if (line.empty()) {
      word_.confirmed = false;
    } else {
      word_.result = std::string{line};
    }
  } else {
    word_.confirmed = is_yes;
  }
  decided(std::move(word_));
  skip_what_needs_no_question();
}

}  // namespace oncue::apps
