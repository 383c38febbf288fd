// Readers in one process: a library that starts runs at a provider and looks at every delta, with nothing served to
// anybody.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oncue::bench::load {

struct reader_work {
  std::string base_url;
  std::size_t runs = 1;  ///< with a store: sessions
  std::size_t in_flight = 1;
  std::string store;      ///< file of a journal on disk; empty: none
  std::size_t turns = 1;  ///< runs of one session, one after the other
};

struct reader_seen {
  std::size_t runs = 0;
  std::uint64_t deltas = 0;
  std::uint64_t text_bytes = 0;
  std::vector<float> latency_us;  ///< of each run, from its start to its ending
};

/// Does the work twice: `warm` runs of it, and then, between the calls of `begin` and `end`, all of it. Throws
/// std::runtime_error if a run did not complete.
struct reader_watch {
  std::size_t warm = 0;
  void (*begin)();
  void (*end)();
};

reader_seen read_with_oncue(const reader_work& work, const reader_watch& watch);
reader_seen read_with_curl(const reader_work& work, const reader_watch& watch);
std::string oncue_version();
std::string curl_version_used();

}  // namespace oncue::bench::load
