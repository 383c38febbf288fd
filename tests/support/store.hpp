// Stores on disk for tests: a directory that is gone afterwards, events by the word, and one write at a time.
#pragma once

#include <stdlib.h>

#include <caf/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "oncue/io/sqlite_store.hpp"

namespace oncue::test {

class temporary_directory {
 public:
  temporary_directory() {
    char name[] = "/tmp/oncue-test-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline event_ptr event_at(event_index index, event_body body, std::int64_t at_ms = 0) {
  return event_ptr{run_event{index, at_ms, std::move(body)}};
}
inline event_ptr delta(event_index index, std::string text = "x") {
  return event_at(index, content_delta{std::move(text)});
}
inline event_ptr ended(event_index index, std::string content, ending how = {}, std::int64_t at_ms = 0,
                       token_usage usage = {}) {
  return event_at(index, boxed<run_ended>{{.how = std::move(how), .content = std::move(content), .usage = usage}}, at_ms);
}

inline create_run creation(std::string id, std::string user = {}, std::int64_t at_ms = 1000) {
  create_run what;
  what.request.id = {std::move(id)};
  what.request.user = {std::move(user)};
  what.request.agent = {"writer"};
  what.request.session = {"s"};
  what.request.input = "tell";
  what.created_at_ms = at_ms;
  what.events = {event_at(0, boxed<run_started>{{"Writer", "m", "openai"}}, at_ms)};
  return what;
}

/// The store, or a failed test.
inline std::unique_ptr<io::sqlite_store> open_store(io::store_options options) {
  auto opened = io::sqlite_store::open(std::move(options));
  if (auto* problem = std::get_if<std::string>(&opened)) CAF_FAIL(*problem);
  return std::move(std::get<0>(opened));
}
inline std::unique_ptr<io::sqlite_store> open_store(const std::string& path, std::int64_t now_ms = 0) {
  return open_store(io::store_options{.settings = {.path = path}, .now_ms = now_ms});
}

/// Why it cannot be opened.
inline std::string open_problem(const std::string& path) {
  auto opened = io::sqlite_store::open({.settings = {.path = path}});
  auto* problem = std::get_if<std::string>(&opened);
  return problem ? *problem : "";
}

/// One write in a transaction of its own.
inline io::store_answer put(io::run_store& store, io::store_write what) {
  return std::move(store.commit({&what, 1}).front());
}
template <class Reply>
Reply put(io::run_store& store, io::store_write what) {
  auto answer = put(store, std::move(what));
  if (auto* reply = std::get_if<Reply>(&answer)) return std::move(*reply);
  if (auto* refused = std::get_if<journal_refused>(&answer)) CAF_FAIL(refused->message);
  CAF_FAIL("an answer of another sort: " << answer.index());
}

/// The refusal's sentence; empty if it was not refused.
inline std::string refusal_of(const io::store_answer& answer) {
  if (const auto* x = std::get_if<journal_refused>(&answer)) return x->message;
  if (const auto* x = std::get_if<create_reply>(&answer); x && x->refused) return x->refused->message;
  if (const auto* x = std::get_if<io::store_failed>(&answer)) return x->message;
  if (const auto* x = std::get_if<session_reply>(&answer)) return x->refused;
  if (const auto* x = std::get_if<sessions_deleted>(&answer)) return x->refused;
  return {};
}

template <class T>
T must(io::store_result<T> result) {
  if (auto* problem = std::get_if<std::string>(&result)) CAF_FAIL(*problem);
  return std::move(std::get<T>(result));
}

/// All events from `from` on, pulled three at a time.
inline std::vector<event_ptr> read_all(io::run_archive& archive, const std::string& id, event_index from = 0,
                                       std::uint32_t events_max = 3) {
  std::vector<event_ptr> all;
  for (;;) {
    auto batch = must(archive.read({{id}, from, events_max, 1u << 20}));
    all.insert(all.end(), batch.events.begin(), batch.events.end());
    if (batch.end != batch_end::more || batch.events.empty()) return all;
    from = batch.next;
  }
}

inline run_record record_of(io::run_archive& archive, const std::string& id, bool with_events = false) {
  auto found = must(archive.find(find_run{{id}, with_events}));
  if (!found.run) CAF_FAIL("no run " << id);
  return std::move(*found.run);
}

/// Steps of upkeep until nothing is left to do; how many.
inline std::size_t maintain_all(io::run_store& store, std::int64_t now_ms) {
  for (std::size_t steps = 0; steps < 100'000; ++steps) {
    auto result = store.maintain(now_ms);
    if (!result.problem.empty()) CAF_FAIL(result.problem);
    if (!result.more) return steps;
  }
  CAF_FAIL("the upkeep does not come to an end");
}

}  // namespace oncue::test
