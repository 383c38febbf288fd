// What the provider remembers of each stream it was asked for, and says on GET /stats. Appends only; forgets on reset().
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace oncue::bench::load {

struct stream_record {
  std::string key;                ///< what the request called it; empty: nothing
  std::int64_t requested_ns = 0;  ///< the whole request was there
  std::int64_t first_delta_ns = 0;
  std::int64_t last_delta_ns = 0;
  std::int64_t closed_ns = 0;  ///< the client was seen to close before the stream's end; 0: it was not
  std::uint64_t deltas = 0;    ///< given to the kernel
  bool finished = false;       ///< answered to its end
  std::vector<std::int64_t> delta_ns;

  bool open() const { return !finished && closed_ns == 0; }
};

class stream_book {
 public:
  /// Begins a record, which stays where it is for as long as it is open.
  stream_record& begin(std::string key, std::int64_t now_ns);

  void add_deltas(stream_record& stream, std::uint64_t deltas, std::int64_t now_ns);
  void finish(stream_record& stream);
  void close(stream_record& stream, std::int64_t now_ns);

  /// All streams, or those that are called so.
  std::string as_json() const;
  std::string as_json(const std::string& key) const;

  /// Forgets the streams that are not open, and how many deltas there were.
  void reset();

 private:
  std::string json_around(const std::string& streams) const;

  std::list<stream_record> streams_;
  std::unordered_multimap<std::string, const stream_record*> by_key_;  // those that have one
  std::uint64_t deltas_total_ = 0;
  std::size_t open_ = 0;
};

}  // namespace oncue::bench::load
