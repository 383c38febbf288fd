// Whole runs over real sockets against a provider that misbehaves: each scenario has its right ending, one and only one,
// and the text is what the provider sent. Cancels are in cancel_test.cpp.
#define CAF_SUITE e2e.model_stream

#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/test/unit_test.hpp>
#include <filesystem>

#include "oncue/actors/http_model_stream.hpp"
#include "support/live_node.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

struct expected_ending {
  std::string scenario;
  ending_kind kind = ending_kind::completed;
  failure_code code{};
  std::uint16_t status = 0;
  std::string message;  ///< the beginning of it
  std::string text;
  std::size_t requests = 1;
};

std::string words(int n) { return expected_text("words;n=" + std::to_string(n)); }

/// A run of its own node at its own provider, so that the records are this run's alone.
event_log check_ending(const expected_ending& expected, const live_node::agent_change& change = {}) {
  CAF_MESSAGE(expected.scenario);
  provider server;
  live_node node{server, {expected.scenario}, change};
  auto log = node.run(expected.scenario);
  CAF_REQUIRE(ending_of(log));
  const auto& ended = *ending_of(log);
  CAF_CHECK_EQUAL(node.broken(node.last_run, log), "");
  CAF_CHECK_EQUAL(to_string(status_of(ended.how)), to_string(status_of({.kind = expected.kind})));
  if (expected.kind == ending_kind::failed) CAF_CHECK_EQUAL(to_string(ended.how.code), to_string(expected.code));
  CAF_CHECK_EQUAL(ended.how.provider_status, expected.status);
  CAF_CHECK_EQUAL(ended.how.message.substr(0, expected.message.size()), expected.message);
  CAF_CHECK(ended.content == expected.text);
  CAF_CHECK_EQUAL(count_requests(server.records()), expected.requests);
  CAF_CHECK(server.wait_until(at_rest));
  CAF_CHECK(!contains(everything(log), node.key));
  return log;
}

expected_ending failure(std::string scenario, failure_code code, std::string message, std::string text = {}) {
  return {.scenario = std::move(scenario),
          .kind = ending_kind::failed,
          .code = code,
          .message = std::move(message),
          .text = std::move(text)};
}

expected_ending with_status(std::uint16_t status, expected_ending expected, std::size_t requests = 1) {
  expected.status = status;
  expected.requests = requests;
  return expected;
}

}  // namespace

CAF_TEST(the text is the same however the stream is cut) {
  for (std::string scenario :
       {"words;n=40", "words;n=40;gap_ms=1", "words;n=3000;burst=1", "one_byte;n=40", "split_lines;n=40;seed=1",
        "split_lines;n=40;seed=2;eol=lf", "split_lines;n=40;seed=3;eol=crlf", "split_lines;n=40;seed=4;eol=cr",
        "slow_headers;ms=20;n=40", "slow_first_token;ms=20;n=40", "usage;n=40", "no_done;n=40", "done_but_open;n=40"}) {
    check_ending({.scenario = scenario, .text = scenario == "words;n=3000;burst=1" ? words(3000) : words(40)});
  }
  check_ending({.scenario = "split_utf8;n=25", .text = expected_text("split_utf8;n=25")});
  check_ending({.scenario = "not_sse", .text = "not a stream"});
}

CAF_TEST(a stream that is done ends the run although the connection stays open) {
  provider server;
  live_node node{server, {"done_but_open"}};
  CAF_REQUIRE(ending_of(node.run("done_but_open")));
  CAF_CHECK(server.wait_until([](const auto& all) { return all.size() == 1 && all.front().client_closed; }));
}

CAF_TEST(a broken stream fails the run and keeps the text) {
  using enum failure_code;
  for (const auto& expected : {
           failure("bad_json;k=3", provider_protocol,
                   R"(expected a JSON object in every event of the stream, got: {"choices":)", words(3)),
           failure("early_close;k=3", provider_protocol, "the stream was cut before its end: 127.0.0.1:", words(3)),
           failure("early_close;k=3;clean=1", provider_protocol, "the stream was cut before its end", words(3)),
           failure("reset;k=3", provider_protocol, "the stream was cut before its end: 127.0.0.1:", words(3)),
           failure("error_in_stream;k=3", provider_refused, "The engine is currently overloaded", words(3)),
           // Before the first delta nothing is lost by trying again.
           with_status(0, failure("early_close;k=0", provider_protocol, "the stream was cut before its end"), 3),
           with_status(0, failure("early_close;k=0;clean=1", provider_protocol, "the stream was cut before its end"), 3),
           with_status(0, failure("reset;k=0", provider_protocol, "the stream was cut before its end"), 3),
           with_status(0, failure("error_in_stream;k=0", provider_refused, "The engine is currently overloaded"), 3),
       }) {
    auto log = check_ending(expected);
    auto retries = all_of<model_request_retrying>(log);
    CAF_CHECK_EQUAL(retries.size() + 1, expected.requests);
    for (std::size_t i = 0; i < retries.size(); ++i) CAF_CHECK_EQUAL(retries[i].attempt, i + 1);
  }
}

CAF_TEST(a refusal keeps the status and the words of the provider) {
  using enum failure_code;
  for (const auto& expected : {
           with_status(
               400, failure("status;code=400", provider_refused, "Invalid value: 'messages' is not of the expected type")),
           with_status(401, failure("status;code=401", provider_refused,
                                    "Incorrect API key provided: [redacted]. You can find your API key at https://")),
           with_status(403, failure("status;code=403", provider_refused, "Country, region, or territory not supported")),
           with_status(404, failure("status;code=404", provider_refused, "The model `misbehaving` does not exist")),
           with_status(429, failure("status;code=429", provider_rate_limited, "Rate limit reached for requests"), 3),
           with_status(500, failure("status;code=500", provider_refused, "The server had an error"), 3),
           with_status(503, failure("status;code=503", provider_refused, "The engine is currently overloaded"), 3),
           with_status(404, failure("no_such_scenario", provider_refused, "no scenario is called no_such_scenario")),
       }) {
    check_ending(expected);
  }
}

CAF_TEST(a call is tried again until it succeeds) {
  auto log = check_ending({.scenario = "error_then_ok;k=2;code=500;n=5", .text = words(5), .requests = 3});
  auto retries = all_of<model_request_retrying>(log);
  CAF_REQUIRE_EQUAL(retries.size(), 2u);
  CAF_CHECK_EQUAL(retries.front().provider_status, 500);
  CAF_CHECK_EQUAL(to_string(retries.front().code), "provider_refused");
  CAF_CHECK_EQUAL(retries.front().message, "The server had an error while processing your request");
  auto started = all_of<model_request_started>(log);
  CAF_REQUIRE_EQUAL(started.size(), 3u);
  CAF_CHECK_EQUAL(started.back().attempt, 3u);
}

CAF_TEST(a retry waits at least as long as the provider asks) {
  struct {
    std::string scenario;
    std::chrono::milliseconds asked;
  } cases[] = {{"rate_limit_then_ok;k=1;after_s=1", 1s}, {"rate_limit_then_ok;k=2;after_s=50;after_ms=150", 150ms}};
  for (const auto& [scenario, asked] : cases) {
    CAF_MESSAGE(scenario);
    provider server;
    live_node node{server, {scenario}};
    auto log = node.run(scenario);
    CAF_CHECK_EQUAL(node.broken(node.last_run, log), "");
    CAF_CHECK_EQUAL(text_of(log), words(10));
    auto retries = all_of<model_request_retrying>(log);
    CAF_CHECK_EQUAL(count_requests(server.records()), retries.size() + 1);
    CAF_REQUIRE(!retries.empty());
    for (const auto& retry : retries) {
      CAF_CHECK_EQUAL(retry.provider_status, 429);
      CAF_CHECK_EQUAL(to_string(retry.code), "provider_rate_limited");
      CAF_CHECK_GREATER_OR_EQUAL(retry.delay_ms, static_cast<std::uint64_t>(asked.count()));
    }
    auto took = std::chrono::microseconds{ending_of(log)->duration_us};
    CAF_CHECK(took >= asked * static_cast<int>(retries.size()));
    CAF_CHECK(took < 40s);
  }
}

CAF_TEST(a missed deadline ends the run under its own name and closes the socket) {
  using enum failure_code;
  struct {
    expected_ending expected;
    live_node::agent_change change;
  } cases[] = {
      {failure("slow_accept", deadline_first_token, "first-token deadline: no token came within 80 ms"),
       [](auto& entry) { entry.agent.limits.first_token = 80ms; }},
      {failure("silence", deadline_first_token, "first-token deadline: no token came within 80 ms"),
       [](auto& entry) { entry.agent.limits.first_token = 80ms; }},
      {failure("slow_first_token", deadline_first_token, "first-token deadline: no token came within 80 ms"),
       [](auto& entry) { entry.agent.limits.first_token = 80ms; }},
      {failure("silence_after;k=3", deadline_idle, "idle deadline: no further token came within 80 ms", words(3)),
       [](auto& entry) { entry.agent.limits.idle = 80ms; }},
      {failure("slow_accept", deadline_total, "total deadline: the run was not over within 80 ms"),
       [](auto& entry) { entry.agent.limits.total = 80ms; }},
  };
  for (auto& [expected, change] : cases) {
    auto log = check_ending(expected, change);
    CAF_CHECK_GREATER_OR_EQUAL(ending_of(log)->duration_us, 80'000u);
  }

  // Tokens keep the idle deadline away, not the total one.
  provider server;
  live_node node{server, {"endless;gap_ms=1"}, [](auto& entry) {
                   entry.agent.limits.total = 150ms;
                   entry.agent.limits.first_token = 100ms;
                   entry.agent.limits.idle = 140ms;
                 }};
  auto log = node.run("endless;gap_ms=1");
  CAF_CHECK_EQUAL(node.broken(node.last_run, log), "");
  CAF_REQUIRE(ending_of(log));
  CAF_CHECK_EQUAL(to_string(ending_of(log)->how.code), "deadline_total");
  CAF_CHECK(!text_of(log).empty());
  CAF_CHECK(words(1000).starts_with(text_of(log)));
  CAF_CHECK(server.wait_until([](const auto& all) { return all.size() == 1 && all.front().client_closed; }));
}

CAF_TEST(a deadline counts from the attempt and the total from the start) {
  // Each attempt has its own first-token deadline: the back-off before it does not count.
  auto patient = [](auto& entry) { entry.agent.limits.first_token = 400ms; };
  check_ending({.scenario = "rate_limit_then_ok;after_s=9;after_ms=600", .text = words(10), .requests = 2}, patient);
  // A wait that goes beyond the total deadline is not begun.
  auto hurried = [](auto& entry) { entry.agent.limits.total = 5s; };
  auto log = check_ending(with_status(429, failure("rate_limit_then_ok;after_s=30", failure_code::provider_rate_limited,
                                                   "Rate limit reached for requests (not tried again")),
                          hurried);
  CAF_CHECK_LESS(ending_of(log)->duration_us, 4'000'000u);
}

CAF_TEST(text above its limit ends the run and the prefix is kept) {
  auto limit = [](std::uint64_t bytes) { return [bytes](auto& entry) { entry.agent.run_text_bytes_max = bytes; }; };
  using enum failure_code;
  check_ending(failure("big_delta;bytes=300000", output_limit, "the text grew above run_text_bytes_max (1000 bytes)",
                       std::string(1000, 'x')),
               limit(1000));
  check_ending(failure("endless;gap_ms=0", output_limit, "the text grew above run_text_bytes_max (5000 bytes)",
                       words(2000).substr(0, 5000)),
               limit(5000));
  // Never in the middle of a character: the text begins with "Gr" and a "ü" of two bytes.
  check_ending(failure("split_utf8;n=25", output_limit, "the text grew above run_text_bytes_max (3 bytes)", "Gr"),
               limit(3));
  auto log = check_ending({.scenario = "big_delta", .text = expected_text("big_delta")}, limit(20u << 20));
  for (const auto& delta : all_of<content_delta>(log)) {
    CAF_REQUIRE_LESS_OR_EQUAL(delta.text.size(), core::limits::event_text_bytes_max);
  }
}

CAF_TEST(a call for a tool that is not there goes back to the model as an error) {
  provider server;
  live_node node{server, {"tool_call;calls=2"}, [](auto& entry) { entry.agent.turns_max = 2; }};
  auto log = node.run("tool_call;calls=2");
  CAF_CHECK_EQUAL(node.broken(node.last_run, log), "");
  CAF_REQUIRE(ending_of(log));
  CAF_CHECK_EQUAL(to_string(ending_of(log)->how.code), "turn_limit");
  auto ended = all_of<tool_call_ended>(log);
  CAF_REQUIRE_EQUAL(ended.size(), 2u);
  CAF_CHECK(ended.front().failed);
  CAF_CHECK_EQUAL(ended.front().call.name, "get_weather");
  CAF_CHECK_EQUAL(ended.front().call.arguments, R"({"city":"Reikjavík"})");
  CAF_REQUIRE_EQUAL(count_requests(server.records()), 2u);
  auto second = server.records().back().request_body;
  for (std::string_view part :
       {R"("role":"assistant")", R"("name":"get_weather")", R"("role":"tool")", R"("tool_call_id":"call_1")",
        R"("tool_call_id":"call_2")", R"("content":"this agent has no tool named 'get_weather'; it has no tools")"}) {
    CAF_CHECK(contains(second, part));
  }
}

CAF_TEST(reasoning is kept apart from the text and usage is passed on) {
  auto log = check_ending({.scenario = "reasoning;n=4", .text = words(4)});
  std::string thought;
  for (const auto& delta : all_of<reasoning_delta>(log)) thought += delta.text;
  CAF_CHECK_EQUAL(thought, "think0 think1 think2 think3 ");

  auto usage_of = [](const event_log& events) {
    const auto& usage = ending_of(events)->usage;
    return std::vector<std::uint64_t>{usage.input_tokens, usage.output_tokens, usage.reasoning_tokens,
                                      usage.cache_read_tokens};
  };
  CAF_CHECK_EQUAL(usage_of(check_ending({.scenario = "words;n=6", .text = words(6)})),
                  (std::vector<std::uint64_t>{7, 6, 1, 2}));
  CAF_CHECK_EQUAL(usage_of(check_ending({.scenario = "words;n=5", .text = words(5)},
                                        [](auto& entry) { entry.model.include_usage = false; })),
                  (std::vector<std::uint64_t>{0, 0, 0, 0}));
}

CAF_TEST(the key goes to the provider and nowhere else) {
  provider server;
  live_node node{server, {"words", "status;code=401", "echo"}};
  // The provider repeats a short key as it is, and of a longer one the ends.
  for (std::string key : {"sk-proj-abcdefghijklmnop-WXYZ", "tell-no-one"}) {
    node.key = key;
    for (std::string scenario : {"words", "status;code=401", "echo"}) {
      CAF_MESSAGE(scenario << ", " << key);
      auto said = everything(node.run(scenario));
      CAF_CHECK(!said.empty());
      CAF_CHECK(contains(server.records().back().request_head, "Authorization: Bearer " + key));
      for (std::string_view part : {key.c_str(), "sk-proj-", "WXYZ", "tell-no"}) CAF_CHECK(!contains(said, part));
    }
  }
  node.key.clear();
  auto requests = count_requests(server.records());
  auto log = node.run("words");
  CAF_REQUIRE(ending_of(log));
  CAF_CHECK_EQUAL(ending_of(log)->how.message,
                  "the environment variable TEST_KEY, which should hold the API key of model 'provider', is not set");
  CAF_CHECK_EQUAL(count_requests(server.records()), requests);
}

CAF_TEST(an unreachable provider fails the run and says which host) {
  auto port = std::make_unique<provider>()->port();  // nobody listens there any more
  auto where = "127.0.0.1:" + std::to_string(port);
  live_node node{{agent_for("gone", "http://" + where + "/v1"), agent_for("nameless", "http://nonexistent.invalid/v1")}};
  auto log = node.run("gone");
  CAF_CHECK_EQUAL(node.broken(node.last_run, log), "");
  CAF_REQUIRE(ending_of(log));
  CAF_CHECK_EQUAL(to_string(ending_of(log)->how.code), "provider_unreachable");
  CAF_CHECK_EQUAL(ending_of(log)->how.message, "cannot connect to " + where + ": connection refused");
  CAF_CHECK_EQUAL(all_of<model_request_retrying>(log).size(), 2u);
  log = node.run("nameless");
  CAF_CHECK_EQUAL(node.broken(node.last_run, log), "");
  CAF_REQUIRE(ending_of(log));
  CAF_CHECK_EQUAL(to_string(ending_of(log)->how.code), "provider_unreachable");
  CAF_CHECK_EQUAL(ending_of(log)->how.message, "the name nonexistent.invalid has no address");
}

CAF_TEST(a certificate that is not trusted fails the run at once) {
  auto folder = std::filesystem::temp_directory_path() / ("oncue-e2e-tls-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  provider_options options{.certificate_file = folder / "certificate.pem", .key_file = folder / "key.pem"};
  auto command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=provider "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      options.key_file + " -out " + options.certificate_file + " 2>/dev/null";
  CAF_REQUIRE_EQUAL(std::system(command.c_str()), 0);
  provider secure{options};
  live_node node{secure, {"words"}};
  auto log = node.run("words");
  CAF_CHECK_EQUAL(node.broken(node.last_run, log), "");
  CAF_REQUIRE(ending_of(log));
  CAF_CHECK_EQUAL(to_string(ending_of(log)->how.code), "provider_unreachable");
  CAF_CHECK(contains(ending_of(log)->how.message, "the certificate of 127.0.0.1:"));
  CAF_CHECK(all_of<model_request_retrying>(log).empty());
  CAF_CHECK_EQUAL(count_requests(secure.records()), 0u);  // the key was not sent
  std::filesystem::remove_all(folder);
}

CAF_TEST(a stream that is closed before it is opened or killed leaves no connection) {
  provider server;
  io::event_loops loops;
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto access = std::make_shared<actors::provider_access>();
  access->client = std::make_shared<io::http_client>(loops);
  access->read_secret = [](const std::string&) { return std::string{"key"}; };
  auto entry = std::make_shared<core::agent_entry>(agent_for("writer", server.base_url("endless")));
  caf::scoped_actor run{system};
  auto sink = caf::actor_cast<delta_sink_actor>(run);
  const model_request request{{{chat_role::user, "tell me", {}, {}}}};

  // An urgent close overtakes the opening in the stream's mailbox.
  auto early = actors::spawn_http_model_stream(system, entry, access);
  run->send(early, close_stream{});
  run->send(early, request, attempt_no{1}, sink);
  run->receive([](const model_closed& closed) { CAF_CHECK_EQUAL(closed.attempt, 1u); },
               caf::after(patience) >> [] { CAF_ERROR("no model_closed"); });

  auto killed = actors::spawn_http_model_stream(system, entry, access);
  run->send(killed, request, attempt_no{2}, sink);
  CAF_REQUIRE(server.wait_until([](const auto& all) { return count_requests(all) == 1; }));
  run->send_exit(killed, caf::exit_reason::kill);
  CAF_CHECK_EQUAL(closes_all(server), "");
  CAF_CHECK_EQUAL(server.records().size(), 1u);
  access->client.reset();
}
