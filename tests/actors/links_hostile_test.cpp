// Whoever has not greeted can do nothing: not by bytes on the port, not by frames, and the links of others go on.
#define CAF_SUITE actors.links_hostile

#include <caf/io/middleman.hpp>
#include <caf/io/remote_actor.hpp>
#include <caf/test/unit_test.hpp>
#include <fstream>

#include "oncue/core/limits.hpp"
#include "oncue/io/link_probe.hpp"
#include "support/certificates.hpp"
#include "support/link_node.hpp"
#include "support/raw_socket.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

std::size_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * 4096;
}

/// Another program that speaks CAF and knows our types, and is no node.
struct stranger {
  explicit stranger(const std::string& address) : system{configure(config)} {
    auto where = io::parse_link_address(address);
    auto found = system.middleman().remote_actor<door_actor>(where->host, where->port);
    if (!found) CAF_FAIL("no door at " << address);
    door = *found;
    face = system.spawn([counts = counts](door_actor::pointer) -> door_actor::behavior_type {
      return {[counts](const link_frame& frame) {
        ++counts->frames;
        if (core::is_piece(frame.bytes)) counts->bytes += frame.bytes.size();
      }};
    });
  }
  ~stranger() { caf::anon_send_exit(face, caf::exit_reason::kill); }
  void say(std::string bytes) { caf::send_as(face, door, link_frame{std::move(bytes)}); }
  void say(const core::link_word& word) { say(core::encode(word)); }
  static caf::actor_system_config& configure(caf::actor_system_config& config) {
    config.set("caf.scheduler.max-threads", 1);
    auto problem = actors::configure_links(config, {});
    if (!problem.empty()) CAF_FAIL(problem);
    return config;
  }

  caf::actor_system_config config;
  caf::actor_system system;
  door_actor door;
  door_actor face;  // who it says that it is

  struct heard {
    std::atomic<int> frames = 0;
    std::atomic<std::size_t> bytes = 0;  ///< of events
  };
  std::shared_ptr<heard> counts = std::make_shared<heard>();
};

link_node_options slow() { return {.scripted = {.first_token_delay = 0ms, .token_delay = 20ms, .tokens = 100'000}}; }

/// The link between the two works: a run is watched over it, and ends by a cancel that crosses it.
std::string broken_link(link_node& a, link_node& b, const std::string& run) {
  if (b.line_of(1).link != link_state::up) return "the link is not up";
  if (a.start(run).refused) return "the run was refused";
  auto seen = b.watch(run);
  if (!seen->reaches(5)) return "no events came";
  if (b.cancel(run).outcome != cancel_outcome::cancelled) return "the cancel did not cross";
  if (!seen->ends()) return "the ending did not come";
  return seen->now().words.empty() ? whole_log(seen->now().events) : "the link was lost meanwhile";
}

/// What a client may say first; the length is a 32-bit number in network order at offset 4.
std::string basp_header(std::uint8_t operation, std::uint32_t payload_bytes) {
  std::string header(32, '\0');
  header[0] = static_cast<char>(operation);
  for (int i = 0; i < 4; ++i) header[4 + i] = static_cast<char>(payload_bytes >> (24 - 8 * i));
  return header;
}

}  // namespace

CAF_TEST(bytes that are no link neither stop nor grow the node) {
  certificates made;
  for (auto with_certificates : {false, true}) {
    auto disk = std::make_shared<shared_disk>();
    link_node_options first = slow(), second;
    if (with_certificates) {
      first.links = made.node("a");
      second.links = made.node("b");
    }
    link_node a{disk, 1, first};
    link_node b{disk, 2, second};
    acquaint({&a, &b});
    CAF_REQUIRE(b.link_is(1, link_state::up));
    auto before = resident_bytes();
    auto port = io::parse_link_address(a.address())->port;
    std::vector<std::unique_ptr<raw_socket>> open;
    auto say = [&](const std::string& bytes) {
      open.push_back(std::make_unique<raw_socket>(port));
      open.back()->send(bytes);
    };
    for (int i = 0; i < 20; ++i) {
      say("");  // and then nothing
      say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      say(std::string(100'000, '\xff'));
      say(basp_header(1, 900u << 20) + std::string(1000, 'x'));  // a handshake of 900 MB
      say(basp_header(4, 900u << 20) + std::string(1000, 'x'));
      say(basp_header(1, 40).substr(0, 20));  // half a header
    }
    CAF_CHECK_EQUAL(broken_link(a, b, "r"), "");
    CAF_CHECK(resident_bytes() < before + (64u << 20));
  }
}

CAF_TEST(frames of whoever has not greeted are not listened to) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, slow()};
  link_node b{disk, 2};
  acquaint({&a, &b});
  CAF_REQUIRE(b.link_is(1, link_state::up));
  a.start("kept");
  stranger who{a.address()};
  who.say(core::link::cancel{1, {.run = {"kept"}}});
  who.say(core::link::pull{{1, 1}, {{"kept"}, 0, 64, 1000}});
  who.say(core::link::ping{1});
  who.say(core::link::work_waits{});
  who.say(std::string{R"({"k":"hello","version_min":1)"});
  who.say(std::string(1u << 19, 'E'));
  who.say(std::string{});
  // Nobody knows this one.
  who.say(core::link::hello{{1, 1}, 77, "stranger", 1, "test"});
  who.say(core::link::cancel{2, {.run = {"kept"}}});
  // What the door does not take at all.
  caf::anon_send(caf::actor_cast<caf::actor>(who.door), nodes_known{});
  caf::anon_send(caf::actor_cast<caf::actor>(who.door), std::string{"hello"});
  CAF_CHECK_EQUAL(broken_link(a, b, "r"), "");
  CAF_CHECK_EQUAL(who.counts->frames.load(), 0);
  CAF_CHECK(a.line_of(2).link == link_state::up);
  CAF_CHECK(a.cancel("kept").outcome == cancel_outcome::cancelled);
}

CAF_TEST(a linked node that sends nonsense loses its link and gets another) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, slow()};
  a.tell({a.record(), {.incarnation = 9, .name = "odd"}});
  stranger who{a.address()};
  for (const auto& nonsense : {std::string{"nonsense"}, std::string{"E\1"}, core::encode(core::link::ack{5})}) {
    who.say(core::link::hello{{1, 1}, 9, "odd", 1, "test"});
    CAF_REQUIRE(a.link_is(9, link_state::up));
    who.say(nonsense);
    CAF_REQUIRE(a.link_is(9, link_state::down));
    CAF_CHECK(!a.line_of(9).link_problem.empty());
  }
  CAF_CHECK_EQUAL(a.line_of(9).link_problem, "it confirmed what was never sent");
}

CAF_TEST(a newer node is linked whatever else it says) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, slow()};
  stranger who{a.address()};
  // It greets before anybody has told of it.
  who.say(
      std::string{R"({"k":"hello","version_min":1,"version_max":7,"incarnation":9,"to":1,"can":["fly"],"at":{"x":1}})"});
  a.tell({a.record(), {.incarnation = 9, .name = "newer"}});
  CAF_REQUIRE(a.link_is(9, link_state::up));
  a.start("r");
  who.say(std::string{R"({"k":"cancel","n":1,"run":"r","wait_ms":1000,"mode":"immediate","urgency":"high"})"});
  auto seen = a.watch("r");
  CAF_CHECK(seen->ends());
  CAF_CHECK(a.line_of(9).link == link_state::up);
}

CAF_TEST(whoever greets an earlier life of this node learns who is here and is not linked) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1};
  a.tell({a.record(), {.incarnation = 9, .name = "late"}});
  stranger who{a.address()};
  who.say(core::link::hello{{1, 1}, 9, "late", 77, "test"});
  CAF_REQUIRE(link_node::eventually([&] { return who.counts->frames > 0; }));
  CAF_CHECK(a.line_of(9).link != link_state::up);
  who.say(core::link::hello{{1, 1}, 9, "late", 1, "test"});
  CAF_CHECK(a.link_is(9, link_state::up));
}

CAF_TEST(what reads for another node goes when that node has said so) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, {.scripted = {.first_token_delay = 0ms, .token_delay = 10ms, .tokens = 100'000}}};
  a.tell({a.record(), {.incarnation = 9, .name = "leaver"}});
  stranger who{a.address()};
  who.say(core::link::hello{{1, 1}, 9, "leaver", 1, "test"});
  CAF_REQUIRE(a.link_is(9, link_state::up));
  a.start("r");
  CAF_REQUIRE(a.watch("r")->reaches(3));
  auto actors = [&] { return a.system().registry().running(); };
  auto before = actors();
  who.say(core::link::pull{{1, 1}, {{"r"}, 0, 1, 1000}});
  CAF_REQUIRE(link_node::eventually([&] { return actors() == before + 1; }));
  who.say(core::link::leave{{1, 1}});
  CAF_CHECK(link_node::eventually([&] { return actors() == before; }));
  CAF_CHECK(a.line_of(9).link == link_state::up);  // with the link it would go in any case
}

CAF_TEST(what is under way to a node that confirms nothing is bounded) {
  auto disk = std::make_shared<shared_disk>();
  std::string word(4000, 'x');
  std::string text;
  while (text.size() < (3u << 20)) text += word + " ";
  link_node a{disk, 1, {.scripted = {.first_token_delay = 0ms, .token_delay = 10ms, .text = text}}};
  a.tell({a.record(), {.incarnation = 9, .name = "slow"}});
  stranger who{a.address()};
  who.say(core::link::hello{{1, 1}, 9, "slow", 1, "test"});
  CAF_REQUIRE(a.link_is(9, link_state::up));
  a.start("r");
  CAF_REQUIRE(a.watch("r")->reaches(100));
  // Eight readers, with up to 256 KiB each.
  for (std::uint64_t reader = 1; reader <= 8; ++reader) {
    who.say(core::link::pull{{1, reader}, {{"r"}, 0, 1000, 1u << 30}});
  }
  CAF_REQUIRE(link_node::eventually([&] { return who.counts->bytes > core::limits::link_window_bytes_max / 2; }));
  CAF_REQUIRE(a.link_is(9, link_state::down));  // for it says nothing
  CAF_CHECK(who.counts->bytes <= core::limits::link_window_bytes_max);
}
