// Looks whether another node's door can be reached, before CAF is let near it: within a short time, and with a sentence
// that a person can act on. Blocks its caller. Also what is wrong with certificates on disk, and with an address to listen
// on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oncue::io {

struct link_address {
  std::string host;
  std::uint16_t port = 0;
};

/// "host:port" or "[::1]:port"; absent: something else.
std::optional<link_address> parse_link_address(std::string_view text);

struct link_files {
  std::string ca;           ///< who vouches for every node
  std::string certificate;  ///< this node's
  std::string key;          ///< of that certificate
};

/// Connects, with `files` also by TLS as both sides' certificates allow, and hangs up. Why it did not work within
/// `at_most`, in a sentence; empty: it did.
std::string probe_link(const link_address& where, const link_files* files, std::chrono::milliseconds at_most);

/// Why nobody could listen at this address, in a sentence; empty: it can be tried.
std::string why_not_listen(const link_address& where);

/// Why these files cannot be used together now, in a sentence; empty: they can. `now_s` is unix time.
std::string why_not_use(const link_files& files, std::int64_t now_s);

}  // namespace oncue::io
