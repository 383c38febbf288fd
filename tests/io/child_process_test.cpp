// Child processes: real programs, through the real guard. Nothing here sleeps: a test waits for what it wants to see and
// fails if that does not come within a generous time. What has to be gone is looked for by its process id.
#define CAF_SUITE io.child_process

#include "oncue/io/child_process.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <future>
#include <optional>
#include <sstream>

#include "support/tool_children.hpp"

using namespace oncue::io;
using namespace std::chrono_literals;
using oncue::core::command_spec;
using oncue::test::child_recorder;
using oncue::test::child_told;
using oncue::test::ends_in_time;
using oncue::test::has_children;
using oncue::test::is_gone;
using oncue::test::open_descriptors;

namespace {

using argv = std::vector<std::string>;

// Forks twice, in a session of its own, deaf to SIGTERM and SIGHUP; says its process id when it is.
constexpr auto stray = R"(
import os, signal, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        print('daemon', os.getpid(), flush=True)
        while True: signal.pause()
    os._exit(0)
os.wait()
if 'stay' in sys.argv:
    while True: signal.pause()
sys.stdin.read()
)";

constexpr auto deaf = R"(
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('deaf', os.getpid(), flush=True)
while True: signal.pause()
)";

struct started {
  std::shared_ptr<child_told> heard = std::make_shared<child_told>();
  child_process child;

  bool gone() const { return heard->wait_for_gone(); }
  const child_exit& exit() const { return heard->exits.at(0); }
  /// The number behind a word that the child says.
  pid_t said_after(const std::string& word) const {
    if (!heard->wait([&](const child_told& t) { return t.output.find('\n', t.output.find(word)) != std::string::npos; })) {
      CAF_FAIL("the child never said '" << word << "'");
    }
    std::lock_guard lock(heard->guard);
    return std::atoi(heard->output.c_str() + heard->output.find(word) + word.size());
  }
};

child_options options_for(argv words, std::string input = {}) {
  child_options options;
  options.command.argv = std::move(words);
  options.input = std::move(input);
  options.input_ends = true;
  return options;
}

started start(event_loop& loop, child_options options) {
  started one;
  one.child = child_process::start(loop, std::move(options), std::make_unique<child_recorder>(one.heard));
  return one;
}

/// Starts it and waits until it is gone.
started run(event_loop& loop, child_options options) {
  auto one = start(loop, std::move(options));
  if (!one.gone()) CAF_FAIL("the child is not gone in time");
  return one;
}

std::string not_started(event_loop& loop, const command_spec& command, std::string guard = {}) {
  child_options options;
  options.command = command;
  options.guard = std::move(guard);
  auto one = run(loop, std::move(options));
  CAF_CHECK(one.exit().end == child_end::not_started);
  CAF_CHECK(one.heard->in_order);
  return to_string(one.exit());
}

struct folder {
  folder() {
    char name[] = "/tmp/oncue-children-XXXXXX";
    path = mkdtemp(name);
  }
  ~folder() { std::filesystem::remove_all(path); }

  std::string file(const std::string& name, const std::string& text, mode_t mode) const {
    auto full = path + "/" + name;
    std::ofstream{full} << text;
    chmod(full.c_str(), mode);
    return full;
  }

  std::string path;
};

struct fixture {
  event_loop loop;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(child_process_tests, fixture)

CAF_TEST(a child reads its input and says its output and its errors and exits) {
  auto one = run(loop, options_for({"sh", "-c", "cat; echo oops >&2; exit 3"}, "hello\n"));
  CAF_CHECK_EQUAL(one.heard->output, "hello\n");
  CAF_CHECK_EQUAL(one.heard->errors, "oops\n");
  CAF_CHECK(one.exit().end == child_end::exited);
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 3");
  CAF_CHECK(one.heard->in_order);
  CAF_CHECK(!has_children());
}

CAF_TEST(arguments arrive as they are because there is no shell) {
  auto one = run(loop, options_for({"printf", "%s|", "a b", "$HOME", "", "*"}));
  CAF_CHECK_EQUAL(one.heard->output, "a b|$HOME||*|");
}

CAF_TEST(a child that dies by a signal says which) {
  auto one = run(loop, options_for({"sh", "-c", "kill -SEGV $$"}));
  CAF_CHECK(one.exit().end == child_end::signalled);
  CAF_CHECK_EQUAL(to_string(one.exit()), "was ended by signal 11 (Segmentation fault)");
}

CAF_TEST(a child can be told to stop and may clean up) {
  auto one =
      start(loop, options_for({"sh", "-c", "trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.05; done"}));
  CAF_REQUIRE(one.heard->wait_for_output("ready"));
  one.child.stop(20s);
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 4");
  CAF_CHECK_EQUAL(one.heard->output, "ready\nbye\n");
}

CAF_TEST(a child that ignores SIGTERM is killed after its grace) {
  auto one = start(loop, options_for({"python3", "-c", deaf}));
  auto pid = one.said_after("deaf ");
  CAF_CHECK(!is_gone(pid));
  one.child.stop(50ms);
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(to_string(one.exit()), "was ended by signal 9 (Killed)");
  CAF_CHECK(is_gone(pid));
}

CAF_TEST(a stop reaches the whole tree and not only the program) {
  auto one = start(loop, options_for({"sh", "-c",
                                      "sh -c 'trap \"echo inner; exit\" TERM; echo up; while :; do sleep 0.05; done' & "
                                      "trap 'wait; exit 7' TERM; wait"}));
  CAF_REQUIRE(one.heard->wait_for_output("up"));
  one.child.stop(20s);
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(one.heard->output, "up\ninner\n");
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 7");
}

CAF_TEST(a kill takes a daemon along that left its session and its parent) {
  auto one = start(loop, options_for({"python3", "-c", stray, "stay"}));
  auto pid = one.said_after("daemon ");
  CAF_CHECK(!is_gone(pid));
  one.child.kill();
  CAF_REQUIRE(one.gone());
  CAF_CHECK(is_gone(pid));
  CAF_CHECK(one.exit().end == child_end::signalled);
}

CAF_TEST(a program that ends takes what it left behind along) {
  auto options = options_for({"python3", "-c", stray});
  options.input_ends = false;
  auto one = start(loop, std::move(options));
  auto pid = one.said_after("daemon ");
  CAF_CHECK(!is_gone(pid));
  one.child.close_input();
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 0");
  CAF_CHECK(is_gone(pid));
}

CAF_TEST(many processes that fork while they are killed are gone too) {
  auto one = start(loop, options_for({"python3", "-c", R"(
import os, time
def spawn(depth):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if depth: spawn(depth - 1)
            while True: time.sleep(0.01)
spawn(2)
print('forked', os.getpid(), flush=True)
while True: time.sleep(1)
)"}));
  auto pid = one.said_after("forked ");
  one.child.kill();
  CAF_REQUIRE(one.gone());
  CAF_CHECK(is_gone(pid));
  CAF_CHECK(!has_children());
}

CAF_TEST(output that nobody reads holds the child back and a kill gives it up) {
  auto one = start(loop, options_for({"sh", "-c", "echo $$; exec yes"}));
  CAF_REQUIRE(one.heard->wait_for_output("y\n"));
  one.child.pause();
  // Behind the pause in the same line: nothing more comes.
  std::promise<void> paused;
  loop.post([&] { paused.set_value(); });
  paused.get_future().wait();
  auto before = one.heard->output.size();
  one.child.kill();
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(one.heard->output.size(), before);
  CAF_CHECK_EQUAL(to_string(one.exit()), "was ended by signal 9 (Killed)");
}

CAF_TEST(a paused child that ends by itself keeps its output until it is read) {
  auto options = options_for({"sh", "-c", "read x; echo $x; echo err >&2"});
  options.input_ends = false;
  auto one = start(loop, std::move(options));
  one.child.pause();
  CAF_CHECK(one.child.write("kept\n"));
  one.child.close_input();
  one.child.resume();
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(one.heard->output, "kept\n");
  CAF_CHECK_EQUAL(one.heard->errors, "err\n");
}

CAF_TEST(a flood of output arrives whole in bounded pieces) {
  auto one = run(loop, options_for({"sh", "-c", "head -c 5000000 /dev/zero; head -c 300000 /dev/zero >&2"}));
  CAF_CHECK_EQUAL(one.heard->output.size(), 5'000'000u);
  CAF_CHECK_EQUAL(one.heard->errors.size(), 300'000u);
  CAF_CHECK(one.heard->in_order);
}

CAF_TEST(a large input arrives whole while the output comes back) {
  std::string text(4'000'000, 'x');
  auto one = run(loop, options_for({"cat"}, text));
  CAF_CHECK(one.heard->output == text);
}

CAF_TEST(lines go back and forth for as long as it lives) {
  auto options = options_for({"cat"});
  options.input_ends = false;
  auto one = start(loop, std::move(options));
  for (int i = 0; i < 100; ++i) {
    auto line = "line " + std::to_string(i) + "\n";
    CAF_CHECK(one.child.write(line));
    CAF_REQUIRE(one.heard->wait_for_output(line));
  }
  one.child.close_input();
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 0");
  CAF_CHECK(one.heard->input_taken >= 1);
  CAF_CHECK(!one.child.write("too late"));
}

CAF_TEST(what a child does not read is bounded and there is room again when it has) {
  auto options = options_for({"python3", "-c", R"(
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print('pid', os.getpid(), flush=True)
signal.sigwait({signal.SIGUSR1})
sys.stdin.read()
)"});
  options.input_ends = false;
  options.input_bytes_max = 1'000'000;
  auto one = start(loop, std::move(options));
  auto pid = one.said_after("pid ");
  CAF_CHECK(one.child.write(std::string(900'000, 'x')));
  CAF_CHECK(!one.child.write(std::string(900'000, 'x')));
  ::kill(pid, SIGUSR1);
  CAF_REQUIRE(one.heard->wait([](const child_told& t) { return t.input_taken > 0; }));
  CAF_CHECK(one.child.write(std::string(900'000, 'x')));
  one.child.close_input();
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 0");
}

CAF_TEST(a child that closes its input early loses only its input) {
  auto one = run(loop, options_for({"sh", "-c", "exec <&-; echo fine"}, std::string(4'000'000, 'x')));
  CAF_CHECK_EQUAL(one.heard->output, "fine\n");
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 0");
  CAF_CHECK(one.heard->input_closed <= 1);
}

CAF_TEST(what is wrong with a command is a sentence before the start and at it) {
  folder here;
  auto plain = here.file("plain", "#!/bin/sh\n", 0644);
  auto no_interpreter = here.file("lost", "#!/no/such/interpreter\n", 0755);
  auto no_format = here.file("garbage", "\x01\x02\x03", 0755);
  struct row {
    command_spec command;
    std::string problem;
  };
  std::vector<row> rows{
      {{.argv = {}}, "there is no program in the command"},
      {{.argv = {"no-such-program"}}, "the program 'no-such-program' is in no folder of PATH"},
      {{.argv = {here.path + "/absent"}}, "the program '" + here.path + "/absent' does not exist"},
      {{.argv = {here.path}}, "the program '" + here.path + "' is a folder"},
      {{.argv = {plain}}, "the program '" + plain + "' is not executable"},
      {{.argv = {"plain"}, .set_env = {{"PATH", here.path}}}, "the program '" + plain + "' is not executable"},
      {{.argv = {"true"}, .folder = here.path + "/absent"}, "the folder '" + here.path + "/absent' does not exist"},
      {{.argv = {"true"}, .folder = plain}, "'" + plain + "' is not a folder"},
  };
  for (const auto& [command, problem] : rows) {
    CAF_CHECK_EQUAL(command_problem(command), problem);
    CAF_CHECK_EQUAL(not_started(loop, command), problem);
  }
  // Only the start itself can tell.
  CAF_CHECK_EQUAL(not_started(loop, {.argv = {no_interpreter}}),
                  "'" + no_interpreter +
                      "' cannot be started: No such file or directory (a script's first line may name a "
                      "program that does not exist)");
  CAF_CHECK_EQUAL(not_started(loop, {.argv = {no_format}}),
                  "'" + no_format + "' cannot be started: Exec format error (a script needs a first line like #!/bin/sh)");
  auto no_guard = not_started(loop, {.argv = {"true"}}, "/no/guard");
  CAF_CHECK(no_guard.find("oncue-guard") != std::string::npos && no_guard.find("/no/guard") != std::string::npos);
  CAF_CHECK_EQUAL(command_problem({.argv = {"sh"}}), "");
  CAF_CHECK(!has_children());
}

CAF_TEST(a program runs in its folder and a relative path starts there) {
  folder here;
  here.file("tool", "#!/bin/sh\npwd\n", 0755);
  auto options = options_for({"./tool"});
  options.command.folder = here.path;
  CAF_CHECK_EQUAL(run(loop, std::move(options)).heard->output, here.path + "\n");
}

CAF_TEST(a child is given no variable that was not named) {
  setenv("ONCUE_TEST_KEY", "secret", 1);
  setenv("ONCUE_TEST_NAMED", "shared", 1);
  auto options = options_for({"env"});
  options.command.env = {"ONCUE_TEST_NAMED", "ONCUE_TEST_UNSET"};
  options.command.set_env = {{"HOME", "/nowhere"}, {"EXTRA", "a=b"}};
  auto one = run(loop, std::move(options));
  std::istringstream lines{one.heard->output};
  const std::vector<std::string> allowed{"PATH",   "HOME", "LANG",    "LC_ALL",           "LC_CTYPE", "TZ",
                                         "TMPDIR", "USER", "LOGNAME", "ONCUE_TEST_NAMED", "EXTRA"};
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    auto name = line.substr(0, line.find('='));
    CAF_CHECK(std::find(allowed.begin(), allowed.end(), name) != allowed.end());
  }
  CAF_CHECK(count >= 4);
  auto& output = one.heard->output;
  CAF_CHECK(output.find("HOME=/nowhere\n") != std::string::npos);
  CAF_CHECK(output.find("EXTRA=a=b\n") != std::string::npos);
  CAF_CHECK(output.find("ONCUE_TEST_NAMED=shared\n") != std::string::npos);
  CAF_CHECK(output.find("secret") == std::string::npos);
  unsetenv("ONCUE_TEST_KEY");
  unsetenv("ONCUE_TEST_NAMED");
}

CAF_TEST(a child inherits three descriptors and no blocked signal and no core dumps) {
  auto one =
      run(loop, options_for({"sh", "-c", "ls -m /proc/self/fd; ulimit -c; grep -E 'Sig(Blk|Ign)' /proc/self/status"}));
  // The fourth is the one that ls reads the folder with.
  const std::string expected = "0, 1, 2, 3\n0\nSigBlk:\t0000000000000000\nSigIgn:\t";
  CAF_REQUIRE_EQUAL(one.heard->output.substr(0, expected.size()), expected);
  // Above 31 are the C library's own.
  CAF_CHECK_EQUAL(std::strtoull(one.heard->output.c_str() + expected.size(), nullptr, 16) & 0x7fffffff, 0u);
}

CAF_TEST(a child that wants more memory than it may is refused by the system) {
  auto options = options_for({"python3", "-c", "x = bytearray(1 << 30)"});
  options.command.memory_bytes_max = 512u << 20;
  auto one = run(loop, std::move(options));
  CAF_CHECK_EQUAL(to_string(one.exit()), "exited with code 1");
  CAF_CHECK(one.heard->errors.find("MemoryError") != std::string::npos);
}

CAF_TEST(two hundred starts leave no descriptor and no process) {
  run(loop, options_for({"true"}));
  auto before = open_descriptors();
  std::vector<started> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(start(loop, options_for({"sh", "-c", i % 2 == 0 ? "exit 0" : "sleep 1000"})));
    if (i % 2 == 1) all.back().child.stop(20s);
  }
  for (const auto& one : all) {
    CAF_REQUIRE(one.gone());
    CAF_CHECK(one.heard->in_order);
    CAF_CHECK(one.exit().end != child_end::not_started);
  }
  // on_gone comes when everything is closed; the handler's own end follows on the loop.
  CAF_CHECK_EQUAL(open_descriptors(), before);
  CAF_CHECK(!has_children());
}

CAF_TEST(a handle outlives its child and its loop and then does nothing) {
  auto own = std::make_unique<event_loop>();
  auto one = start(*own, options_for({"python3", "-c", stray, "stay"}));
  auto pid = one.said_after("daemon ");
  own.reset();
  // The loop's end waits for the child's.
  CAF_CHECK(is_gone(pid));
  CAF_CHECK(!has_children());
  CAF_CHECK_EQUAL(one.heard->gone, 0);
  one.child.stop(1s);
  one.child.kill();
  one.child.pause();
  one.child.resume();
  one.child.close_input();
  CAF_CHECK(!one.child.write("x"));
  child_process{}.kill();
  CAF_CHECK(!child_process{}.write("x"));
}

CAF_TEST(a host that is killed takes its children along and the deaf daemon too) {
  int said[2];
  CAF_REQUIRE(pipe(said) == 0);
  auto host = fork();
  if (host == 0) {
    event_loop own;
    auto one = start(own, options_for({"python3", "-c", stray, "stay"}));
    auto pid = one.said_after("daemon ");
    (void)!write(said[1], &pid, sizeof pid);
    for (;;) pause();
  }
  close(said[1]);
  pid_t pid = 0;
  CAF_REQUIRE(read(said[0], &pid, sizeof pid) == sizeof pid);
  close(said[0]);
  CAF_CHECK(!is_gone(pid));
  ::kill(host, SIGKILL);
  CAF_CHECK_EQUAL(waitpid(host, nullptr, 0), host);
  CAF_CHECK(ends_in_time(pid));
}

CAF_TEST(a guard that is killed takes the program along and the end is told) {
  auto one = start(loop, options_for({"sh", "-c", "echo me $$; echo guard $PPID; exec sleep 1000"}));
  auto guard = one.said_after("guard ");
  auto program = one.said_after("me ");
  ::kill(guard, SIGKILL);
  CAF_REQUIRE(one.gone());
  CAF_CHECK_EQUAL(to_string(one.exit()), "was ended by signal 9 (Killed)");
  CAF_CHECK(ends_in_time(program));
}

CAF_TEST(a child hears nothing of a terminal because it is in a session of its own) {
  auto one =
      run(loop, options_for({"python3", "-c",
                             "import os; print(os.getsid(0) == os.getpid(), os.getsid(os.getppid()) == os.getppid())"}));
  CAF_CHECK_EQUAL(one.heard->output, "True True\n");
}

CAF_TEST_FIXTURE_SCOPE_END()
