#include "oncue/testkit/seeds.hpp"

#include <charconv>
#include <cstdio>
#include <exception>
#include <string_view>

#include "oncue/io/world.hpp"

namespace oncue::testkit {

std::string for_each_seed(std::uint64_t first, std::size_t count, const std::function<std::string(std::uint64_t)>& play) {
  if (auto text = io::environment_variable(seed_variable); !text.empty()) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), first);
    if (error != std::errc{} || end != text.data() + text.size()) {
      std::string problem{seed_variable};
      problem += ": expected a number, got '";
      problem += text;
      problem += "'";
      return problem;
    }
    count = 1;
  }
  for (auto seed = first; seed - first < count; ++seed) {
    std::string broken;
    try {
      broken = play(seed);
    } catch (const std::exception& error) {
      broken = error.what();
    } catch (...) {
      std::fprintf(stderr, "testkit: seed %llu (again: %s=%llu)\n", static_cast<unsigned long long>(seed), seed_variable,
                   static_cast<unsigned long long>(seed));
      throw;
    }
    if (broken.empty()) continue;
    auto number = std::to_string(seed);
    return "seed " + number + " (again: " + std::string{seed_variable} + "=" + number + "): " + broken;
  }
  return {};
}

}  // namespace oncue::testkit
