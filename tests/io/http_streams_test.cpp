// The HTTP server's streams over real loopback sockets: clients that leave, stall, die or come by the thousand.
#define CAF_SUITE io.http_streams

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <caf/test/unit_test.hpp>
#include <random>
#include <thread>

#include "oncue/core/limits.hpp"
#include "oncue/io/http_server.hpp"
#include "support/server_bench.hpp"

using namespace oncue::io;
using namespace oncue::test;
using namespace std::chrono_literals;
namespace limits = oncue::core::limits;

namespace {

const std::string stream_request = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string echo_request = "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n";

server_response stream_head() { return {200, {{"Content-Type", "text/event-stream"}}, ""}; }

/// A client that has the head of its stream, and the stream's exchange. Its callbacks count as "room" and "gone".
std::pair<raw_client, exchange> open(server_bench& bench, int receive_buffer = 0,
                                     std::chrono::milliseconds heartbeat = 0ms) {
  auto client = bench.connect(receive_buffer);
  client.send(stream_request);
  auto answer = bench.next().second;
  CAF_REQUIRE(answer);
  answer.open_stream(stream_head(), {bench.counter("room"), bench.counter("gone")}, heartbeat, ": heartbeat\n\n");
  auto head = client.read_until("\r\n\r\n");
  CAF_REQUIRE(head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  return {std::move(client), answer};
}

/// Writes until the socket is full, as a writer should.
std::size_t fill(const exchange& stream, const std::string& text) {
  std::size_t waiting = 0;
  for (int i = 0; i < 100'000 && waiting <= limits::stream_buffer_bytes_low; ++i) waiting = stream.write(text);
  return waiting;
}

void allow_files(rlim_t wanted) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min(std::max(files.rlim_cur, wanted), files.rlim_max);
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

CAF_TEST(a stream is what was written in its order and the connection serves on) {
  server_bench bench;
  auto client = bench.connect();
  CAF_REQUIRE(client.send(stream_request + echo_request));
  auto stream = bench.next().second;
  CAF_CHECK_EQUAL(stream.write("too early"), 0u);
  stream.open_stream(stream_head(), {bench.counter("room"), bench.counter("gone")}, 0ms, "");
  std::string expected;
  std::thread writer([&] {
    for (int i = 0; i < 5000; ++i) {
      auto text = "data: " + std::to_string(i) + "\n\n";
      expected += text;
      if (stream.write(text) > limits::stream_buffer_bytes_low) {
        auto rooms = bench.count("room");
        stream.call_when_room();
        bench.wait_for("room", rooms + 1);
      }
    }
    stream.write("");  // is not the end
    expected += "end";
    stream.write("end");
    stream.end();
    stream.end();
    stream.write("never");
  });
  auto answer = client.read_answer();
  writer.join();
  CAF_CHECK(answer.whole_stream);
  CAF_CHECK(answer.body == expected);
  CAF_CHECK_EQUAL(client.read_answer().body, "GET /echo\nhost: h\n\n");
  client.close();
  CAF_CHECK(bench.wait_for_stats([](const auto& s) { return s.connections == 0 && s.streams == 0; }));
  CAF_CHECK_EQUAL(bench.count("gone"), 0);
}

CAF_TEST(streams without chunks and without a body) {
  server_bench bench;
  auto old = bench.connect();
  CAF_REQUIRE(old.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  auto stream = bench.next().second;
  stream.open_stream(stream_head(), {}, 0ms, "");
  stream.write("one");
  stream.write("two");
  stream.end();
  auto answer = old.read_answer();
  CAF_CHECK(answer.has("connection: close") && !answer.has("chunked"));
  CAF_CHECK_EQUAL(answer.body, "onetwo");

  // HEAD: the head is all there is, and its writer hears that nobody listens.
  auto client = bench.connect();
  CAF_REQUIRE(client.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n" + echo_request));
  auto nothing = bench.next().second;
  nothing.open_stream(stream_head(), {{}, bench.counter("gone")}, 0ms, "");
  CAF_CHECK_EQUAL(client.read_answer(true).status, 200);
  CAF_CHECK_EQUAL(client.read_answer().body, "GET /echo\nhost: h\n\n");
  CAF_CHECK(bench.wait_for("gone"));
  CAF_CHECK_EQUAL(nothing.write("x"), 0u);

  // A stream that its writer lets go of in the middle is cut, not complete.
  auto [reader, writer] = open(bench);
  writer.write("half");
  writer = exchange();
  std::string body;
  CAF_CHECK(!reader.read_chunks(body));
  CAF_CHECK_EQUAL(body, "half");
  CAF_CHECK_EQUAL(bench.count("gone"), 1);
}

CAF_TEST(a client that leaves is noticed at once and exactly once) {
  server_bench bench;
  const std::vector<std::pair<std::string, std::function<void(raw_client&)>>> ways = {
      {"close", [](raw_client& c) { c.close(); }},
      {"reset", [](raw_client& c) { c.reset(); }},
      {"half-close", [](raw_client& c) { c.shut_down_sending(); }},
      {"a request ahead, then close",
       [](raw_client& c) {
         c.send(echo_request);
         c.close();
       }},
  };
  int gone = 0;
  for (const auto& [how, leave] : ways) {
    CAF_MESSAGE(how);
    auto waiting = bench.connect();
    waiting.send(stream_request);
    auto answer = bench.next().second;
    answer.on_gone(bench.counter("replaced"));
    answer.on_gone(bench.counter("gone"));
    leave(waiting);
    CAF_CHECK(bench.wait_for("gone", ++gone));
    answer.reply({200, {}, "too late"});

    auto [client, stream] = open(bench);
    stream.write("data: 1\n\n");
    CAF_CHECK_EQUAL(client.read_chunk(), "data: 1\n\n");
    leave(client);
    CAF_CHECK(bench.wait_for("gone", ++gone));
    CAF_CHECK_EQUAL(stream.write("more"), 0u);
    stream.end();
    bench.barrier();
  }
  CAF_CHECK_EQUAL(bench.count("gone"), gone);
  CAF_CHECK_EQUAL(bench.count("replaced"), 0);
  CAF_CHECK(bench.wait_for_stats([](const auto& s) { return s.connections == 0 && s.streams == 0; }));
}

CAF_TEST(who asks only after the client has left is told) {
  server_bench bench;
  for (bool stream : {false, true}) {
    auto client = bench.connect();
    client.send(stream_request);
    auto answer = bench.next().second;
    client.close();
    CAF_CHECK(bench.wait_for_stats([](const auto& s) { return s.connections == 0; }));
    auto name = stream ? "stream" : "plain";
    if (stream) {
      answer.open_stream(stream_head(), {{}, bench.counter(name)}, 0ms, "");
    } else {
      answer.on_gone(bench.counter(name));
    }
    CAF_CHECK(bench.wait_for(name));
    answer.on_gone(bench.counter("again"));
    bench.barrier();
    CAF_CHECK_EQUAL(bench.count(name), 1);
    CAF_CHECK_EQUAL(bench.count("again"), 0);
  }
}

CAF_TEST(a client that sends too much ahead is not read and still missed) {
  server_bench bench({.header_timeout = 100ms});
  auto [client, stream] = open(bench);
  std::string ahead = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n" + std::string(4'000'000, 'x');
  std::thread sender([&client = client, &ahead] { client.send(ahead); });
  CAF_CHECK_EQUAL(stream.write("still served"), 12u);
  CAF_CHECK_EQUAL(client.read_chunk(), "still served");
  stream.end();  // only now the rest is read
  CAF_CHECK(client.read_chunk().empty());
  sender.join();
  CAF_CHECK_EQUAL(client.read_answer().body.size(), 4'000'044u);

  auto [other, second] = open(bench);
  other.send(std::string(120'000, 'x'));  // more than is kept, and what the kernel holds still lets the end through
  bench.barrier();
  other.close();
  CAF_CHECK(bench.wait_for("gone"));
}

CAF_TEST(a silent stream gets heartbeats and one that speaks does not ) {
  server_bench bench;
  auto [client, stream] = open(bench, 0, 20ms);
  for (int i = 0; i < 3; ++i) CAF_CHECK_EQUAL(client.read_chunk(), ": heartbeat\n\n");
  stream.write("data: 1\n\n");
  std::string chunk;
  while ((chunk = client.read_chunk()) == ": heartbeat\n\n") {
  }
  CAF_CHECK_EQUAL(chunk, "data: 1\n\n");
  auto [quiet, none] = open(bench);
  auto [long_one, seldom] = open(bench, 0, 60s);
  CAF_CHECK(!quiet.readable_within(100ms));
  CAF_CHECK(!long_one.readable_within(0ms));
}

CAF_TEST(a reader that stalls costs its buffer and nobody else anything) {
  allow_files(4096);
  server_bench bench;
  constexpr int count = 1000;
  const std::string event = "data: " + std::string(1000, 'x') + "\n\n";
  std::vector<std::pair<raw_client, exchange>> stalled;
  std::vector<int> rooms(count, 0);
  std::atomic<std::size_t> waiting_most{0};
  for (std::size_t i = 0; i < count; ++i) {
    auto client = bench.connect(4096);
    client.send(stream_request);
    auto stream = bench.next().second;
    // A writer as it should be: on the loop only, and it stops when it is told to.
    auto write_on = [&, stream, i] {
      ++rooms[i];
      waiting_most = std::max(waiting_most.load(), fill(stream, event));
      stream.call_when_room();
    };
    stream.open_stream(stream_head(), {write_on, bench.counter("gone")}, 0ms, "");
    stream.call_when_room();
    stalled.emplace_back(std::move(client), std::move(stream));
  }
  auto [client, stream] = open(bench);
  for (int i = 0; i < 100; ++i) {
    stream.write("data: " + std::to_string(i));
    CAF_CHECK_EQUAL(client.read_chunk(), "data: " + std::to_string(i));
  }
  CAF_CHECK_LESS(limits::stream_buffer_bytes_low, waiting_most.load());
  CAF_CHECK_LESS(waiting_most.load(), limits::stream_buffer_bytes_low + 2 * event.size());
  // The kernel holds little of each, too.
  CAF_CHECK_LESS(bench.server->stats().bytes_sent_total, count * 80'000u);

  // One wakes up: it has missed nothing, and its writer is called again.
  auto& woken = stalled.front().first;
  auto rooms_of_first = [&] {
    int result = 0;
    bench.on_loop([&] { result = rooms.front(); });
    return result;
  };
  woken.read_until("\r\n\r\n");
  auto before = rooms_of_first();
  std::string text;
  while (rooms_of_first() == before) text += woken.read_chunk();
  while (text.size() % event.size() != 0) text += woken.read_chunk();
  while (!text.empty() && text.starts_with(event)) text.erase(0, event.size());
  CAF_CHECK(text.empty());
  CAF_CHECK_EQUAL(bench.count("gone"), 0);

  // A writer that does not stop is stopped.
  auto& pushed = stalled.back().second;
  std::size_t waiting = 0;
  while ((waiting = pushed.write(event)) != 0) CAF_REQUIRE(waiting <= limits::stream_buffer_bytes_max + event.size());
  CAF_CHECK(bench.wait_for("gone"));
  CAF_CHECK_EQUAL(bench.count("gone"), 1);
}

CAF_TEST(one large event is sent whole) {
  server_bench bench;
  auto [client, stream] = open(bench, 4096);
  std::string large(3u << 20, 'x');
  CAF_CHECK_EQUAL(stream.write(large), large.size());
  stream.end();
  std::string body;
  CAF_CHECK(client.read_chunks(body));
  CAF_CHECK(body == large);
}

CAF_TEST(streams that nobody reads for too long are closed and slow ones are not) {
  server_bench bench({.stream_write_timeout = 100ms});
  auto [client, stream] = open(bench, 4096);
  auto [idle, quiet] = open(bench);
  auto [slow, steady] = open(bench, 4096);
  std::string event(1000, 'x');
  for (int i = 0; i < 50; ++i) {
    fill(stream, event);
    fill(steady, event);
    bench.on_loop([] {});
  }
  // Reading a little buys time.
  while (bench.count("gone") == 0 && slow.readable_within(20ms)) slow.read_chunk();
  CAF_CHECK(bench.wait_for("gone"));
  CAF_CHECK_EQUAL(stream.write("x"), 0u);
  CAF_CHECK(quiet.write("x") > 0);
  CAF_CHECK_EQUAL(idle.read_chunk(), "x");
  CAF_CHECK(steady.write("x") > 0);
}

CAF_TEST(a client whose network is gone is noticed and one that only stalls is not ) {
  server_bench bench({.stream_write_timeout = std::nullopt, .peer_silence = 300ms});
  auto [dead, lost] = open(bench);
  auto [stalled, held] = open(bench, 4096);
  for (int i = 0; i < 50; ++i) {
    fill(held, std::string(1000, 'x'));
    bench.on_loop([] {});
  }
  dead.die();
  lost.write("is anybody there?");
  CAF_CHECK(bench.wait_for("gone"));
  CAF_CHECK_EQUAL(lost.write("x"), 0u);
  bench.barrier();
  CAF_CHECK(held.write("x") > 0);
  CAF_CHECK_EQUAL(bench.count("gone"), 1);
}

CAF_TEST(a new request does not wait for thousands of writes) {
  allow_files(8192);
  server_bench bench;
  constexpr std::size_t count = 2000;
  std::vector<std::pair<raw_client, exchange>> streams;
  for (std::size_t i = 0; i < count; ++i) streams.push_back(open(bench));
  const std::string event(100, 'x');
  auto client = bench.connect();
  client.send("GET /kept HTTP/1.1\r\nHost: h\r\n\r\nGET /kept HTTP/1.1\r\nHost: h\r\n\r\n");
  auto held = bench.next().second;
  auto newcomer = bench.connect();
  newcomer.send(echo_request);
  CAF_CHECK_EQUAL(newcomer.read_answer().status, 200);

  // How much of the fan-out had been sent when a handler was called. All three happen in one turn of the loop.
  std::uint64_t before = 0;
  std::vector<std::uint64_t> sent_when_called;
  bench.when_kept = [&] { sent_when_called.push_back(bench.server->stats().bytes_sent_total - before); };
  bench.on_loop([&] {
    before = bench.server->stats().bytes_sent_total;
    for (auto& [reader, stream] : streams) stream.write(event);
    newcomer.send("POST /cancel HTTP/1.1\r\nHost: h\r\n\r\n");
    held.reply({200, {}, "an answer"});  // then its client's next request is taken
  });
  CAF_CHECK(bench.next().second && bench.next().second);
  for (auto& [reader, stream] : streams) CAF_CHECK_EQUAL(reader.read_chunk(), event);
  CAF_CHECK_EQUAL(sent_when_called.size(), 2u);
  for (auto sent : sent_when_called) CAF_CHECK_LESS(sent, count * event.size() / 10);
}

CAF_TEST(a server goes away with streams open and threads that answer) {
  for (int round = 0; round < 20; ++round) {
    auto bench = std::make_unique<server_bench>(http_server_options{}, 2);
    std::vector<raw_client> clients;
    std::vector<exchange> answers;
    for (int i = 0; i < 30; ++i) {
      clients.push_back(bench->connect());
      clients.back().send(stream_request);
      answers.push_back(bench->next().second);
    }
    std::atomic<bool> over{false};
    std::atomic<int> called{0}, called_late{0};
    auto call = [&] { ++(over ? called_late : called); };
    std::vector<std::thread> threads;
    for (std::size_t which : {0u, 1u, 2u}) {
      threads.emplace_back([&, which] {
        std::minstd_rand chance(static_cast<unsigned>(round * 3 + static_cast<int>(which) + 1));
        for (std::size_t i = which; i < answers.size(); i += 3) {
          // The callbacks hold the exchange, as a writer's would.
          if (i % 2 == 0)
            answers[i].open_stream(stream_head(), {call, [answer = answers[i], call] { call(); }}, 5ms, ":\n");
          for (unsigned j = 0; j < 200; ++j) {
            answers[i].write("data: x\n\n");
            if (chance() % 16 == 0) answers[i].call_when_room();
          }
          if (i % 3 == 0) answers[i].end();
          if (i % 2 == 1) answers[i].reply({200, {}, "x"});
          answers[i].on_gone(call);
        }
      });
    }
    for (std::size_t i = 0; i < clients.size(); i += 4) clients[i].reset();
    for (std::size_t i = 1; i < clients.size(); i += 4) clients[i].close();
    bench->server.reset();
    over = true;
    for (auto& thread : threads) thread.join();
    bench.reset();
    CAF_CHECK_EQUAL(called_late.load(), 0);
    for (auto& answer : answers) CAF_CHECK_EQUAL(answer.write("x"), 0u);
  }
}
