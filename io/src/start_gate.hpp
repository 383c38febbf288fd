// Lets only a few transfers a host look for their connection at the same time; the others wait in line. libcurl resolves a
// name on a thread of its own for each transfer that does not find it in the cache, so without a line a thousand starts
// after a pause are a thousand threads asking for one name. A transfer leaves the line as soon as it has a socket. Each
// host has its own line: a provider without a name server does not hold back another. Only bookkeeping: ids in, ids out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

namespace oncue::io {

class start_gate {
 public:
  explicit start_gate(std::size_t looking_max) : looking_max_(looking_max) {}

  /// True: begin now, and say `leave` once. False: `id` stands in line.
  bool enter(const std::string& host, std::uint64_t id) {
    auto& line = lines_[host];
    if (line.looking < looking_max_) {
      ++line.looking;
      return true;
    }
    line.waiting.push_back(id);
    return false;
  }

  /// One that had begun has its socket, or has ended. Returns who begins in its place.
  std::optional<std::uint64_t> leave(const std::string& host) {
    auto found = lines_.find(host);
    auto& line = found->second;
    if (!line.waiting.empty()) {
      auto next = line.waiting.front();
      line.waiting.pop_front();
      return next;
    }
    if (--line.looking == 0) {
      lines_.erase(found);
    }
    return std::nullopt;
  }

 private:
  struct place {
    std::size_t looking = 0;
    std::deque<std::uint64_t> waiting;  // may hold ids that have ended meanwhile
  };

  std::size_t looking_max_;
  std::unordered_map<std::string, place> lines_;
};

}  // namespace oncue::io
