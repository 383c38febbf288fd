// Promises of links between nodes, with real sockets: a run is read and cancelled from any node.
#define CAF_SUITE actors.links

#include <caf/test/unit_test.hpp>

#include "oncue/core/limits.hpp"
#include "oncue/io/link_probe.hpp"
#include "support/link_node.hpp"
#include "support/tcp_relay.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

using nodes = std::vector<node_record>;

link_node_options talks(std::uint32_t tokens, std::chrono::milliseconds pace = 1ms) {
  return {.scripted = {.first_token_delay = 0ms, .token_delay = pace, .tokens = tokens}};
}

/// Node 2 connects to node 1, over a wire that can be cut.
struct wired_pair {
  explicit wired_pair(link_node_options first, link_node_options second = {})
      : a{disk, 1, std::move(first)}, b{disk, 2, std::move(second)}, wire{io::parse_link_address(a.address())->port} {
    auto over_wire = a.record();
    over_wire.link_address = wire.address();
    a.tell({a.record(), b.record()});
    b.tell({over_wire, b.record()});
  }
  bool linked() { return a.link_is(2, link_state::up) && b.link_is(1, link_state::up); }

  std::shared_ptr<shared_disk> disk = std::make_shared<shared_disk>();
  link_node a;
  link_node b;
  tcp_relay wire;
};

}  // namespace

CAF_TEST(a run is read live on another node) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, {.scripted = {.first_token_delay = 0ms, .token_delay = 1ms, .tokens = 300}}};
  link_node b{disk, 2};
  acquaint({&a, &b});
  CAF_REQUIRE(a.link_is(2, link_state::up));
  CAF_REQUIRE(b.link_is(1, link_state::up));
  CAF_REQUIRE(!a.start("r").refused);
  auto seen = b.watch("r");
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(seen->now().lost, "");
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
  CAF_CHECK(seen->now().words.empty());
}

CAF_TEST(a run is cancelled from another node) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, {.scripted = {.first_token_delay = 0ms, .token_delay = 1000ms, .tokens = 1000}}};
  link_node b{disk, 2};
  acquaint({&a, &b});
  CAF_REQUIRE(b.link_is(1, link_state::up));
  a.start("r");
  auto seen = b.watch("r");
  CAF_REQUIRE(seen->reaches(3));
  auto reply = b.cancel("r");
  CAF_CHECK_EQUAL(to_string(reply.outcome), "cancelled");
  CAF_CHECK(reply.durable);
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
}

CAF_TEST(a cancel and a reader on the third node reach a run on the first) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, talks(1000, 1000ms)};
  link_node b{disk, 2};
  link_node c{disk, 3};
  acquaint({&a, &b, &c});
  for (auto* node : {&a, &b, &c}) {
    for (incarnation_no other = 1; other <= 3; ++other) {
      if (other != node->number()) CAF_REQUIRE(node->link_is(other, link_state::up));
    }
  }
  a.start("r");
  auto on_b = b.watch("r");
  auto also_on_b = b.watch("r", 1);
  auto on_c = c.watch("r");
  CAF_REQUIRE(on_b->reaches(3) && also_on_b->reaches(2) && on_c->reaches(3));
  CAF_CHECK_EQUAL(to_string(c.cancel("r").outcome), "cancelled");
  CAF_REQUIRE(on_b->ends() && also_on_b->ends() && on_c->ends());
  CAF_CHECK_EQUAL(whole_log(on_b->now().events), "");
  CAF_CHECK_EQUAL(gapless(also_on_b->now().events, 1), "");
  CAF_CHECK_EQUAL(whole_log(on_c->now().events), "");
  // What is over no node has: the store answers.
  CAF_CHECK_EQUAL(to_string(c.cancel("r").outcome), "cancelled");
  CAF_CHECK_EQUAL(to_string(c.cancel("nobody's").outcome), "intent_stored");
}

CAF_TEST(a run that is over or was never there is read from the journal) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, talks(5)};
  link_node b{disk, 2};
  acquaint({&a, &b});
  a.start("r");
  CAF_REQUIRE(a.watch("r")->ends());
  auto seen = b.watch("r");
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
  auto nothing = b.watch("nobody's");
  CAF_REQUIRE(nothing->ends());
  CAF_CHECK_EQUAL(nothing->now().lost, "there is no run 'nobody's'");
}

CAF_TEST(when the link is lost readers hear it and the journal goes on and it comes back) {
  wired_pair pair{talks(100'000, 1ms)};
  CAF_REQUIRE(pair.linked());
  pair.a.start("r");
  auto seen = pair.b.watch("r");
  CAF_REQUIRE(seen->reaches(50));
  pair.wire.cut();
  CAF_REQUIRE(seen->wait_until([](const auto& x) { return x.words == watched_run::notes{batch_note::owner_suspected}; }));
  auto then = seen->now().events.size();
  CAF_REQUIRE(seen->reaches(then + 300));  // from the journal
  CAF_CHECK(pair.b.line_of(1).link == link_state::down);
  CAF_CHECK(!pair.b.line_of(1).link_problem.empty());
  pair.wire.restore();
  CAF_REQUIRE(seen->wait_until([](const auto& x) {
    return x.words == watched_run::notes{batch_note::owner_suspected, batch_note::owner_back};
  }));
  CAF_REQUIRE(seen->reaches(seen->now().events.size() + 50));
  CAF_CHECK_EQUAL(to_string(pair.b.cancel("r").outcome), "cancelled");
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
}

CAF_TEST(a node that says nothing any more is down before long) {
  wired_pair pair{talks(100'000, 1ms)};
  CAF_REQUIRE(pair.linked());
  pair.a.start("r");
  auto seen = pair.b.watch("r");
  CAF_REQUIRE(seen->reaches(10));
  auto since = std::chrono::steady_clock::now();
  pair.wire.stall();
  CAF_REQUIRE(seen->wait_until([](const auto& x) { return !x.words.empty(); }));
  CAF_CHECK(std::chrono::steady_clock::now() - since < core::limits::link_silence_max + 2s);
  // Nobody answers: the store keeps the cancel, and that is said.
  CAF_CHECK_EQUAL(to_string(pair.b.cancel("r").outcome), "accepted");
  pair.wire.restore();
  CAF_CHECK_EQUAL(to_string(pair.a.cancel("r").outcome), "cancelled");
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
}

CAF_TEST(a cancel that is not answered in time says so) {
  wired_pair pair{talks(100'000, 1000ms)};
  CAF_REQUIRE(pair.linked());
  pair.a.start("r");
  pair.wire.stall();
  auto since = std::chrono::steady_clock::now();
  CAF_CHECK_EQUAL(to_string(pair.b.cancel("r", 0).outcome), "accepted");
  CAF_CHECK(std::chrono::steady_clock::now() - since < core::limits::link_answer_max + 2s);
}

CAF_TEST(a large ending crosses whole) {
  auto disk = std::make_shared<shared_disk>();
  std::string word(60'000, 'x');
  std::string text;
  while (text.size() < (10u << 20)) text += word + " ";
  link_node_options options;
  options.scripted = {.first_token_delay = 0ms, .token_delay = 0ms, .text = text};
  options.text_bytes_max = 32u << 20;
  link_node a{disk, 1, options};
  link_node b{disk, 2};
  acquaint({&a, &b});
  CAF_REQUIRE(b.link_is(1, link_state::up));
  a.start("r");
  auto seen = b.watch("r");
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
  CAF_CHECK(ending_of(seen->now().events)->content.size() >= (10u << 20));
}

CAF_TEST(nodes of this version and the next are linked and of the one after are not ) {
  auto disk = std::make_shared<shared_disk>();
  link_node_options next;
  next.speaks = {1, 2};
  link_node_options far;
  far.speaks = {2, 3};
  link_node a{disk, 1, talks(100)};
  link_node b{disk, 2, next};
  link_node c{disk, 3, far};
  acquaint({&a, &b, &c});
  CAF_REQUIRE(a.link_is(2, link_state::up) && b.link_is(1, link_state::up));
  CAF_REQUIRE(b.link_is(3, link_state::up) && c.link_is(2, link_state::up));
  CAF_REQUIRE(a.link_is(3, link_state::foreign) && c.link_is(1, link_state::foreign));
  CAF_CHECK_EQUAL(a.line_of(3).link_problem, "it speaks versions 2 to 3 of the links' language, this node 1 to 1");
  a.start("r");
  auto live = b.watch("r");
  auto stored = c.watch("r");
  CAF_REQUIRE(live->ends() && stored->ends());
  CAF_CHECK_EQUAL(whole_log(live->now().events), "");
  CAF_CHECK_EQUAL(whole_log(stored->now().events), "");
  CAF_CHECK(stored->now().words.empty());
}

CAF_TEST(the word that runs wait reaches every membership) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1};
  link_node b{disk, 2};
  acquaint({&a, &b});
  CAF_REQUIRE(a.link_is(2, link_state::up) && b.link_is(1, link_state::up));
  caf::anon_send(a.neighbours(), work_waits{});
  std::unique_lock lock{b.counts().mutex};
  CAF_CHECK(b.counts().changed.wait_for(lock, link_patience, [&] { return b.counts().work_waits == 1; }));
}

CAF_TEST(the list of nodes tells how each link is) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1};
  link_node b{disk, 2};
  auto gone = b.record();
  gone.incarnation = 3;
  gone.link_address = "127.0.0.1:1";
  link_node_options alone;
  alone.links.link_host = "";
  link_node c{disk, 4, alone};
  nodes all{a.record(), b.record(), gone, c.record()};
  for (auto* node : {&a, &b, &c}) node->tell(all);
  CAF_REQUIRE(a.link_is(2, link_state::up));
  CAF_REQUIRE(a.link_is(4, link_state::up));  // takes no links, and connects
  CAF_CHECK(link_node::eventually([&] { return a.line_of(2).round_trip_us > 0; }));
  CAF_CHECK(a.line_of(1).link == link_state::none);
  CAF_REQUIRE(c.link_is(3, link_state::down));
  CAF_CHECK_EQUAL(c.line_of(3).link_problem, "127.0.0.1:1 cannot be connected to: Connection refused");
  CAF_REQUIRE(c.link_is(2, link_state::up));
}

CAF_TEST(the link of a dead node is dropped and a node without a lease has none) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1};
  link_node b{disk, 2};
  acquaint({&a, &b});
  CAF_REQUIRE(a.link_is(2, link_state::up));
  auto dead = b.record();
  dead.dead = true;
  a.tell({a.record(), dead});
  CAF_REQUIRE(a.link_is(2, link_state::none));
  acquaint({&a, &b});
  CAF_REQUIRE(a.link_is(2, link_state::up) && b.link_is(1, link_state::up));
  caf::anon_send(a.neighbours(), nodes_known{0, {a.record(), b.record()}, {}});
  CAF_REQUIRE(a.link_is(2, link_state::none));
}
