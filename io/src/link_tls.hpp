// The parts of link_probe.hpp that know OpenSSL, and what they share with those that do not.
#pragma once

#include <chrono>
#include <string>

#include "oncue/io/link_probe.hpp"

namespace oncue::io {

/// Waits for the socket. False: nothing happened in time.
bool wait_for(int fd, short events, std::chrono::steady_clock::time_point until);

/// Greets by TLS on a connected socket that does not block, and waits for the first byte: only then has the other side
/// taken this node's certificate. Why not, in a sentence that begins with `who`; empty: it has.
std::string probe_tls(int fd, const link_files& files, const std::string& who, std::chrono::steady_clock::time_point until);

}  // namespace oncue::io
