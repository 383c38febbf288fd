// One run, from start to end: the words as they come, then how it ended.
//
//   build/dev/examples/01_one_run            the offline demo model
//   OPENAI_API_KEY=… build/dev/examples/01_one_run
#include <iostream>

#include "oncue/runtime.hpp"

int main() {
  oncue::runtime runtime;

  auto run =
      runtime.start({.agent = {"story-writer-agent"}, .input = "write a short story about a dragon who learns to code"});
  if (run.refused) {
    std::cerr << run.refused->message << "\n";
    return 1;
  }
  for (const auto& event : run.events) {
    if (const auto* words = oncue::get_if<oncue::content_delta>(event)) std::cout << words->text << std::flush;
    if (const auto* end = oncue::get_if<oncue::run_ended>(event)) {
      std::cout << "\n\n" << to_string(status_of(end->how)) << " " << end->how.message << "\n";
    }
  }
}
