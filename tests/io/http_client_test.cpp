// The HTTP client over real loopback sockets against a provider that misbehaves. Nothing here sleeps: a test waits for what
// it wants to see, on this side or on the provider's, and fails if that does not come within a generous time.
#define CAF_SUITE io.http_client

#include "oncue/io/http_client.hpp"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "support/provider.hpp"

using namespace oncue::io;
using namespace std::chrono_literals;
using oncue::test::connection_record;
using oncue::test::expected_body;
using oncue::test::provider;
using oncue::test::provider_options;

namespace {

thread_local bool no_room_for_sockets = false;

}  // namespace

// Instead of the C library's: the kernel has no room for one more socket in a set when a test says so.
extern "C" int epoll_ctl(int set, int what, int socket, struct epoll_event* event) noexcept {
  if (what == EPOLL_CTL_ADD && no_room_for_sockets) {
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_ctl, set, what, socket, event));
}

namespace {

/// What one transfer told its handler; shared with the test.
struct told {
  std::mutex guard;
  std::condition_variable changed;
  response_head head;
  std::string body;
  transfer_result result;
  int heads = 0;
  int ends = 0;
  bool in_order = true;  // head, body, end, and nothing after it

  /// False if `seen` does not become true in time. It is asked under the lock.
  bool wait(const std::function<bool(const told&)>& seen) {
    std::unique_lock lock(guard);
    return changed.wait_for(lock, 10s, [&] { return seen(*this); });
  }
  bool wait_for_end() {
    return wait([](const told& t) { return t.ends > 0; });
  }
  std::size_t body_bytes() {
    std::lock_guard lock(guard);
    return body.size();
  }
};

struct recorder : transfer_handler {
  explicit recorder(std::shared_ptr<told> what) : to(std::move(what)) {}

  void on_response(const response_head& head) override {
    note([&] {
      to->in_order = to->in_order && to->heads == 0 && to->ends == 0;
      to->head = head;
      ++to->heads;
    });
    if (when_head) when_head();
  }
  void on_body(std::string_view bytes) override {
    note([&] {
      to->in_order = to->in_order && to->heads == 1 && to->ends == 0;
      to->body += bytes;
    });
    if (when_body) when_body();
  }
  void on_end(const transfer_result& result) override {
    note([&] {
      to->result = result;
      ++to->ends;
    });
  }
  template <class F>
  void note(F change) {
    std::lock_guard lock(to->guard);
    change();
    to->changed.notify_all();
  }

  std::shared_ptr<told> to;
  std::function<void()> when_head, when_body;
};

struct call {
  std::shared_ptr<told> heard;
  transfer token;
};

struct fixture {
  fixture() {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
                             "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
      unsetenv(name);
    }
  }

  static http_request request_to(std::string url, std::string body = R"({"stream":true})") {
    return {
        std::move(url), std::move(body), {{"Content-Type", "application/json"}, {"Authorization", "Bearer sk-0123456789"}}};
  }

  call start(http_request request) {
    auto heard = std::make_shared<told>();
    auto token = client->start(std::move(request), std::make_unique<recorder>(heard));
    return {heard, token};
  }
  call start(std::string_view scenario) { return start(request_to(server.url(scenario))); }

  /// Runs there; nothing else of the loop runs between what it posts.
  void on_loop(const std::function<void()>& call) {
    std::promise<void> done;
    loops.at(0).post([&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// Everything that was asked of the loop before has happened, and the kernel had time for more.
  void barrier(int times = 1) {
    for (int i = 0; i < times; ++i) {
      CAF_REQUIRE(start("words;n=200").heard->wait_for_end());
    }
  }

  transfer_result result_of(http_request request) {
    auto made = start(std::move(request));
    CAF_REQUIRE(made.heard->wait_for_end());
    return made.heard->result;
  }

  provider server;
  event_loops loops;
  std::unique_ptr<http_client> client = std::make_unique<http_client>(loops);
};

bool all_closed(const std::vector<connection_record>& records) {
  return std::all_of(records.begin(), records.end(), [](const auto& r) { return r.client_closed; });
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// A port of the loopback on which nobody listens; or, held, one that takes no connection any more.
struct dead_port {
  explicit dead_port(bool full) : listener(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CAF_REQUIRE_EQUAL(bind(listener, generic, size), 0);
    CAF_REQUIRE_EQUAL(getsockname(listener, generic, &size), 0);
    number = ntohs(address.sin_port);
    if (full) {
      CAF_REQUIRE_EQUAL(listen(listener, 0), 0);
      for (int& filler : fillers) {
        filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(filler, generic, size);
      }
    }
  }
  ~dead_port() {
    for (int fd : fillers) {
      if (fd >= 0) ::close(fd);
    }
    ::close(listener);
  }
  std::string where() const { return "127.0.0.1:" + std::to_string(number); }

  int listener;
  int fillers[4] = {-1, -1, -1, -1};
  int number = 0;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http_client_tests, fixture)

CAF_TEST(the body arrives byte for byte however it was cut) {
  for (std::string segment :
       {"words;n=20", "words;n=5000;burst=1", "one_byte;n=3", "split_utf8;n=25", "split_lines;n=40;seed=7",
        "split_lines;n=40;seed=8;eol=crlf", "big_delta;bytes=3000000", "words;n=5;gap_ms=1"}) {
    CAF_MESSAGE(segment);
    auto made = start(segment);
    CAF_REQUIRE(made.heard->wait_for_end());
    CAF_CHECK(made.heard->body == expected_body(segment));
    CAF_CHECK_EQUAL(made.heard->result.end, transfer_end::finished);
    CAF_CHECK_EQUAL(made.heard->head.status, 200);
    CAF_CHECK_EQUAL(made.heard->head.content_type, "text/event-stream; charset=utf-8");
    CAF_CHECK_EQUAL(made.heard->heads, 1);
    CAF_CHECK(made.heard->in_order);
  }
  CAF_CHECK_EQUAL(server.records().size(), 1u);  // one after the other they share a connection
}

CAF_TEST(the request arrives as it was given) {
  std::string large(3'000'000, 'x');
  for (const auto& body : {std::string("{\"a\":1}"), large}) {
    auto request = request_to(server.url("echo"), body);
    request.headers.emplace_back("X-Empty", "");
    auto made = start(std::move(request));
    CAF_REQUIRE(made.heard->wait_for_end());
    auto record = server.records().back();
    CAF_CHECK(record.request_body == body);
    CAF_CHECK(record.request_head.starts_with("POST /echo/v1/chat/completions HTTP/1.1\r\n"));
    for (auto line : {"\r\nAuthorization: Bearer sk-0123456789\r\n", "\r\nContent-Type: application/json\r\n",
                      "\r\nAccept-Encoding: identity\r\n", "\r\nUser-Agent: oncue/", "\r\nX-Empty:\r\n"}) {
      CAF_CHECK(contains(record.request_head, line));
    }
    CAF_CHECK(!contains(record.request_head, "Expect:"));
  }
  auto early = start(request_to(server.url("early_answer;n=100"), large));
  CAF_REQUIRE(early.heard->wait_for_end());
  CAF_CHECK(early.heard->body == expected_body("words;n=100"));
  CAF_CHECK(server.wait_until([&](const auto& all) { return all.back().request_body == large; }));
  auto models = start(http_request{server.base_url("words") + "/models", "", {}});
  CAF_REQUIRE(models.heard->wait_for_end());
  CAF_CHECK(contains(models.heard->body, R"("id":"misbehaving")"));
  CAF_CHECK(server.records().back().request_head.starts_with("GET /words/v1/models "));
}

CAF_TEST(a method is sent as it was named) {
  struct {
    std::string method, body, line;
    bool with_length;
  } cases[] = {
      {"", "", "GET", false},          {"GET", "", "GET", false}, {"POST", "", "POST", true},
      {"POST", "a=b", "POST", true},   {"", "a=b", "POST", true}, {"PATCH", "{}", "PATCH", true},
      {"DELETE", "", "DELETE", false}, {"PUT", "", "PUT", true},  {"DELETE", "{}", "DELETE", true},
  };
  for (const auto& [method, body, line, with_length] : cases) {
    CAF_MESSAGE(line << " with " << body.size() << " bytes");
    auto request = request_to(server.url("status;code=404"), body);
    request.method = method;
    auto made = start(std::move(request));
    CAF_REQUIRE(made.heard->wait_for_end());
    CAF_CHECK_EQUAL(made.heard->head.status, 404);
    auto record = server.records().back();
    CAF_CHECK(record.request_head.starts_with(line + " /status;code=404/v1/chat/completions HTTP/1.1\r\n"));
    auto length = "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    CAF_CHECK_EQUAL(contains(record.request_head, length), with_length);
    CAF_CHECK_EQUAL(record.request_body, body);
  }
  // No answer to HEAD has a body, whatever its headers promise.
  auto head = request_to(server.base_url("words") + "/models", "");
  head.method = "HEAD";
  auto made = start(std::move(head));
  CAF_REQUIRE(made.heard->wait_for_end());
  CAF_CHECK_EQUAL(made.heard->head.status, 200);
  CAF_CHECK_EQUAL(made.heard->body, "");
  for (auto method : {"GET /x", "PO\r\nST", "POST:"}) {
    auto bad = request_to(server.url("words"));
    bad.method = method;
    auto result = result_of(std::move(bad));
    CAF_CHECK_EQUAL(to_string(result.error), "bad_request");
    CAF_CHECK_EQUAL(result.message, "the request's method cannot be sent: expected a word such as POST");
  }
}

CAF_TEST(an answer with an error status is an answer) {
  auto refused = start("status;code=401");
  CAF_REQUIRE(refused.heard->wait_for_end());
  CAF_CHECK_EQUAL(refused.heard->result.end, transfer_end::finished);
  CAF_CHECK_EQUAL(refused.heard->head.status, 401);
  CAF_CHECK_EQUAL(refused.heard->head.content_type, "application/json");
  CAF_CHECK(contains(refused.heard->body, "Incorrect API key provided"));
  auto limited = start("rate_limit_then_ok;after_s=7;after_ms=6500");
  CAF_REQUIRE(limited.heard->wait_for_end());
  CAF_CHECK_EQUAL(limited.heard->head.status, 429);
  CAF_CHECK_EQUAL(limited.heard->head.retry_after, "7");
  CAF_CHECK_EQUAL(limited.heard->head.retry_after_ms, "6500");
  auto again = start("rate_limit_then_ok;after_s=7;after_ms=6500");
  CAF_REQUIRE(again.heard->wait_for_end());
  CAF_CHECK_EQUAL(again.heard->head.status, 200);
  CAF_CHECK_EQUAL(again.heard->head.retry_after, "");
}

CAF_TEST(a close reaches the provider in every phase and ends the transfer once) {
  struct {
    const char* scenario;
    std::function<bool(const told&)> reached;  // seen here, besides the request seen by the provider
    bool paused = false;
  } phases[] = {
      {"slow_accept", nullptr},
      {"slow_headers", nullptr},
      {"slow_first_token", [](const told& t) { return t.heads == 1; }},
      {"silence", [](const told& t) { return t.heads == 1; }},
      {"silence_after;k=3", [](const told& t) { return contains(t.body, "w2 "); }},
      {"endless;gap_ms=1", [](const told& t) { return contains(t.body, "w3 "); }},
      {"endless;gap_ms=0", [](const told& t) { return t.body.size() > 100'000; }},
      {"endless;gap_ms=0", [](const told& t) { return t.body.size() > 100'000; }, true},
      {"done_but_open", [](const told& t) { return contains(t.body, "[DONE]"); }},
  };
  std::size_t connections = 0;
  for (const auto& phase : phases) {
    CAF_MESSAGE(phase.scenario << (phase.paused ? ", paused" : ""));
    auto made = start(phase.scenario);
    ++connections;
    CAF_REQUIRE(server.wait_until([&](const auto& all) { return all.size() == connections && all.back().requests == 1; }));
    CAF_REQUIRE(!phase.reached || made.heard->wait(phase.reached));
    if (phase.paused) made.token.pause();
    made.token.close();
    made.token.close();
    CAF_CHECK(server.wait_until(all_closed));
    CAF_REQUIRE(made.heard->wait_for_end());
    CAF_CHECK_EQUAL(made.heard->result.end, transfer_end::closed);
    auto bytes = made.heard->body_bytes();
    made.token.resume();
    made.token.close();
    on_loop([] {});
    CAF_CHECK_EQUAL(made.heard->body_bytes(), bytes);
    CAF_CHECK_EQUAL(made.heard->ends, 1);
    CAF_CHECK(made.heard->in_order);
  }
}

CAF_TEST(a close in the middle of connecting ends the transfer) {
  provider_options options;
  options.mute = true;
  provider mute(options);
  auto tls = start(request_to("https://127.0.0.1:" + std::to_string(mute.port()) + "/v1"));
  CAF_REQUIRE(mute.wait_until([](const auto& all) { return all.size() == 1; }));
  tls.token.close();
  CAF_CHECK(mute.wait_until(all_closed));
  CAF_REQUIRE(tls.heard->wait_for_end());
  CAF_CHECK_EQUAL(tls.heard->result.end, transfer_end::closed);
  dead_port full(true);
  for (const auto& url : {"http://" + full.where(), std::string("http://nonexistent.invalid/v1")}) {
    auto made = start(request_to(url));
    made.token.close();
    CAF_REQUIRE(made.heard->wait_for_end());
    CAF_CHECK_EQUAL(made.heard->result.end, transfer_end::closed);
    CAF_CHECK_EQUAL(made.heard->heads, 0);
  }
}

CAF_TEST(a paused transfer holds the provider back and loses nothing) {
  const std::string segment = "words;n=40000;burst=1";
  const auto whole = expected_body(segment);
  std::promise<void> asked;
  bool before = false;
  transfer token;
  auto heard = std::make_shared<told>();
  auto handler = std::make_unique<recorder>(heard);
  handler->when_body = [&] {
    // Not at once: by now the kernel has grown its buffers as far as it may.
    if (!before && heard->body_bytes() > whole.size() / 2) {
      before = true;
      token.pause();
      asked.set_value();
    }
  };
  on_loop([&] { token = client->start(request_to(server.url(segment)), std::move(handler)); });
  asked.get_future().wait();
  on_loop([] {});
  auto bytes = heard->body_bytes();
  CAF_CHECK_LESS(bytes, whole.size());
  barrier(20);
  CAF_CHECK_EQUAL(heard->body_bytes(), bytes);
  auto sent_bytes = server.records().front().deltas_sent * (whole.size() / 40000);
  CAF_CHECK_LESS(sent_bytes, bytes + 400'000);
  CAF_CHECK_EQUAL(server.records().front().answers, 0u);
  for (int i = 0; i < 200; ++i) {
    token.resume();
    token.pause();
  }
  token.resume();
  CAF_REQUIRE(heard->wait_for_end());
  CAF_CHECK(heard->body == whole);
  CAF_CHECK_EQUAL(heard->result.end, transfer_end::finished);
}

CAF_TEST(a transfer paused before it is connected delivers no body until it is resumed) {
  call made;
  on_loop([&] {
    made = start("words;n=300");
    made.token.pause();
  });
  CAF_REQUIRE(server.wait_until([](const auto& all) { return all.size() == 1 && all.front().answers == 1; }));
  barrier(3);
  CAF_CHECK_EQUAL(made.heard->body_bytes(), 0u);
  made.token.resume();
  CAF_REQUIRE(made.heard->wait_for_end());
  CAF_CHECK(made.heard->body == expected_body("words;n=300"));
}

CAF_TEST(a handler may close its own transfer) {
  auto heard = std::make_shared<told>();
  auto handler = std::make_unique<recorder>(heard);
  transfer own;
  handler->when_body = [&own] { own.close(); };
  on_loop([&] { own = client->start(request_to(server.url("endless;gap_ms=0")), std::move(handler)); });
  CAF_REQUIRE(heard->wait_for_end());
  CAF_CHECK_EQUAL(heard->result.end, transfer_end::closed);
  CAF_CHECK(server.wait_until(all_closed));
}

CAF_TEST(failures say what happened and where and nothing secret) {
  dead_port closed(false), full(true);
  auto local = "127.0.0.1:" + std::to_string(server.port());
  auto impatient = request_to("http://" + full.where() + "/v1");
  impatient.connect_timeout = 200ms;
  auto broken_header = request_to(server.url("words"));
  broken_header.headers.emplace_back("X-Key", "a\r\nX-Other: b");
  struct {
    http_request request;
    transfer_error error;
    std::string message;
  } cases[] = {
      {request_to("http://user:secret@" + closed.where() + "/secret"), transfer_error::connect,
       "cannot connect to " + closed.where() + ": connection refused"},
      {request_to("http://nonexistent.invalid/secret"), transfer_error::resolve,
       "the name nonexistent.invalid has no address"},
      {impatient, transfer_error::connect_timeout, "no connection to " + full.where() + " within 200 ms"},
      {request_to(server.url("reset;k=3")), transfer_error::cut,
       local + " reset the connection in the middle of its answer"},
      {request_to(server.url("early_close;k=3")), transfer_error::cut,
       local + " closed the connection in the middle of its answer"},
      {request_to("https://" + local + "/secret"), transfer_error::tls, "TLS with " + local + " failed: "},
      {request_to("ftp://" + local + "/secret"), transfer_error::bad_request,
       "the provider's URL cannot be used: expected"},
      {request_to("127.0.0.1/secret"), transfer_error::bad_request, "the provider's URL cannot be used: expected"},
      {request_to(""), transfer_error::bad_request, "the provider's URL cannot be used: expected"},
      {broken_header, transfer_error::bad_request, "a request header cannot be sent: expected"},
  };
  for (auto& [request, error, message] : cases) {
    CAF_MESSAGE(message);
    auto result = result_of(std::move(request));
    CAF_CHECK_EQUAL(result.end, transfer_end::failed);
    CAF_CHECK_EQUAL(to_string(result.error), to_string(error));
    CAF_CHECK_EQUAL(result.message.substr(0, message.size()), message);
    CAF_CHECK(!contains(result.message, "secret"));
  }
  // A stream that ends too early is the reader's business if HTTP says that it is whole.
  CAF_CHECK_EQUAL(result_of(request_to(server.url("early_close;k=3;clean=1"))).end, transfer_end::finished);
}

CAF_TEST(what came before the connection broke is delivered) {
  for (auto scenario : {"early_close;k=3", "reset;k=3"}) {
    auto made = start(scenario);
    CAF_REQUIRE(made.heard->wait_for_end());
    CAF_CHECK_EQUAL(made.heard->head.status, 200);
    CAF_CHECK(expected_body("words;n=10").starts_with(made.heard->body));
    CAF_CHECK(contains(made.heard->body, "w2 "));
  }
}

CAF_TEST(a handler that throws fails its own transfer only) {
  auto other = start("endless;gap_ms=1");
  for (bool in_head : {true, false}) {
    auto heard = std::make_shared<told>();
    auto handler = std::make_unique<recorder>(heard);
    (in_head ? handler->when_head : handler->when_body) = [] { throw std::runtime_error("too much"); };
    client->start(request_to(server.url("endless;gap_ms=1")), std::move(handler));
    CAF_REQUIRE(heard->wait_for_end());
    CAF_CHECK_EQUAL(to_string(heard->result.error), "other");
    CAF_CHECK_EQUAL(heard->result.message, "too much");
    CAF_CHECK(heard->in_order);
  }
  CAF_REQUIRE(other.heard->wait([](const told& t) { return contains(t.body, "w9 "); }));
  CAF_CHECK_EQUAL(other.heard->ends, 0);
}

CAF_TEST(many transfers at once and only some connections kept afterwards) {
  std::vector<call> calls;
  for (int i = 0; i < 200; ++i) {
    calls.push_back(start("words;gap_ms=1;n=" + std::to_string(50 + i)));
  }
  std::size_t whole_bodies = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto& heard = *calls[i].heard;
    CAF_REQUIRE(heard.wait_for_end());
    whole_bodies += heard.result.end == transfer_end::finished && heard.in_order &&
                    heard.body == expected_body("words;n=" + std::to_string(50 + i));
  }
  CAF_CHECK_EQUAL(whole_bodies, calls.size());
  auto open = [](const auto& all) { return std::count_if(all.begin(), all.end(), [](const auto& r) { return !r.over; }); };
  constexpr auto idle_max = static_cast<std::ptrdiff_t>(oncue::core::limits::idle_connections_max);
  // More than idle_max if many end in one turn of the loop, but not all.
  CAF_CHECK(server.wait_until([&](const auto& all) { return open(all) <= 4 * idle_max; }));
  CAF_CHECK_GREATER(open(server.records()), idle_max / 2);
  auto connections = server.records().size();
  barrier(3);
  CAF_CHECK_EQUAL(server.records().size(), connections);
}

CAF_TEST(starts that stand in line for their host end like all others) {
  std::vector<call> calls;
  for (int i = 0; i < 300; ++i) {
    auto request = request_to("http://nonexistent.invalid/v1");
    request.connect_timeout = 500ms;
    calls.push_back(start(std::move(request)));
    if (i % 3 == 0) calls.back().token.close();
  }
  auto elsewhere = start("words");
  CAF_REQUIRE(elsewhere.heard->wait_for_end());
  CAF_CHECK_EQUAL(elsewhere.heard->result.end, transfer_end::finished);
  int failed = 0;
  for (auto& made : calls) {
    CAF_REQUIRE(made.heard->wait_for_end());
    CAF_REQUIRE_EQUAL(made.heard->ends, 1);
    // A name server that is asked so often at once may not answer in time.
    auto error = made.heard->result.error;
    failed += error == transfer_error::resolve || error == transfer_error::connect_timeout;
  }
  CAF_CHECK_GREATER_OR_EQUAL(failed, 200);
}

CAF_TEST(a close that races with the end gives one ending) {
  std::minstd_rand random(1);
  int closed = 0;
  for (int i = 0; i < 1500; ++i) {
    auto made = start(i % 2 == 0 ? "words;n=3" : "early_close;k=1");
    // Anywhere between before the start and after the end, without a clock.
    auto bytes = random() % 1400;
    if (i % 3 != 0) {
      CAF_REQUIRE(made.heard->wait([&](const told& t) { return t.body.size() >= bytes || t.ends > 0; }));
    }
    std::thread second([token = made.token] { token.close(); });
    made.token.close();
    second.join();
    CAF_REQUIRE(made.heard->wait_for_end());
    closed += made.heard->result.end == transfer_end::closed;
    if (made.heard->ends != 1 || !made.heard->in_order) {
      CAF_FAIL("transfer " << i << " ended " << made.heard->ends << " times");
    }
  }
  CAF_CHECK_GREATER(closed, 0);
}

CAF_TEST(a client that goes away ends its transfers and leaves harmless tokens) {
  std::vector<call> calls;
  for (auto scenario : {"slow_headers", "slow_first_token", "endless;gap_ms=0", "endless;gap_ms=1", "silence"}) {
    for (int i = 0; i < 5; ++i) {
      calls.push_back(start(scenario));
    }
  }
  CAF_REQUIRE(server.wait_until([&](const auto& all) {
    return all.size() == calls.size() && std::all_of(all.begin(), all.end(), [](auto& r) { return r.requests == 1; });
  }));
  calls[12].token.pause();
  for (int i = 0; i < 5; ++i) {
    calls.push_back(start("words"));  // not yet on the loop, perhaps
  }
  client.reset();
  for (auto& made : calls) {
    CAF_CHECK_EQUAL(made.heard->ends, 1);
    CAF_CHECK(made.heard->in_order);
    made.token.close();
    made.token.resume();
  }
  CAF_CHECK_EQUAL(calls.front().heard->result.end, transfer_end::closed);
  CAF_CHECK(server.wait_until(all_closed));
  transfer().close();
}

CAF_TEST(what is started after the end is closed on its loop and not from within the start) {
  client->shut_down();
  client->shut_down();
  std::mutex callers;  // as a caller may have one, which his handler takes too
  auto heard = std::make_shared<told>();
  std::atomic<bool> on_its_loop = false;
  struct late : recorder {
    using recorder::recorder;
    std::function<void()> when_end;
    void on_end(const transfer_result& result) override {
      when_end();
      recorder::on_end(result);
    }
  };
  auto handler = std::make_unique<late>(heard);
  handler->when_end = [&] {
    on_its_loop = loops.at(0).on_this_thread();
    if (on_its_loop) std::lock_guard lock(callers);
  };
  {
    std::lock_guard lock(callers);
    client->start(request_to(server.url("words")), std::move(handler)).close();
    CAF_CHECK_EQUAL(heard->ends, 0);
  }
  CAF_REQUIRE(heard->wait_for_end());
  CAF_CHECK(on_its_loop);
  CAF_CHECK_EQUAL(heard->result.end, transfer_end::closed);
  CAF_CHECK(server.records().empty());
}

CAF_TEST(a paused transfer that its provider leaves costs nothing until it is resumed) {
  auto busy_ms = [&] {
    timespec used{};
    on_loop([&] { ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used); });
    return used.tv_sec * 1'000 + used.tv_nsec / 1'000'000;
  };
  std::vector<call> left;
  for (std::string scenario : {"early_close;k=3", "reset;k=3", "early_close;k=3;clean=1"}) {
    on_loop([&] {
      left.push_back(start(scenario));
      left.back().token.pause();
    });
  }
  CAF_REQUIRE(server.wait_until([](const auto& all) {
    return all.size() == 3 && std::all_of(all.begin(), all.end(), [](const auto& r) { return r.over; });
  }));
  auto before = busy_ms();
  {
    auto& first = *left.front().heard;
    std::unique_lock lock(first.guard);
    CAF_CHECK(!first.changed.wait_for(lock, 300ms, [&] { return first.ends > 0; }));
  }
  CAF_CHECK_LESS(busy_ms() - before, 100);
  for (auto& made : left) {
    made.token.resume();
    CAF_CHECK(made.heard->wait_for_end());
  }
}

CAF_TEST(a transfer whose socket cannot be waited for fails) {
  auto before = start("endless;gap_ms=1");
  CAF_REQUIRE(before.heard->wait([](const told& t) { return !t.body.empty(); }));
  on_loop([] { no_room_for_sockets = true; });
  auto result = result_of(request_to(server.url("words")));
  on_loop([] { no_room_for_sockets = false; });
  CAF_CHECK_EQUAL(result.end, transfer_end::failed);
  // The others do not notice.
  barrier();
  auto bytes = before.heard->body_bytes();
  CAF_CHECK(before.heard->wait([&](const told& t) { return t.body.size() > bytes; }));
  before.token.close();
}

CAF_TEST(several loops share the transfers) {
  event_loops three(3);
  http_client spread(three);
  std::mutex guard;
  std::map<std::thread::id, int> threads;
  std::vector<std::shared_ptr<told>> all;
  for (int i = 0; i < 9; ++i) {
    all.push_back(std::make_shared<told>());
    auto handler = std::make_unique<recorder>(all.back());
    handler->when_head = [&] {
      std::lock_guard lock(guard);
      ++threads[std::this_thread::get_id()];
    };
    spread.start(request_to(server.url("words;n=5")), std::move(handler));
  }
  for (auto& heard : all) {
    CAF_REQUIRE(heard->wait_for_end());
    CAF_CHECK(heard->body == expected_body("words;n=5"));
  }
  CAF_CHECK_EQUAL(threads.size(), 3u);
}

CAF_TEST(a certificate is trusted only if its issuer is) {
  auto folder = std::filesystem::temp_directory_path() / ("oncue-tls-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  provider_options options;
  options.certificate_file = folder / "certificate.pem";
  options.key_file = folder / "key.pem";
  auto command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=provider "
      "-addext subjectAltName=IP:127.0.0.1 -keyout " +
      options.key_file + " -out " + options.certificate_file + " 2>/dev/null";
  CAF_REQUIRE_EQUAL(std::system(command.c_str()), 0);
  provider secure(options);
  auto where = "127.0.0.1:" + std::to_string(secure.port());
  auto result = result_of(request_to(secure.url("words")));
  CAF_CHECK_EQUAL(to_string(result.error), "tls");
  CAF_CHECK_EQUAL(result.message.find("the certificate of " + where + " is not trusted: "), 0u);
  CAF_CHECK(contains(result.message, "self-signed"));

  client.reset();
  setenv("SSL_CERT_FILE", options.certificate_file.c_str(), 1);
  client = std::make_unique<http_client>(loops);
  auto trusted = start(request_to(secure.url("words;n=2000;burst=1")));
  CAF_REQUIRE(trusted.heard->wait_for_end());
  CAF_CHECK(trusted.heard->body == expected_body("words;n=2000;burst=1"));
  auto other_name = result_of(request_to("https://localhost:" + std::to_string(secure.port()) + "/words/v1"));
  CAF_CHECK_EQUAL(to_string(other_name.error), "tls");
  CAF_CHECK(contains(other_name.message, "the certificate of localhost:"));
  auto live = start(request_to(secure.url("endless;gap_ms=1")));
  CAF_REQUIRE(live.heard->wait([](const told& t) { return contains(t.body, "w3 "); }));
  live.token.close();
  CAF_CHECK(secure.wait_until([](const auto& all) { return all.back().client_closed; }));
  unsetenv("SSL_CERT_FILE");
  std::filesystem::remove_all(folder);
}

CAF_TEST(a proxy of the environment is used and blamed) {
  auto proxy = "http://127.0.0.1:" + std::to_string(server.port());
  setenv("http_proxy", proxy.c_str(), 1);
  setenv("https_proxy", proxy.c_str(), 1);
  auto made = start(request_to("http://nonexistent.invalid/words;n=2/v1/chat/completions"));
  CAF_REQUIRE(made.heard->wait_for_end());
  CAF_CHECK(made.heard->body == expected_body("words;n=2"));
  CAF_CHECK(contains(server.records().front().request_head, "POST http://nonexistent.invalid/words;n=2/v1"));
  auto refused = result_of(request_to("https://nonexistent.invalid/v1"));
  CAF_CHECK_EQUAL(to_string(refused.error), "proxy");
  CAF_CHECK_EQUAL(refused.message, "the proxy refused a connection to nonexistent.invalid:443 with status 404");
  dead_port closed(false);
  setenv("http_proxy", ("http://" + closed.where()).c_str(), 1);
  auto unreachable = result_of(request_to("http://nonexistent.invalid/v1"));
  CAF_CHECK_EQUAL(to_string(unreachable.error), "proxy");
  CAF_CHECK_EQUAL(unreachable.message, "cannot connect to the proxy for nonexistent.invalid:80: connection refused");
  unsetenv("http_proxy");
  unsetenv("https_proxy");
}

CAF_TEST_FIXTURE_SCOPE_END()
