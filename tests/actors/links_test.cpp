// Promises of links between nodes, with real sockets: a run is read and cancelled from any node.
#define CAF_SUITE actors.links

#include <caf/test/unit_test.hpp>

#include "support/link_node.hpp"

using namespace oncue;
using namespace oncue::test;

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
