// The HTTP server's requests and plain answers over real loopback sockets: what is a request, what is refused and in which
// words, what happens to slow, large and hostile ones. Nothing here sleeps: a test waits for what it wants to see.
#define CAF_SUITE io.http_server

#include "oncue/io/http_server.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <caf/test/unit_test.hpp>
#include <system_error>
#include <thread>

#include "support/server_bench.hpp"

using namespace oncue::io;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n";
}

std::string post(const std::string& target, const std::string& body, const std::string& more = "") {
  return "POST " + target + " HTTP/1.1\r\nHost: h\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Refused with this status, in JSON, and the connection is closed in order.
void check_refused(raw_client& client, int status, const std::string& detail) {
  auto answer = client.read_answer();
  CAF_CHECK_EQUAL(answer.status, status);
  CAF_CHECK(answer.has("content-type: application/json") && answer.has("connection: close"));
  CAF_CHECK(contains(answer.body, "{\"detail\":\"" + detail));
  CAF_CHECK(client.sees_close());
}

}  // namespace

CAF_TEST(a connection is kept for request after request and ends when the client wants it) {
  server_bench bench;
  auto client = bench.connect();
  CAF_REQUIRE(client.send(get("/echo?q=%41", "X-One: 1\r\n")));
  auto first = client.read_answer();
  CAF_CHECK_EQUAL(first.status, 200);
  CAF_CHECK_EQUAL(first.body, "GET /echo?q=%41\nhost: h\nx-one: 1\n\n");
  CAF_CHECK(first.has("\r\ndate: ") && first.has(" gmt\r\n") && first.has("content-length: 34\r\n"));
  CAF_CHECK(client.send("\r\n\r\n" + post("/echo", "a\r\n\r\nb")));  // empty lines before a request are no request
  CAF_CHECK_EQUAL(client.read_answer().body, "POST /echo\nhost: h\ncontent-length: 6\n\na\r\n\r\nb");
  CAF_CHECK(client.send(get("/echo", "Connection: close\r\n")));
  CAF_CHECK(client.read_answer().has("connection: close"));
  CAF_CHECK(client.sees_close());
  client.close();
  CAF_CHECK(bench.wait_for_stats([](const auto& s) { return s.connections == 0; }));
  CAF_CHECK_EQUAL(bench.server->stats().requests_total, 3u);
  CAF_CHECK_EQUAL(bench.server->stats().rejected_total, 0u);
}

CAF_TEST(requests that are sent ahead are answered one after the other) {
  server_bench bench;
  auto client = bench.connect();
  std::string many;
  for (int i = 0; i < 100; ++i) many += get("/echo/" + std::to_string(i));
  CAF_REQUIRE(client.send(get("/kept/1") + get("/kept/2") + many));
  auto [request, first] = bench.next();
  CAF_CHECK_EQUAL(request.target, "/kept/1");
  CAF_CHECK(request.peer.starts_with("127.0.0.1:"));
  bench.barrier();
  CAF_CHECK_EQUAL(bench.kept(), 1u);  // the second one waits for the first one's answer
  std::thread([answer = first] { answer.reply({200, {}, "one"}); }).join();
  auto second = bench.next().second;
  CAF_CHECK(second);
  CAF_CHECK_EQUAL(client.read_answer().body, "one");
  second.reply({404, {}, "two"});
  second.reply({200, {}, "never"});
  CAF_CHECK_EQUAL(client.read_answer().status, 404);
  for (int i = 0; i < 100; ++i) {
    CAF_CHECK(client.read_answer().body.starts_with("GET /echo/" + std::to_string(i) + "\n"));
  }
}

CAF_TEST(a request may come in any pieces) {
  server_bench bench;
  auto client = bench.connect();
  auto whole = get("/echo/1") + post("/echo/2", "body") +
               "POST /echo/3 HTTP/1.1\r\nhost: h\r\ntransfer-encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0a\r\n0123456789\r\n"
               "0\r\nHost: trailer\r\nX-Key: trailer\r\n\r\n"
               "POST /echo/4 HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
  for (char c : whole) {
    CAF_REQUIRE(client.send({&c, 1}));
    bench.on_loop([] {});
  }
  CAF_CHECK(contains(client.read_answer().body, "GET /echo/1\n"));
  CAF_CHECK(contains(client.read_answer().body, "\n\nbody"));
  CAF_CHECK_EQUAL(client.read_answer().body, "POST /echo/3\nhost: h\ntransfer-encoding: Chunked\n\nabc0123456789");
  CAF_CHECK_EQUAL(client.read_answer().body, "POST /echo/4\nhost: h\ntransfer-encoding: chunked\n\n");
}

CAF_TEST(answers have no body where HTTP wants none and no lines that a value smuggles in) {
  server_bench bench;
  auto client = bench.connect();
  CAF_REQUIRE(client.send("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\n" + get("/kept") + get("/kept") + get("/drop")));
  auto head = client.read_answer(true);
  CAF_CHECK_EQUAL(head.status, 200);
  CAF_CHECK(head.has("content-length: 20"));
  bench.next().second.reply({204, {{"X-A", "1\r\nX-B: 2"}}, "ignored"});
  auto nothing = client.read_answer();
  CAF_CHECK_EQUAL(nothing.status, 204);
  CAF_CHECK(nothing.has("\r\nx-a: 1  x-b: 2\r\n") && !nothing.has("content-length"));
  std::string large(3u << 20, 'x');
  bench.next().second.reply({200, {}, large});
  CAF_CHECK(client.read_answer().body == large);
  auto dropped = client.read_answer();
  CAF_CHECK_EQUAL(dropped.status, 500);
  CAF_CHECK_EQUAL(dropped.body, "{\"detail\":\"Internal Server Error\"}");
}

CAF_TEST(old clients and careful clients are served) {
  server_bench bench;
  auto old_answer = bench.ask("GET /echo HTTP/1.0\r\n\r\n");
  CAF_CHECK_EQUAL(old_answer.status, 200);
  CAF_CHECK(old_answer.has("connection: close"));
  auto old = bench.connect();
  for (int i = 0; i < 2; ++i) {
    CAF_REQUIRE(old.send("GET /echo HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    CAF_CHECK(old.read_answer().has("connection: keep-alive"));
  }
  auto careful = bench.connect();
  CAF_REQUIRE(careful.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"));
  CAF_CHECK_EQUAL(careful.read_answer().status, 100);
  CAF_REQUIRE(careful.send("body"));
  CAF_CHECK(contains(careful.read_answer().body, "\n\nbody"));
  // One that does not wait needs no permission.
  CAF_REQUIRE(careful.send(post("/echo", "body", "Expect: 100-continue\r\n")));
  CAF_CHECK_EQUAL(careful.read_answer().status, 200);
  // One whose body will be refused is told so before it sends it.
  CAF_REQUIRE(careful.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"));
  CAF_CHECK_EQUAL(careful.read_answer().status, 413);
}

CAF_TEST(what is not HTTP and what has two meanings is refused) {
  server_bench bench;
  const std::string host = "Host: h\r\n";
  for (const auto& [request, status, detail] : std::initializer_list<std::tuple<std::string, int, std::string>>{
           {"nonsense\r\n\r\n", 400, "Malformed request"},
           {std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400, "Malformed request"},
           {"GET / HTTP/1.1\n" + host + "\n", 400, "Malformed request"},
           {"GET  / HTTP/1.1\r\n" + host + "\r\n", 400, "Malformed request"},
           {"GET / HTTP/2.0\r\n" + host + "\r\n", 400, "Malformed request: a request line ends with"},
           {"GET /\r\n\r\n", 400, "Malformed request"},
           {"GET / HTTP/1.1\r\n\r\n", 400, "Malformed request: it needs exactly one Host"},
           {get("/", host), 400, "Malformed request: it needs exactly one Host"},
           {get("/", "X A: 1\r\n"), 400, "Malformed request"},
           {get("/", "X-A : 1\r\n"), 400, "Malformed request"},
           {get("/", ": 1\r\n"), 400, "Malformed request"},
           {get("/", std::string("X-A: \0\r\n", 8)), 400, "Malformed request"},
           {get("/", "X-A\r\n"), 400, "Malformed request"},
           {post("/", "abc", "Transfer-Encoding: chunked\r\n"), 400, "Malformed request: its length"},
           {get("/", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400, "Malformed request: its length"},
           {get("/", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400, "Malformed request"},
           {get("/", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 400, "Malformed request"},
           {post("/", "abc", "Content-Length: 4\r\n"), 400, "Malformed request: its length"},
           {get("/", "Content-Length: -1\r\n"), 400, "Malformed request: its length"},
           {get("/", "Content-Length: 1x\r\n"), 400, "Malformed request: its length"},
           {get("/", "Content-Length: 99999999999999999999999\r\n"), 400, "Malformed request: its length"},
           {get("/", "Transfer-Encoding: gzip\r\n"), 501, "The only transfer coding"},
           {get("/", "Transfer-Encoding: gzip, chunked\r\n"), 501, "The only transfer coding"},
           {get("/", "Transfer-Encoding: xchunked\r\n"), 501, "The only transfer coding"},
           {get("/", "Transfer-Encoding: \r\n"), 501, "The only transfer coding"},
           {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "Malformed request: Transfer-Encoding"},
           {get("/", "Expect: a miracle\r\n"), 417, "The only expectation"},
           {get("/", "Transfer-Encoding: chunked\r\n") + "xyz\r\n", 400, "Malformed request: a chunk"},
           {get("/", "Transfer-Encoding: chunked\r\n") + "3\r\nabcd\r\n0\r\n\r\n", 400, "Malformed request: a chunk"},
           {get("/", "Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\n", 400, "Malformed request: a chunk"},
       }) {
    CAF_MESSAGE(request.substr(0, request.find("\r")));
    auto client = bench.connect();
    CAF_REQUIRE(client.send(request));
    check_refused(client, status, detail);
  }
  // A refusal closes: what stands behind it is never taken for a request.
  auto client = bench.connect();
  CAF_REQUIRE(client.send(get("/echo/1") + get("/", "Transfer-Encoding: gzip\r\n") + get("/kept")));
  CAF_CHECK_EQUAL(client.read_answer().status, 200);
  check_refused(client, 501, "");
  CAF_CHECK_EQUAL(bench.kept(), 0u);
}

CAF_TEST(what is too large is refused and its sender can read why) {
  server_bench bench({.header_bytes_max = 2000, .body_bytes_max = 1000});
  std::string x(4u << 20, 'x');
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  std::string many;
  for (int i = 0; i < 150; ++i) many += "a:" + std::to_string(i) + "\r\n";
  for (const auto& [request, status] : std::initializer_list<std::pair<std::string, int>>{
           {get("/echo/" + x.substr(0, 1900)), 200},
           {get("/echo/" + x.substr(0, 2000)), 431},
           {"GET /" + x, 431},
           {get("/echo", "X: " + x.substr(0, 1900) + "\r\n"), 200},
           {get("/echo", "X: " + x.substr(0, 2000) + "\r\n"), 431},
           {get("/echo/" + x.substr(0, 1000), "X: " + x.substr(0, 1000) + "\r\n"), 431},
           {"GET /echo HTTP/1.1\r\nHost: h\r\nX: " + x, 431},
           {get("/echo", many + many), 431},
           {post("/echo", x.substr(0, 1000)), 200},
           {post("/echo", x.substr(0, 1001)), 413},
           {post("/echo", x), 413},
           {get("/echo", chunked) + "3e8\r\n" + x.substr(0, 1000) + "\r\n0\r\n\r\n", 200},
           {get("/echo", chunked) + "1f4\r\n" + x.substr(0, 500) + "\r\n1f5\r\n" + x.substr(0, 501) + "\r\n0\r\n\r\n", 413},
           {get("/echo", chunked) + "3d0900\r\n" + x.substr(0, 4'000'000) + "\r\n0\r\n\r\n", 413},
           {get("/echo", chunked) + "1;" + x.substr(0, 5000), 431},
           {get("/echo", chunked) + "0\r\nX: " + x.substr(0, 5000), 431},
       }) {
    auto client = bench.connect();
    CAF_CHECK(client.send(request));  // all of it, before it looks for an answer
    auto answer = client.read_answer();
    CAF_CHECK_EQUAL(answer.status, status);
    if (status != 200) CAF_CHECK(client.sees_close());
  }
  server_bench fields({.header_bytes_max = 30'000});
  std::string more;
  for (int i = 0; i < 199; ++i) more += "a:\r\n";
  CAF_CHECK_EQUAL(fields.ask(get("/echo", more)).status, 200);
  CAF_CHECK_EQUAL(fields.ask(get("/echo", more + "a:\r\n")).status, 431);
}

CAF_TEST(a client that takes its time is told so and one that says nothing is not ) {
  server_bench bench({.header_timeout = 60ms, .body_timeout = 60ms, .idle_timeout = 60ms});
  // Slow loris: a byte now and then does not buy time, for the time is the whole head's.
  auto slow_head = bench.connect();
  auto slow_body = bench.connect();
  auto silent = bench.connect();
  CAF_REQUIRE(slow_head.send("GET /echo HTTP/1.1\r\nX: "));
  CAF_REQUIRE(slow_body.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"));
  for (auto* client : {&slow_head, &slow_body}) {
    int sent = 0;
    while (!client->readable_within(3ms) && sent < 3000) {
      client->send("x");
      ++sent;
    }
    CAF_CHECK(sent > 1 || client == &slow_body);
  }
  check_refused(slow_head, 408, "The head of the request took too long");
  check_refused(slow_body, 408, "The body of the request took too long");
  CAF_CHECK(silent.sees_close());
  auto once = bench.connect();
  CAF_REQUIRE(once.send(get("/echo")));
  CAF_CHECK_EQUAL(once.read_answer().status, 200);
  CAF_CHECK(once.sees_close());
  // Who waits for an answer is not idle.
  auto patient = bench.connect();
  CAF_REQUIRE(patient.send(get("/kept")));
  auto answer = bench.next().second;
  CAF_CHECK(!patient.readable_within(200ms));
  answer.reply({200, {}, "late"});
  CAF_CHECK_EQUAL(patient.read_answer().body, "late");
}

CAF_TEST(a client that does not take its answer is not waited for) {
  server_bench bench({.write_timeout = 60ms});
  auto client = bench.connect(4096);
  CAF_REQUIRE(client.send(get("/kept")));
  bench.next().second.reply({200, {}, std::string(32u << 20, 'x')});
  CAF_CHECK(bench.wait_for_stats([](const auto& s) { return s.connections == 0; }));
}

CAF_TEST(connections above the limit are told so and a place that is free is used) {
  server_bench bench({.connections_max = 3});
  std::vector<raw_client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(bench.connect());
    CAF_REQUIRE(clients.back().send(get("/echo")));
    CAF_CHECK_EQUAL(clients.back().read_answer().status, 200);
  }
  {
    std::vector<raw_client> refused;
    for (int i = 0; i < 100; ++i) refused.push_back(bench.connect());  // more than are refused at the same time
    for (auto& client : refused) {
      CAF_REQUIRE(client.send(get("/echo")));
      check_refused(client, 503, "Too many connections");
      client.close();
    }
    CAF_CHECK_EQUAL(bench.server->stats().rejected_total, 100u);
  }
  clients.pop_back();
  CAF_CHECK(bench.wait_for_stats([](const auto& s) { return s.connections == 2; }));
  CAF_CHECK_EQUAL(bench.ask(get("/echo")).status, 200);
}

CAF_TEST(without file descriptors the server waits for some and goes on) {
  server_bench bench;
  auto client = raw_client();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  int next_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next_free);
  auto none = before;
  none.rlim_cur = static_cast<rlim_t>(next_free);
  setrlimit(RLIMIT_NOFILE, &none);
  auto begun = std::chrono::steady_clock::now();
  CAF_CHECK(client.connect(bench.server->port()));
  CAF_CHECK(client.send(get("/echo")));
  bool noticed = bench.wait_for_stats([](const auto& s) { return s.accept_errors_total >= 2; });
  auto errors = bench.server->stats().accept_errors_total;
  auto took = std::chrono::steady_clock::now() - begun;
  setrlimit(RLIMIT_NOFILE, &before);
  CAF_CHECK(noticed);
  CAF_CHECK(contains(bench.server->stats().accept_error, "open files"));
  CAF_CHECK(static_cast<std::int64_t>(errors) <= 2 + took / oncue::core::limits::accept_retry);  // it does not spin
  CAF_CHECK_EQUAL(client.read_answer().status, 200);
}

CAF_TEST(a server that listens no more finishes what it has begun) {
  server_bench bench;
  auto idle = bench.connect();
  CAF_REQUIRE(idle.send(get("/echo")));
  CAF_CHECK_EQUAL(idle.read_answer().status, 200);
  auto busy = bench.connect();
  CAF_REQUIRE(busy.send(get("/kept") + get("/kept")));
  auto answer = bench.next().second;
  bench.server->stop_listening();
  CAF_CHECK(idle.sees_close());
  CAF_CHECK(!raw_client().connect(bench.server->port()));
  answer.reply({200, {}, "the last one"});
  auto last = busy.read_answer();
  CAF_CHECK_EQUAL(last.body, "the last one");
  CAF_CHECK(last.has("connection: close"));
  CAF_CHECK(busy.sees_close());
  CAF_CHECK_EQUAL(bench.kept(), 1u);
}

CAF_TEST(an address that cannot be listened on is named) {
  event_loops loops;
  auto why = [&](http_server_options options) -> std::string {
    try {
      http_server server(loops, options, [](server_request, exchange) {});
      return "listens";
    } catch (const std::system_error& error) {
      return error.what();
    }
  };
  http_server first(loops, {.port = 0}, [](server_request, exchange) {});
  auto port = std::to_string(first.port());
  CAF_CHECK_EQUAL(why({.port = first.port()}), "cannot listen on 127.0.0.1:" + port + ": Address already in use");
  CAF_CHECK(why({.host = "192.0.2.1", .port = 0}).starts_with("cannot listen on 192.0.2.1:0: Cannot assign"));
  CAF_CHECK(why({.host = "no address"}).starts_with("cannot listen on no address:7777: Invalid argument"));
  CAF_CHECK_EQUAL(why({.host = "localhost", .port = 0}), "listens");
}
