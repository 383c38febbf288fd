// A node and its lease: what it does when the store answers, answers late, or not at all.
#define CAF_SUITE core.membership

#include "oncue/core/membership.hpp"

#include <caf/test/unit_test.hpp>
#include <string>

using namespace oncue;
using namespace oncue::core;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t second = 1'000'000;

/// The orders by name, in their order.
std::string words(const membership_orders& orders) {
  std::string line;
  for (const auto& x : orders) {
    static constexpr const char* names[] = {"enter", "renew", "reap",     "look",   "claim", "give_back",        "end_lost",
                                            "own",   "fence", "announce", "cancel", "take",  "look_for_expired", "say"};
    line += (line.empty() ? "" : " ") + std::string{names[x.index()]};
    if (const auto* own = std::get_if<member_order::own>(&x)) line += std::to_string(own->self);
    if (const auto* claim = std::get_if<member_order::claim>(&x)) line += std::to_string(claim->runs_max);
    if (const auto* give = std::get_if<member_order::give_back>(&x)) {
      for (const auto& run : give->runs) line += ":" + run.value;
    }
    if (const auto* lost = std::get_if<member_order::end_lost>(&x)) {
      for (const auto& run : lost->runs) line += ":" + run.value;
    }
    if (const auto* said = std::get_if<member_order::say>(&x)) line += ":" + said->what;
  }
  return line;
}

lease_reply alive() {
  lease_reply reply;
  reply.alive = true;
  return reply;
}

lease_reply problem() {
  lease_reply reply;
  reply.problem = "away";
  return reply;
}

held_runs held(std::vector<run_id> runs = {}, std::uint64_t room = 0) {
  held_runs x;
  x.runs = std::move(runs);
  x.load.room = room;
  return x;
}

enter_reply as(incarnation_no self) {
  enter_reply reply;
  reply.self = self;
  return reply;
}

/// A member of ten seconds' lease, entered at 0 and renewed at 0.
membership member(milliseconds lease = milliseconds{10'000}) {
  membership node{lease};
  node.tick(0);
  node.entered(as(7), 0, 0);
  node.tick(0);
  node.renewed(alive(), held(), 0, 0);
  node.reaped({}, 0);
  node.looked({}, 0);
  return node;
}

}  // namespace

CAF_TEST(it enters and then renews each second) {
  membership node{milliseconds{10'000}};
  CAF_CHECK_EQUAL(words(node.tick(0)), "enter");
  CAF_CHECK_EQUAL(words(node.tick(5)), "");
  CAF_CHECK_EQUAL(words(node.entered(as(7), 0, 10)), "say:node_entered own7 announce");
  CAF_CHECK_EQUAL(words(node.tick(10)), "renew");
  CAF_CHECK_EQUAL(words(node.renewed(alive(), held(), 10, 20)), "announce reap look");
  CAF_CHECK_EQUAL(node.wake_at(), 10 + second);
  CAF_CHECK_EQUAL(words(node.tick(10 + second - 1)), "");
  CAF_CHECK_EQUAL(words(node.tick(10 + second)), "renew");
}

CAF_TEST(a short lease is renewed three times) {
  auto node = member(milliseconds{1000});
  CAF_CHECK_EQUAL(node.wake_at(), 333'000);
  CAF_CHECK_EQUAL(node.stop_at_us(), 800'000);
}

CAF_TEST(it stops before its lease can be over for others) {
  auto node = member();
  CAF_CHECK_EQUAL(node.stop_at_us(), 9 * second);
  CAF_CHECK_EQUAL(words(node.tick(second)), "renew");
  CAF_CHECK_EQUAL(node.wake_at(), 9 * second);
  CAF_CHECK_EQUAL(words(node.tick(9 * second - 1)), "");
  CAF_CHECK_EQUAL(words(node.tick(9 * second)), "own0 fence announce say:lease_lost");
  CAF_CHECK_EQUAL(node.self(), 0u);
  // The answer that comes after all changes nothing; then it enters anew.
  CAF_CHECK_EQUAL(words(node.renewed(alive(), held(), second, 9 * second + 1)), "");
  CAF_CHECK_EQUAL(words(node.tick(9 * second + 1)), "enter");
  CAF_CHECK_EQUAL(words(node.entered(as(8), 9 * second + 1, 9 * second + 2)), "say:node_entered own8 announce");
}

CAF_TEST(the lease counts from before it was asked for) {
  auto node = member();
  node.tick(second);
  node.renewed(alive(), held(), second, 5 * second);
  CAF_CHECK_EQUAL(node.stop_at_us(), 10 * second);
  // An answer that took longer than the lease is worth nothing.
  node.tick(5 * second);
  CAF_CHECK_EQUAL(words(node.renewed(alive(), held(), 5 * second, 14 * second)), "own0 fence announce say:lease_lost");
}

CAF_TEST(a store that is away is asked again and again and said so once) {
  auto node = member();
  node.tick(second);
  CAF_CHECK_EQUAL(words(node.renewed(problem(), held(), second, 2 * second)), "say:cluster_store_away announce");
  CAF_CHECK_EQUAL(node.known().problem, "away");
  CAF_CHECK_EQUAL(node.wake_at(), 2 * second + 100'000);
  CAF_CHECK_EQUAL(words(node.tick(2 * second + 100'000)), "renew");
  CAF_CHECK_EQUAL(words(node.renewed(problem(), held(), 0, 2 * second + 200'000)), "announce");
  node.tick(2 * second + 300'000);
  CAF_CHECK_EQUAL(words(node.renewed(alive(), held(), 2 * second + 300'000, 2 * second + 400'000)),
                  "say:cluster_store_back announce reap look");
  CAF_CHECK_EQUAL(node.stop_at_us(), 11 * second + 300'000);
}

CAF_TEST(a node that others found dead stops at once) {
  auto node = member();
  node.tick(second);
  CAF_CHECK_EQUAL(words(node.renewed({}, held(), second, second + 1)), "own0 fence announce say:lease_lost");
  CAF_CHECK_EQUAL(words(node.tick(second + 1)), "enter");
}

CAF_TEST(a renewal brings cancels and work) {
  auto node = member();
  node.tick(second);
  auto reply = alive();
  reply.cancels.push_back({.run = {"r"}});
  reply.work_waits = true;
  CAF_CHECK_EQUAL(words(node.renewed(reply, held({}, 3), second, second)), "announce cancel reap look claim3");
  // One claim at a time, and none without room.
  CAF_CHECK_EQUAL(words(node.work_waits()), "");
  take_runs got;
  got.runs.resize(3);
  CAF_CHECK_EQUAL(words(node.claimed(got, second)), "take");
  CAF_CHECK_EQUAL(words(node.work_waits()), "");
}

CAF_TEST(a draining node claims nothing) {
  auto node = member();
  node.tick(second);
  auto load = held({}, 3);
  load.load.draining = true;
  auto reply = alive();
  reply.work_waits = true;
  CAF_CHECK_EQUAL(words(node.renewed(reply, load, second, second)), "announce reap look");
}

CAF_TEST(a run without an actor is given back or ended when it is missed twice in a row) {
  auto node = member();
  auto at = second;
  auto cycle = [&](std::vector<run_id> has_actor, std::vector<run_id> rows) {
    node.tick(at);
    node.renewed(alive(), held(std::move(has_actor)), at, at);
    node.reaped({}, at);
    my_runs mine;
    mine.runs = std::move(rows);
    auto line = words(node.looked(mine, at));
    at += second;
    return line;
  };
  CAF_CHECK_EQUAL(cycle({{"a"}}, {{"a"}, {"b"}}), "");
  CAF_CHECK_EQUAL(cycle({{"a"}, {"b"}}, {{"a"}, {"b"}}), "");
  CAF_CHECK_EQUAL(cycle({{"a"}}, {{"a"}, {"b"}, {"c"}}), "");
  CAF_CHECK_EQUAL(cycle({{"a"}}, {{"a"}, {"b"}, {"c"}}), "give_back:b:c");
  released_runs released;
  released.runs = {{"c"}};
  CAF_CHECK_EQUAL(words(node.given_back({{"b"}, {"c"}}, released)), "end_lost:b");
}

CAF_TEST(the dead are looked after once and their runs claimed) {
  auto node = member();
  node.tick(second);
  node.renewed(alive(), held({}, 1), second, second);
  reap_reply reply;
  reply.dead = {3};
  reply.ended = {{"a"}};
  reply.requeued = {{"b"}};
  reply.more = true;
  CAF_CHECK_EQUAL(words(node.reaped(reply, second)),
                  "say:node_lost say:lost_run_ended say:lost_run_requeued look_for_expired claim1 reap");
}

CAF_TEST(a name that is taken is said once and tried again) {
  membership node{milliseconds{10'000}};
  node.tick(0);
  enter_reply taken;
  taken.taken_by = node_record{.incarnation = 3, .name = "a"};
  CAF_CHECK_EQUAL(words(node.entered(taken, 0, 1)), "say:node_name_taken");
  CAF_CHECK_EQUAL(words(node.tick(2)), "");
  CAF_CHECK_EQUAL(words(node.tick(node.wake_at())), "enter");
  CAF_CHECK_EQUAL(words(node.entered(taken, 0, second)), "");
}

CAF_TEST(there is room elsewhere only on a living node that takes runs) {
  auto node = member();
  auto told = [&](node_record other) {
    auto reply = alive();
    reply.nodes = {{.incarnation = 7, .lease_left_ms = 9000, .load = {.room = 5}}, other};
    node.tick(node.wake_at());
    node.renewed(reply, held(), 0, 0);
    return node.has_room_elsewhere();
  };
  CAF_CHECK(told({.incarnation = 8, .lease_left_ms = 9000, .load = {.room = 1}}));
  CAF_CHECK(!told({.incarnation = 8, .lease_left_ms = 9000, .load = {.room = 0}}));
  CAF_CHECK(!told({.incarnation = 8, .dead = true, .lease_left_ms = 9000, .load = {.room = 1}}));
  CAF_CHECK(!told({.incarnation = 8, .lease_left_ms = -5, .load = {.room = 1}}));
  CAF_CHECK(!told({.incarnation = 8, .lease_left_ms = 9000, .load = {.room = 1, .draining = true}}));
}
