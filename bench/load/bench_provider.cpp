// bench_provider: says where it listens in its first line of output, and serves until a signal.
#include <signal.h>

#include <atomic>
#include <cstdio>

#include "arguments.hpp"
#include "provider.hpp"

namespace {

using namespace oncue::bench::load;

constexpr const char* usage =
    "usage: bench_provider [--port N]\n"
    "  POST /words;n=10;gap_us=0;first_ms=0;last_ms=0;bytes=24;times=0/v1/chat/completions\n"
    "  GET /<scenario>/v1/models   GET /stats[?key=WORD]   POST /reset\n";

std::atomic<bool> stop{false};

void serve(int argc, char** argv) {
  arguments words{argc, argv, 1};
  auto port = words.number("--port", 0);
  words.expect_all_read();
  if (port > 65535) throw usage_error{"--port is at most 65535"};
  struct sigaction on_signal {};
  on_signal.sa_handler = [](int) { stop = true; };
  for (int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(number, &on_signal, nullptr);
  raise_open_files();
  provider here{static_cast<std::uint16_t>(port)};
  std::printf("http://127.0.0.1:%u\n", here.port());
  std::fflush(stdout);
  here.run(stop);
}

}  // namespace

int main(int argc, char** argv) { return run_program("bench_provider", usage, serve, argc, argv); }
