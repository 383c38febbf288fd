#include <iostream>

#include "oncue/runtime.hpp"

int main() {
  oncue::runtime runtime;
  auto run = runtime.start({.agent = {"story-writer-agent"}, .input = "hello"});
  if (run.refused) return 1;
  runtime.cancel(run.id);
  for (const auto& event : run.events) {
    if (const auto* end = oncue::get_if<oncue::run_ended>(event))
      std::cout << "consumer: " << to_string(status_of(end->how)) << "\n";
  }
}
