// The book in memory, the store on disk and the one that nodes share stand behind the same port: whatever is done to all,
// in whatever order, they give the same answers.
#define CAF_SUITE io.store_conformance

#include <caf/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "oncue/core/event_book.hpp"
#include "oncue/core/retry.hpp"
#include "oncue/io/sqlite_store.hpp"
#include "support/postgres.hpp"
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

std::string words(const run_record& x) {
  auto line = x.summary.id.value + x.summary.agent.value + x.summary.session.value +
              std::string{to_string(x.summary.status)} + x.user.value + x.parent.value + x.input + "," +
              x.started.agent_name + x.started.model + "," + x.content + "," + std::to_string(x.summary.created_at_ms) +
              "," + std::to_string(x.updated_at_ms) + "," + std::to_string(x.next);
  if (x.ended) line += x.ended->how.message + x.ended->content + std::to_string(x.ended->usage.input_tokens);
  for (const auto& event : x.events) line += " " + words(event);
  return line;
}
std::string words(const session_record& x) {
  return x.id.value + x.agent.value + x.user.value + x.name + std::to_string(x.created_at_ms) + "," +
         std::to_string(x.updated_at_ms) + "," + std::to_string(x.usage.input_tokens) + "," +
         std::to_string(x.usage.cache_read_tokens);
}

struct named_store {
  std::string name;
  std::unique_ptr<io::run_store> store;
};

core::store_settings settings() {
  core::store_settings settings{.path = ":memory:", .retention = std::nullopt};
  settings.compact_after = std::chrono::milliseconds{50};
  return settings;
}

named_store on_sqlite() {
  return {"SQLite", open_store({.settings = settings(), .intents_max = 2, .intent_age_ms_max = 60})};
}

named_store on_postgres(const postgres_schema& schema) {
  return {"PostgreSQL",
          open_postgres(schema.url(), 1, {.settings = settings(), .intents_max = 2, .intent_age_ms_max = 60})};
}

/// One random life of a few runs, told to all.
class journals {
 public:
  journals(std::uint64_t seed, std::vector<named_store> stores) : random_{seed}, stores_{std::move(stores)} {}

  /// A group of writes, then some reads.
  void step() {
    std::vector<io::store_write> group;
    std::vector<std::string> expected;
    for (auto count = 1 + below(4); count > 0; --count) {
      group.push_back(next_write());
      expected.push_back(told_to_book(group.back()));
    }
    for (const auto& line : expected) {
      auto shape = line.substr(0, 11);
      for (auto& c : shape) c = c >= '0' && c <= '9' ? '9' : c;
      ++(*seen)[shape];
    }
    auto keeps_house = below(3) == 0;
    pull_limits pulls[] = {a_pull(), a_pull()};
    find_paused question{some_run()};
    load_history load{some_session(), static_cast<std::uint32_t>(below(4)), static_cast<std::uint32_t>(below(120)),
                      below(2) == 0};
    auto said = words(book_.history_of(load));
    if (said.find('#') != std::string::npos) ++(*seen)["tools"];
    for (auto& [name, store] : stores_) {
      auto answers = store->commit(group);
      if (answers.size() != expected.size()) CAF_FAIL(name << ": " << store->problem());
      for (std::size_t i = 0; i < answers.size(); ++i) {
        // Behind an ending that another owner may have written a shared store refuses what the others pass over.
        const auto* refused = std::get_if<journal_refused>(&answers[i]);
        if (refused && refused->fenced && expected[i].starts_with("appended") && name == "PostgreSQL") {
          ++(*seen)["fenced late"];
          continue;
        }
        compare(name, words(answers[i]), expected[i]);
      }
      if (keeps_house) {
        auto done = store->maintain(now_ms_);
        compare(name, done.problem, "");
        if (done.more) ++(*seen)["compaction"];
      }
      auto& reads = store->reads();
      for (const auto& pull : pulls) compare(name, words(must(reads.read(pull))), words(book_.read(pull)));
      compare(name, words(must(reads.list({5}))), words(book_.list(5)));
      compare(name, words(must(reads.find(question))), words(book_.find(question)));
      compare(name, words(must(reads.load(load))), said);
    }
    compare_stores();
  }

  /// What was answered, by its first words: a test in which nothing happens proves nothing.
  std::map<std::string, std::size_t>* seen = nullptr;
  std::size_t differences = 0;
  std::string first_difference;

 private:
  std::uint64_t below(std::uint64_t limit) { return core::next_random(random_) % limit; }
  run_id some_run() { return {"r" + std::to_string(below(8) + generation_)}; }
  session_id some_session() { return {"s" + std::to_string(below(2))}; }
  user_id some_user() { return {below(2) ? "ann" : ""}; }

  pull_limits a_pull() {
    return {some_run(), below(30), static_cast<std::uint32_t>(below(9)), static_cast<std::uint32_t>(below(3000))};
  }

  void compare(const std::string& name, const std::string& store, const std::string& expected) {
    if (store == expected) return;
    if (differences++ == 0) first_difference = name + ": " + store + "\nexpected: " + expected;
  }

  /// What people ask, for which the book has no answer: the stores among themselves.
  void compare_stores() {
    find_run run{some_run(), below(2) == 0};
    find_runs runs{.session = below(2) ? some_session() : session_id{},
                   .user = some_user(),
                   .runs_max = 20,
                   .newest_first = below(2) == 0};
    find_sessions sessions{
        .user = some_user(), .name_contains = below(2) ? "OTHER" : "", .order = session_order::updated, .sessions_max = 20};
    std::string expected;
    for (auto& [name, store] : stores_) {
      auto& reads = store->reads();
      auto found = must(reads.find(run));
      auto line = found.run ? words(*found.run) : "none";
      for (const auto& each : must(reads.find(runs)).runs) line += "\n " + words(each);
      for (const auto& each : must(reads.find(sessions)).sessions) line += "\n " + words(each);
      if (expected.empty()) expected = line;
      compare(name, line, expected);
    }
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
    now_ms_ += 1 + static_cast<std::int64_t>(below(9));  // two requests of one time would be one that was repeated
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
  std::vector<named_store> stores_;
};

}  // namespace

CAF_TEST(the stores and the book give the same answers) {
  std::map<std::string, std::size_t> seen;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    postgres_schema schema;
    std::vector<named_store> stores;
    stores.push_back(on_sqlite());
    // A statement of a server costs more than a whole group in a file: it sees fewer lives.
    if (seed % 4 == 1) stores.push_back(on_postgres(schema));
    journals all{seed, std::move(stores)};
    all.seen = &seen;
    for (int i = 0; i < 150 && all.differences == 0; ++i) all.step();
    if (all.differences > 0) CAF_FAIL("seed " << seed << "\n" << all.first_difference);
  }
  for (auto what : {"created9",    "created9 in", "existing r9", "refused run", "refused ide", "appended 9",
                    "refused no ", "refused ind", "refused the", "finished 9@", "orphan none", "orphan 9@99",
                    "cancel stor", "cancel acce", "cancel 9@99", "cancel ",     "compaction",  "tools",
                    "refused Can", "refused the", "reopened 9",  "expired non", "expired som"}) {
    CAF_MESSAGE(what << ": " << seen[what]);
    CAF_CHECK(seen[what] > 2);
  }
}
