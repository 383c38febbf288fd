// Only in the build of the preset `mutants`.
#include "oncue/messages/mutants.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace oncue {

namespace {

constexpr std::string_view names[] = {
#define ONCUE_MUTANT(name, breaks) #name,
    ONCUE_MUTANT_LIST(ONCUE_MUTANT)
#undef ONCUE_MUTANT
};
constexpr int none = -1;

int wanted() {
  const char* text = std::getenv("ONCUE_MUTANT");
  if (!text || !*text) return none;
  int number = 0;
  for (auto name : names) {
    if (name == text) return number;
    ++number;
  }
  std::fprintf(stderr, "ONCUE_MUTANT: there is no mutant '%s'\n", text);
  std::abort();
}

}  // namespace

bool planted(mutant which) {
  static const int at_work = wanted();
  return at_work == static_cast<int>(which);
}

}  // namespace oncue
