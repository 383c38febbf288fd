// Process tools on a real actor system and with real programs. Nothing sleeps; what has to be gone is looked for by its id.
#define CAF_SUITE actors.process_tool

#include "oncue/actors/process_tool.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "support/tool_children.hpp"
#include "support/tool_sink.hpp"

using namespace oncue;
using namespace std::chrono_literals;
using oncue::test::called_tool;
using oncue::test::has_children;
using oncue::test::is_gone;
using oncue::test::tool_system;

namespace {

/// A named pipe: a tool says on it what its result cannot say, for its output is read at its end only.
class side_door {
 public:
  side_door() {
    char name[] = "/tmp/oncue-tools-XXXXXX";
    folder_ = mkdtemp(name);
    CAF_REQUIRE_EQUAL(mkfifo(path().c_str(), 0600), 0);
  }
  ~side_door() { std::filesystem::remove_all(folder_); }
  side_door(const side_door&) = delete;
  side_door& operator=(const side_door&) = delete;

  std::string path() const { return folder_ + "/said"; }
  /// Waits until a tool has written a line; a number.
  pid_t hear() const {
    pid_t number = 0;
    std::ifstream{path()} >> number;
    return number;
  }

 private:
  std::string folder_;
};

// Deaf to SIGTERM, with a daemon of its own; says the daemon's process id at the side door.
constexpr auto deaf_with_daemon = R"(
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), file=open(sys.argv[1], 'w'), flush=True)
        while True: signal.pause()
    os._exit(0)
while True: signal.pause()
)";

struct fixture {
  tool_system node;
  io::event_loops loops{2};  // their end waits for the programs, and lets go of actors that were killed
  core::tool_spec spec;
  std::string guard;

  called_tool tool(std::vector<std::string> argv) {
    spec.kind = core::tool_kind::process;
    spec.command.argv = std::move(argv);
    return {node.system, actors::spawn_process_tool(node.system, std::make_shared<core::tool_spec>(spec), {&loops, guard})};
  }
  std::string call(std::vector<std::string> argv, std::string arguments = "{}") {
    auto one = tool(std::move(argv));
    one.start(std::move(arguments));
    return one.result();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(process_tool_tests, fixture)

CAF_TEST(a program reads its arguments and its output is the result) {
  auto one = tool({"sh", "-c", "read line; echo \"got $line\"; echo $ONCUE_RUN_ID $ONCUE_TOOL_CALL_ID"});
  one.start(R"({"city":"Köln"})");
  CAF_CHECK_EQUAL(one.result(), "got {\"city\":\"Köln\"}\nrun-1 call-1");
  CAF_CHECK_EQUAL(one.told->results.at(0).number, 7u);
  CAF_CHECK_EQUAL(one.told->closed.at(0).number, 7u);
  CAF_CHECK(!one.told->closed.at(0).abandoned);
  CAF_CHECK(!has_children());
}

CAF_TEST(a program that says nothing has an empty result) {
  CAF_CHECK_EQUAL(call({"true"}), "");
  CAF_CHECK_EQUAL(call({"cat"}, ""), "{}");
}

CAF_TEST(what a program says is passed on as it is but for what is no UTF8) {
  CAF_CHECK_EQUAL(call({"printf", R"({"not": json\377})"}), "{\"not\": json\xEF\xBF\xBD}");
}

CAF_TEST(a program that fails says how and what its errors end with) {
  CAF_CHECK_EQUAL(call({"sh", "-c", "echo partial; echo no disk >&2; exit 3"}),
                  "failed: the program exited with code 3; its standard error ends with:\nno disk");
  CAF_CHECK_EQUAL(call({"sh", "-c", "kill -SEGV $$"}), "failed: the program was ended by signal 11 (Segmentation fault)");
  auto long_errors = call({"sh", "-c", "head -c 100000 /dev/zero | tr '\\0' e >&2; echo the end >&2; exit 1"});
  CAF_CHECK(long_errors.size() < core::limits::child_stderr_bytes_kept + 200);
  CAF_CHECK(long_errors.ends_with("the end"));
}

CAF_TEST(a program that cannot be started says why) {
  CAF_CHECK_EQUAL(call({"no-such-program"}),
                  "failed: the tool could not be started: the program 'no-such-program' is in no folder of PATH");
  spec.command.folder = "/no/such/folder";
  CAF_CHECK_EQUAL(call({"true"}), "failed: the tool could not be started: the folder '/no/such/folder' does not exist");
  spec.command.folder.clear();
  guard = "/no/guard";
  auto text = call({"true"});
  CAF_CHECK(text.starts_with("failed: the tool could not be started: ") && text.find("/no/guard") != std::string::npos);
}

CAF_TEST(an output of exactly the limit is a result and one byte more is a flood) {
  spec.result_bytes_max = 1000;
  CAF_CHECK_EQUAL(call({"sh", "-c", "head -c 1000 /dev/zero | tr '\\0' x; echo"}), std::string(1000, 'x'));
  auto text = call({"sh", "-c", "head -c 1002 /dev/zero | tr '\\0' x"});
  CAF_CHECK(
      text.starts_with("failed: the program wrote more than 1000 bytes and was stopped; its output begins with:\nxxx"));
  CAF_CHECK_EQUAL(text.size(), 1000 + std::string{"failed: "}.size());
}

CAF_TEST(a program that floods is stopped although it is deaf) {
  spec.grace = 10ms;
  auto one = tool({"sh", "-c", "trap '' TERM; while :; do echo flood; done"});
  one.start();
  CAF_CHECK(one.result().starts_with("failed: the program wrote more than"));
  CAF_CHECK(!has_children());
}

CAF_TEST(a stop kills a deaf program and its daemon before it is closed) {
  spec.grace = 10ms;
  side_door door;
  auto one = tool({"python3", "-c", deaf_with_daemon, door.path()});
  one.start();
  auto pid = door.hear();
  CAF_REQUIRE(pid > 0);
  CAF_CHECK(!is_gone(pid));
  one.stop();
  one.stop();
  CAF_CHECK_EQUAL(one.result(), "no result");
  CAF_CHECK(is_gone(pid));
  CAF_CHECK(!has_children());
}

CAF_TEST(a program that ends when it is told to is closed without a result) {
  spec.grace = 20s;
  side_door door;
  auto one = tool({"sh", "-c", "trap 'echo bye; exit 0' TERM; echo $$ >$0; while :; do sleep 0.05; done", door.path()});
  one.start();
  CAF_CHECK(door.hear() > 0);
  one.stop();
  CAF_CHECK_EQUAL(one.result(), "no result");
}

CAF_TEST(a stop that comes before the start starts nothing) {
  side_door door;
  auto one = tool({"sh", "-c", "echo 1 >$0", door.path()});
  one.stop();
  one.start();
  CAF_CHECK_EQUAL(one.result(), "no result");
  CAF_CHECK(!has_children());
}

CAF_TEST(a program whose run is gone is stopped and its actor ends) {
  spec.grace = 10ms;
  side_door door;
  auto one = tool({"python3", "-c", deaf_with_daemon, door.path()});
  one.start();
  auto pid = door.hear();
  CAF_REQUIRE(pid > 0);
  one.kill_sink();
  one.tool = nullptr;
  node.wait_for_actors();
  CAF_CHECK(is_gone(pid));
  CAF_CHECK(!has_children());
}

CAF_TEST(an actor that is killed leaves no process) {
  side_door door;
  auto one = tool({"python3", "-c", deaf_with_daemon, door.path()});
  one.start();
  auto pid = door.hear();
  CAF_REQUIRE(pid > 0);
  caf::anon_send_exit(one.tool, caf::exit_reason::kill);
  CAF_CHECK(oncue::test::ends_in_time(pid));
}

CAF_TEST(many calls at the same time each get their own answer) {
  std::vector<called_tool> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(tool({"cat"}));
    all.back().start("{\"i\":" + std::to_string(i) + "}", static_cast<tool_no>(i));
  }
  for (int i = 0; i < 50; ++i) {
    CAF_CHECK_EQUAL(all[i].result(), "{\"i\":" + std::to_string(i) + "}");
    CAF_CHECK_EQUAL(all[i].told->closed.at(0).number, static_cast<tool_no>(i));
  }
  CAF_CHECK(!has_children());
}

CAF_TEST_FIXTURE_SCOPE_END()
