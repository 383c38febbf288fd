// The store on disk and the book in memory stand behind the same port: whatever is done to both, in whatever order, they
// give the same answers.
#define CAF_SUITE io.sqlite_conformance

#include <caf/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "oncue/core/event_book.hpp"
#include "oncue/core/retry.hpp"
#include "oncue/io/sqlite_store.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

std::string words(const event_ptr& event) {
  std::string scratch =
      std::to_string(event->index) + "@" + std::to_string(event->at_ms) + "#" + std::to_string(event->body.index());
  if (const auto* body = get_if<run_ended>(*event)) {
    scratch += std::string{to_string(status_of(body->how))} + body->how.message + "," + body->how.by + "," + body->content +
               "," + std::to_string(body->usage.input_tokens) + "," + std::to_string(body->duration_us);
  }
  return scratch;
}

std::string words(const create_reply& x) {
  if (x.refused) return "refused " + std::string{to_string(x.refused->code)};
  if (x.existing) return "existing " + x.existing->id.value + (x.existing->ended ? " ended" : "");
  return "created" + std::to_string(x.epoch) + (x.intent ? " intent " + x.intent->reason + x.intent->scope.value : "");
}
std::string words(const appended& x) { return "appended " + std::to_string(x.next); }
std::string words(const finished& x) { return "finished " + words(x.ended); }
std::string words(const journal_refused& x) { return "refused " + x.message; }
std::string words(const end_orphan_reply& x) { return "orphan " + (x.ended ? words(*x.ended) : "none"); }
std::string words(const record_cancel_reply& x) {
  return std::string{"cancel "} + (x.ended ? words(*x.ended) : "") + (x.intent_stored ? "stored" : "") +
         (x.accepted ? "accepted" : "");
}
std::string words(const reopen_reply& x) {
  return x.refused ? "refused " + x.refused->message : "reopened " + std::to_string(x.epoch);
}
std::string words(const expired_runs& x) {
  auto line = "expired " + std::string{x.ended.empty() ? "none" : "some"} + " next " + std::to_string(x.next_at_ms);
  for (const auto& run : x.ended) line += " " + run.value;
  return line;
}
template <class T>
std::string words(const T&) {
  return "of another sort";
}
template <class... Ts>
std::string words(const std::variant<Ts...>& answer) {
  return std::visit([](const auto& x) { return words(x); }, answer);
}

std::string words(const event_batch& x) {
  auto line = std::to_string(static_cast<int>(x.end)) + " next " + std::to_string(x.next) + ":";
  for (const auto& event : x.events) line += " " + words(event);
  return line;
}
std::string words(const run_list& x) {
  std::string line;
  for (const auto& run : x.runs) {
    line += run.id.value + run.agent.value + run.session.value + std::to_string(run.created_at_ms);
    line += run.ended ? std::string{to_string(run.status)} + run.ended->message + " " : " ";
    if (run.status == run_status::paused) line += "paused ";
  }
  return line;
}
std::string words(const paused_run& x) {
  if (!x.summary) return "no such run";
  const auto& request = x.request;
  // The book does not tell a run that has not begun from one that runs.
  auto status = x.summary->status == run_status::pending ? run_status::running : x.summary->status;
  auto line = std::string{to_string(status)} + " " + request.id.value + request.agent.value + request.session.value +
              request.user.value + request.input + request.idempotency_key + request.parent.value + request.root.value +
              request.traceparent;
  for (const auto& event : x.events) line += " " + words(event);
  return line;
}
std::string words(const history& x) {
  std::string line;
  for (const auto& message : x.messages) {
    line += std::to_string(static_cast<int>(message.role)) + message.content + message.tool_call_id;
    for (const auto& call : message.tool_calls) line += "#" + call.id;
    line += "|";
  }
  return line;
}

/// One random life of a few runs, told to both.
class pair_of_journals {
 public:
  explicit pair_of_journals(std::uint64_t seed) : random_{seed}, store_{open_store(options())} {}

  /// A group of writes, then some reads.
  void step() {
    std::vector<io::store_write> group;
    std::vector<std::string> expected;
    for (auto count = 1 + below(4); count > 0; --count) {
      group.push_back(next_write());
      expected.push_back(told_to_book(group.back()));
    }
    auto answers = store_->commit(group);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      compare(words(answers[i]), expected[i]);
      auto shape = expected[i].substr(0, 11);
      for (auto& c : shape) c = c >= '0' && c <= '9' ? '9' : c;
      ++(*seen)[shape];
    }
    if (below(3) == 0 && store_->maintain(now_ms_).more) ++(*seen)["compaction"];
    for (int i = 0; i < 2; ++i) {
      pull_limits pull{some_run(), below(30), static_cast<std::uint32_t>(below(9)),
                       static_cast<std::uint32_t>(below(3000))};
      compare(words(must(store_->reads().read(pull))), words(book_.read(pull)));
    }
    compare(words(must(store_->reads().list({5}))), words(book_.list(5)));
    find_paused question{some_run()};
    compare(words(must(store_->reads().find(question))), words(book_.find(question)));
    load_history load{some_session(), static_cast<std::uint32_t>(below(4)), static_cast<std::uint32_t>(below(120)),
                      below(2) == 0};
    auto said = words(book_.history_of(load));
    compare(words(must(store_->reads().load(load))), said);
    if (said.find('#') != std::string::npos) ++(*seen)["tools"];
  }

  /// What was answered, by its first words: a test in which nothing happens proves nothing.
  std::map<std::string, std::size_t>* seen = nullptr;
  std::size_t differences = 0;
  std::string first_difference;

 private:
  static io::store_options options() {
    core::store_settings settings{.path = ":memory:", .retention = std::nullopt};
    settings.compact_after = std::chrono::milliseconds{50};
    return {.settings = settings, .intents_max = 2, .intent_age_ms_max = 60};
  }

  std::uint64_t below(std::uint64_t limit) { return core::next_random(random_) % limit; }
  run_id some_run() { return {"r" + std::to_string(below(8) + generation_)}; }
  session_id some_session() { return {"s" + std::to_string(below(2))}; }
  user_id some_user() { return {below(2) ? "ann" : ""}; }

  void compare(const std::string& store, const std::string& book) {
    if (store == book) return;
    if (differences++ == 0) first_difference = "store: " + store + "\nbook:  " + book;
  }

  /// The same event whenever the same index is written again, as a run would.
  event_ptr event(const run_id& run, event_index index) {
    auto kind = (index * 7 + run.value.size() + run.value.back()) % 11;
    auto id = std::to_string(index / 2 % 3);
    event_body body = content_delta{run.value + "-" + std::to_string(index) + " "};
    if (kind == 0) body = reasoning_delta{"because"};
    if (kind == 1) body = boxed<model_request_completed>{{1, "stop", {index, 1, 0, 0}, 0}};
    if (kind == 2) body = model_request_started{1};
    tool_call call{id, "f", "{}"};
    if (kind == 3 && run.value.back() % 2) body = boxed<tool_call_started>{{.number = 1, .call = call}};
    if (kind == 4 && run.value.back() % 2) body = boxed<tool_call_ended>{{.call = call, .result = "r" + id}};
    // Now and then a pause: some run out, some never do.
    if (kind == 5) body = boxed<run_paused>{{{{call, {}}}, run.value.back() % 3 ? 1000 + 9 * static_cast<int>(index) : 0}};
    if (kind == 6) body = boxed<child_event>{{.run = {"child"}, .event = delta(index, "not its own")}};
    return event_at(index, std::move(body), 5 * static_cast<std::int64_t>(index));
  }

  std::vector<event_ptr> log_of(const run_id& run) { return book_.read({run, 0, 10'000, 1u << 30}).events; }

  io::store_write next_write() {
    now_ms_ += static_cast<std::int64_t>(below(10));
    if (below(20) == 0) ++generation_;
    auto run = some_run();
    auto next = log_of(run).size();
    switch (below(13)) {
      case 10: return end_expired{now_ms_, static_cast<std::uint32_t>(1 + below(3))};
      case 11:
      case 12: return a_reopen(run, next);
      case 0:
      case 1: return a_create(run);
      case 2:
      case 3:
      case 4: return an_append(run, next);
      case 5:
      case 6: return a_finish(run, next);
      case 7: return end_orphan{run, {.kind = ending_kind::failed, .message = "orphan"}, now_ms_};
      default:
        return record_cancel{{.run = run, .reason = below(2) ? "why" : "", .by = "x", .scope = some_user()}, now_ms_};
    }
  }

  io::store_write a_create(const run_id& run) {
    auto what = creation(run.value, some_user().value, now_ms_);
    what.request.session = some_session();
    what.request.input = below(5) ? "q" : "other q";
    if (below(2)) what.request.idempotency_key = "k" + std::to_string(below(6));
    what.new_session = below(3) == 0;
    what.only_existing = below(6) == 0;
    if (below(4) == 0) what.request.parent = {"p"};
    return what;
  }

  io::store_write a_reopen(const run_id& run, event_index next) {
    auto index = next + (below(8) == 0);
    return reopen_run{run, event_at(index, boxed<run_continued>{{{}, "ann"}}, now_ms_)};
  }

  /// Mostly the epoch that stands, now and then one of an owner before or behind it.
  run_epoch epoch_of(const run_id& run) {
    auto stands = epochs_.contains(run) ? epochs_[run] : 1;
    return below(10) == 0 ? 1 + static_cast<run_epoch>(below(3)) : stands;
  }

  io::store_write an_append(const run_id& run, event_index next) {
    append_events what{run, next - std::min<event_index>(next, below(3)) + (below(8) == 0), {}};
    for (auto count = below(6); count > 0; --count) what.events.push_back(event(run, what.from + what.events.size()));
    what.epoch = epoch_of(run);
    return what;
  }

  io::store_write a_finish(const run_id& run, event_index next) {
    finish_run what{run, next - std::min<event_index>(next, below(3)) + (below(8) == 0), {}};
    what.epoch = epoch_of(run);
    if (below(9) == 0) return what;
    auto last = std::max(what.from, next) + below(4);
    auto all = log_of(run);
    for (auto i = what.from; i < last; ++i) {
      what.events.push_back(event(run, i));
      if (i >= all.size()) all.push_back(what.events.back());
    }
    ending how{.kind = static_cast<ending_kind>(below(3)), .message = "m", .by = ""};
    what.events.push_back(ended(last, text_of(all), how, now_ms_, {1, 2, 3, 4}));
    return what;
  }

  std::string told_to_book(const io::store_write& write) {
    if (const auto* x = std::get_if<create_run>(&write)) return words(book_.create(*x));
    if (const auto* x = std::get_if<append_events>(&write)) return words(book_.append(*x));
    if (const auto* x = std::get_if<finish_run>(&write)) return words(book_.finish(*x));
    if (const auto* x = std::get_if<end_orphan>(&write)) return words(book_.end(*x));
    if (const auto* x = std::get_if<end_expired>(&write)) return words(book_.expire(*x));
    if (const auto* x = std::get_if<reopen_run>(&write)) {
      auto reply = book_.reopen(*x);
      if (!reply.refused) epochs_[x->run] = reply.epoch;
      return words(reply);
    }
    return words(book_.record(std::get<record_cancel>(write)));
  }

  std::uint64_t random_;
  std::int64_t now_ms_ = 1000;
  std::uint64_t generation_ = 0;
  std::map<run_id, run_epoch> epochs_;
  core::event_book book_{{.intents_max = 2, .intent_age_ms_max = 60}};
  std::unique_ptr<io::sqlite_store> store_;
};

}  // namespace

CAF_TEST(the store and the book give the same answers) {
  std::map<std::string, std::size_t> seen;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    pair_of_journals both{seed};
    both.seen = &seen;
    for (int i = 0; i < 150 && both.differences == 0; ++i) both.step();
    if (both.differences > 0) CAF_FAIL("seed " << seed << "\n" << both.first_difference);
  }
  for (auto what : {"created9",    "created9 in", "existing r9", "refused run", "refused ide", "appended 9",
                    "refused no ", "refused ind", "refused the", "finished 9@", "orphan none", "orphan 9@99",
                    "cancel stor", "cancel acce", "cancel 9@99", "cancel ",     "compaction",  "tools",
                    "refused Can", "refused the", "reopened 9",  "expired non", "expired som"}) {
    CAF_MESSAGE(what << ": " << seen[what]);
    CAF_CHECK(seen[what] > 2);
  }
}
