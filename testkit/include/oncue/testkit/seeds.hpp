// One test in many orders of messages: each seed is another one, and the same one again. Says which seed broke what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace oncue::testkit {

/// The variable that replays one seed.
inline constexpr const char* seed_variable = "ONCUE_TEST_SEED";

/// Calls `play` with the seeds from `first` on, until it returns what is broken: a sentence, or an empty string for
/// nothing. It makes a node, node_options::shuffle being the seed, and lets it play. Empty: nothing was broken. Else the
/// sentence, with the seed and how to play it again. A std::exception counts as a sentence; any other one, as test
/// frameworks throw them, is passed on after the seed was written to standard error. With ONCUE_TEST_SEED=n in the
/// environment, n alone is played.
std::string for_each_seed(std::uint64_t first, std::size_t count, const std::function<std::string(std::uint64_t)>& play);

}  // namespace oncue::testkit
