// bench_client: one thread that starts runs at a contender, reads them, cancels them, and prints what it saw as one line of
// JSON.
#include <cstdio>
#include <string>

#include "client.hpp"

namespace {

using namespace oncue::bench::load;

constexpr const char* usage =
    "usage: bench_client COMMAND --url BASE --dialect agentos|openai [--agent ID] [--pid P]... [--timeout-s 60]\n"
    "  first    --since-ns T\n"
    "  runs     --count N [--in-flight 1] [--warm 0]\n"
    "  streams  --count N --seconds S [--warm-s 1] [--open-per-s 500]\n"
    "  cancel   --count N --provider URL --phase waiting|streaming|before_completion|queued [--in-flight 1] [--alive 0]\n"
    "           [--deltas n] [--open-per-s 500]\n"
    "  stalled  --count N --seconds S --flood-agent A (openai: --flood-url BASE) [--live 10]\n";

constexpr struct {
  const char* name;
  json (*run)(client&, arguments&);
} commands[] = {{"first", first_command},
                {"runs", runs_command},
                {"streams", streams_command},
                {"cancel", cancel_command},
                {"stalled", stalled_command}};

void run(int argc, char** argv) {
  std::string name = argc > 1 ? argv[1] : "";
  for (const auto& command : commands) {
    if (name != command.name) continue;
    raise_open_files();
    arguments words{argc, argv, 2};
    client here{words};
    std::printf("%s\n", command.run(here, words).dump().c_str());
    return;
  }
  throw usage_error{name.empty() ? "a command is missing" : "there is no command '" + name + "'"};
}

}  // namespace

int main(int argc, char** argv) { return run_program("bench_client", usage, run, argc, argv); }
