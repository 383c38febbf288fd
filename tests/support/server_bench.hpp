// An HTTP server under test, its loop, and what its handler was told. Paths: /echo answers at once with what was asked,
// /drop with nothing; every other request is kept, and the test answers it.
#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "oncue/io/http_server.hpp"
#include "support/raw_client.hpp"

namespace oncue::test {

class server_bench {
 public:
  using exchange = io::exchange;

  explicit server_bench(io::http_server_options options = {}, std::size_t loops_count = 1) : loops(loops_count) {
    options.port = 0;
    server = std::make_unique<io::http_server>(loops, options, [this](io::server_request request, exchange answer) {
      if (request.target.starts_with("/echo")) {
        answer.reply(echo(request));
      } else if (request.target != "/drop") {
        note([&] { kept_.emplace_back(std::move(request), std::move(answer)); });
        if (when_kept) when_kept();
      }
    });
  }
  ~server_bench() { server.reset(); }  // no handler runs when the rest goes

  raw_client connect(int receive_buffer = 0) const { return raw_client::to(server->port(), receive_buffer); }

  /// One request on a connection of its own.
  raw_answer ask(std::string_view request) const {
    auto client = connect();
    client.send(request);
    return client.read_answer();
  }

  /// False if `seen` does not become true in time. It is asked under the lock.
  bool wait(const std::function<bool()>& seen) {
    std::unique_lock lock(guard_);
    return changed_.wait_for(lock, std::chrono::seconds(10), seen);
  }
  void note(const std::function<void()>& change) {
    std::lock_guard lock(guard_);
    change();
    changed_.notify_all();
  }
  /// Counts what happens under `name`.
  std::function<void()> counter(const std::string& name) {
    return [this, name] { note([&] { ++counts_[name]; }); };
  }
  bool wait_for(const std::string& name, int count = 1) {
    return wait([&] { return counts_[name] >= count; });
  }
  int count(const std::string& name) {
    std::lock_guard lock(guard_);
    return counts_[name];
  }

  /// The next request that is kept, in the order of arrival. Its exchange is empty if none comes.
  std::pair<io::server_request, exchange> next() {
    std::pair<io::server_request, exchange> result;
    wait([&] {
      if (kept_.size() <= taken_) return false;
      result = std::move(kept_[taken_++]);
      return true;
    });
    return result;
  }
  std::size_t kept() {
    std::lock_guard lock(guard_);
    return kept_.size();
  }

  /// Runs there, and returns when it has.
  void on_loop(const std::function<void()>& call, std::size_t which = 0) {
    std::promise<void> done;
    loops.at(which).post([&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }
  /// Everything that the loop had to do before has been done, also what it asked itself to do.
  void barrier() {
    for (int i = 0; i < 20; ++i) on_loop([] {});
  }

  /// A statistic becomes true of the server, within the deadline.
  bool wait_for_stats(const std::function<bool(const io::http_server_stats&)>& seen) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!seen(server->stats())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      barrier();
    }
    return true;
  }

  io::event_loops loops;
  std::unique_ptr<io::http_server> server;
  std::function<void()> when_kept;

 private:
  static io::server_response echo(const io::server_request& request) {
    std::string body = request.method + " " + request.target + "\n";
    for (const auto& [name, value] : request.headers) body += name + ": " + value + "\n";
    return {200, {{"Content-Type", "text/plain"}}, body + "\n" + request.body};
  }

  std::mutex guard_;
  std::condition_variable changed_;
  std::vector<std::pair<io::server_request, exchange>> kept_;
  std::size_t taken_ = 0;
  std::map<std::string, int> counts_;
};

}  // namespace oncue::test
