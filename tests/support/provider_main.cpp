// The misbehaving provider as a program, for the shell: provider [--port N] [--log] [--certificate FILE --key FILE].
// Prints one line with its address, with --log one line an event, and ends on SIGINT or SIGTERM. Scenarios: provider.hpp.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "provider.hpp"

int main(int argc, char** argv) {
  oncue::test::provider_options options;
  options.keep_records = false;
  for (int i = 1; i < argc; ++i) {
    auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--log")) {
      options.log = [](std::string_view line) {
        std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
        std::fflush(stdout);
      };
    } else if (is("--port") && i + 1 < argc) {
      options.port = static_cast<std::uint16_t>(std::strtoul(argv[++i], nullptr, 10));
    } else if (is("--certificate") && i + 1 < argc) {
      options.certificate_file = argv[++i];
    } else if (is("--key") && i + 1 < argc) {
      options.key_file = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s [--port N] [--log] [--certificate FILE --key FILE]\n", argv[0]);
      return 2;
    }
  }
  // Before the provider's thread starts, so that no thread but this one takes them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  try {
    oncue::test::provider server(std::move(options));
    std::printf("listening on 127.0.0.1:%u\n", server.port());
    std::fflush(stdout);
    int signal_no = 0;
    sigwait(&ends, &signal_no);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "provider: %s\n", error.what());
    return 1;
  }
  return 0;
}
