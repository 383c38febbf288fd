// How a function tool waits in a test: for virtual time. What a tool waits for in a program (a service, a disk, a sleep) is
// handed to it, and a test hands in something that waits here instead; a function that really blocks would hold up the
// whole test, and after some seconds of true time the kit says which one it was.
#pragma once

#include <chrono>
#include <stop_token>

namespace oncue::testkit {

/// Called by a function tool that a testkit::node runs: the others go on, and so does this one when so much virtual time
/// has passed, or at once when it is asked to stop. True: the time has passed. False: stop. Throws std::logic_error outside
/// of such a function.
bool wait(const std::stop_token& stop, std::chrono::milliseconds time);

/// Until it is asked to stop, however long that takes.
void wait(const std::stop_token& stop);

}  // namespace oncue::testkit
