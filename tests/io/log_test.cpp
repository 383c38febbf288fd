// What a line of the log looks like. That it never blocks is spdlog's promise, by a bounded queue.
#define CAF_SUITE io.log

#include "oncue/io/log.hpp"

#include <caf/test/unit_test.hpp>

#include "oncue/core/limits.hpp"

using namespace oncue::io;

namespace {

constexpr auto now = "2026-11-22T07:02:45.123Z";

}  // namespace

CAF_TEST(a line has time level event and fields) {
  CAF_CHECK_EQUAL(log_line(log_format::text, now, log_level::info, "run_started", {{"run", "r-1"}, {"agent", "a"}}),
                  "2026-11-22T07:02:45.123Z info run_started run=r-1 agent=a");
  CAF_CHECK_EQUAL(log_line(log_format::json, now, log_level::warning, "run_ended", {{"run", "r-1"}}),
                  R"({"at":"2026-11-22T07:02:45.123Z","level":"warning","event":"run_ended","run":"r-1"})");
}

CAF_TEST(a value cannot end its line or pass for another field) {
  CAF_CHECK_EQUAL(log_line(log_format::text, now, log_level::info, "x", {{"why", "no\nrun=forged"}, {"empty", ""}}),
                  R"(2026-11-22T07:02:45.123Z info x why="no\nrun=forged" empty="")");
  CAF_CHECK_EQUAL(log_line(log_format::json, now, log_level::info, "x", {{"why", "a\"b\x1b[31m"}}),
                  R"({"at":"2026-11-22T07:02:45.123Z","level":"info","event":"x","why":"a\"b\u001b[31m"})");
  auto line = log_line(log_format::text, now, log_level::info, "x", {{"long", std::string(100'000, 'a')}});
  CAF_CHECK(line.size() < 100 + oncue::core::limits::log_value_bytes_max);
}

CAF_TEST(a log that was not set up is silent) { CAF_CHECK(!log_enabled(log_level::error)); }
