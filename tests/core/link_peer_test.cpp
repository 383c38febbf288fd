// One link as a table: what happens, when, and what is done about it.
#define CAF_SUITE core.link_peer

#include "oncue/core/link_peer.hpp"

#include <caf/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

#include "oncue/core/link_questions.hpp"

using namespace oncue;
using namespace oncue::core;

namespace {

constexpr std::int64_t ms = 1000;
constexpr auto heartbeat = limits::link_heartbeat.count() * ms;

node_record node(incarnation_no number, std::string address = "h:1") {
  return {.incarnation = number, .name = "n" + std::to_string(number), .link_address = std::move(address)};
}

link_plan plan(bool connects, link_versions speaks = {1, 1}) {
  return {.hello = {.speaks = speaks, .incarnation = 2, .name = "me", .to = 1, .cluster = "c"},
          .peer = 1,
          .connects = connects};
}

link::hello hello(link_versions speaks = {1, 1}, incarnation_no from = 1, std::string cluster = "c") {
  return {speaks, from, "peer", 2, std::move(cluster)};
}

/// What is to be done, in words: "connect", "send <kind>", "up", "down".
std::string words(const link_orders& orders) {
  std::string text;
  for (const auto& order : orders) {
    if (!text.empty()) text += ", ";
    if (std::holds_alternative<link_effect::connect>(order)) text += "connect";
    if (const auto* how = std::get_if<link_effect::changed>(&order)) text += to_string(how->to);
    if (const auto* out = std::get_if<link_effect::send>(&order)) {
      auto kind = out->frame.find("\"k\":\"");
      text += kind == std::string::npos ? "piece" : out->frame.substr(kind + 5, out->frame.find('"', kind + 5) - kind - 5);
    }
  }
  return text;
}

link_peer greeted(bool connects, std::int64_t at = 0) {
  link_peer link{plan(connects), at};
  if (connects) {
    link.step(link_event::tick{}, at);
    link.step(link_event::connected{}, at);
  }
  link.step(link_event::said{hello()}, at);
  return link;
}

}  // namespace

CAF_TEST(one side of a pair connects) {
  CAF_CHECK(connects(node(2), node(1)));
  CAF_CHECK(!connects(node(1), node(2)));
  CAF_CHECK(!connects(node(2), node(1, "")));
  CAF_CHECK(connects(node(1, ""), node(2)));
  CAF_CHECK(!connects(node(2, ""), node(1, "")));
}

CAF_TEST(who connects greets first and is up with the answer) {
  link_peer link{plan(true), 0};
  CAF_CHECK(link.state() == link_state::connecting);
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 0)), "connect");
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 1)), "");
  CAF_CHECK_EQUAL(words(link.step(link_event::connected{}, 2)), "hello");
  CAF_CHECK_EQUAL(words(link.step(link_event::said{hello()}, 3)), "up");
  CAF_CHECK(link.up());
}

CAF_TEST(who is connected to answers the greeting) {
  link_peer link{plan(false), 0};
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 0)), "");
  CAF_CHECK_EQUAL(words(link.step(link_event::said{link::ping{1}}, 0)), "");
  CAF_CHECK_EQUAL(words(link.step(link_event::said{hello()}, 0)), "hello, up");
}

CAF_TEST(a second greeting replaces the first) {
  auto link = greeted(false);
  CAF_CHECK_EQUAL(words(link.step(link_event::said{hello()}, 5)), "hello, down, up");
}

CAF_TEST(without a version in common it is foreign for good) {
  for (auto connects : {true, false}) {
    link_peer link{plan(connects), 0};
    link.step(link_event::tick{}, 0);
    link.step(link_event::connected{}, 0);
    auto orders = link.step(link_event::said{hello({2, 3})}, 0);
    CAF_CHECK_EQUAL(words(orders), connects ? "foreign" : "hello, foreign");
    CAF_CHECK_EQUAL(link.problem(), "it speaks versions 2 to 3 of the links' language, this node 1 to 1");
    CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 3600 * 1000 * ms)), "");
    CAF_CHECK_EQUAL(words(link.step(link_event::said{hello()}, 3600 * 1000 * ms)), "");
  }
}

CAF_TEST(a newer node that still knows this version is linked) {
  link_peer link{plan(false), 0};
  CAF_CHECK_EQUAL(words(link.step(link_event::said{hello({1, 2})}, 0)), "hello, up");
}

CAF_TEST(another node or another cluster at its address is no link) {
  link_peer link{plan(true), 0};
  link.step(link_event::tick{}, 0);
  link.step(link_event::connected{}, 0);
  CAF_CHECK_EQUAL(words(link.step(link_event::said{hello({1, 1}, 7)}, 0)), "down");
  CAF_CHECK_EQUAL(link.problem(), "another node answered at its address");
  link_peer other{plan(false), 0};
  CAF_CHECK_EQUAL(words(other.step(link_event::said{hello({1, 1}, 1, "d")}, 0)), "hello, foreign");
  CAF_CHECK_EQUAL(other.problem(), "it belongs to another cluster");
}

CAF_TEST(a try that fails is repeated after a pause that grows) {
  link_peer link{plan(true), 0};
  std::int64_t now = 0;
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 7; ++i) {
    auto failed_at = now;
    while (words(link.step(link_event::tick{}, now)) != "connect") now += ms;
    pauses.push_back((now - failed_at) / ms);
    link.step(link_event::connected{"refused"}, now);
    CAF_CHECK(link.state() == link_state::down);
    CAF_CHECK_EQUAL(link.problem(), "refused");
  }
  CAF_CHECK_EQUAL(pauses, (std::vector<std::int64_t>{0, 250, 500, 1000, 2000, 4000, 5000}));
}

CAF_TEST(a connection that does not greet is given up) {
  link_peer link{plan(true), 0};
  link.step(link_event::tick{}, 0);
  link.step(link_event::connected{}, 0);
  auto limit = limits::link_connect_max.count() * ms;
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, limit - 1)), "");
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, limit)), "down");
}

CAF_TEST(a link that is up is asked for a sign of life and tells the round trip) {
  auto link = greeted(true);
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 1)), "ping");
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 2)), "");
  link.step(link_event::said{link::pong{1}}, 301);
  CAF_CHECK_EQUAL(link.round_trip_us(), 300u);
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, heartbeat + 1)), "ping");
  link.step(link_event::said{link::pong{1}}, heartbeat + 2);
  CAF_CHECK_EQUAL(link.round_trip_us(), 300u);  // an old one's
  CAF_CHECK_EQUAL(words(link.step(link_event::said{link::ping{8}}, 5)), "pong");
}

CAF_TEST(silence is down and anything that is heard is not ) {
  auto link = greeted(true);
  auto silence = limits::link_silence_max.count() * ms;
  link.step(link_event::piece_came{10}, silence - 1);
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 2 * silence - 2)), "ping");
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 2 * silence - 1)), "down");
  CAF_CHECK_EQUAL(link.problem(), "nothing was heard of it for 3500 ms");
}

CAF_TEST(a lost connection is down at once and is tried again) {
  auto link = greeted(true);
  CAF_CHECK_EQUAL(words(link.step(link_event::lost{"gone"}, 10)), "down");
  CAF_CHECK_EQUAL(words(link.step(link_event::lost{"gone"}, 10)), "");
  CAF_CHECK_EQUAL(words(link.step(link_event::tick{}, 10 + limits::link_retry_min.count() * ms)), "connect");
}

CAF_TEST(frames wait when too much is not confirmed and go on in their order) {
  auto link = greeted(true);
  std::vector<std::string> frames;
  for (char c = 'a'; c < 'g'; ++c) frames.push_back("E" + std::string(limits::link_frame_bytes_max - 1, c));
  auto out = link.step(link_event::pieces{frames}, 0);
  CAF_CHECK_EQUAL(out.size(), 4u);
  CAF_CHECK_EQUAL(link.unconfirmed_bytes(), limits::link_window_bytes_max);
  CAF_CHECK_EQUAL(link.waiting_bytes(), 2 * limits::link_frame_bytes_max);
  out = link.step(link_event::said{link::ack{limits::link_frame_bytes_max}}, 0);
  CAF_REQUIRE_EQUAL(out.size(), 1u);
  CAF_CHECK(std::get<link_effect::send>(out[0]).frame == frames[4]);
  // What was lost with the link is not sent on the next one.
  link.step(link_event::lost{"gone"}, 0);
  CAF_CHECK_EQUAL(link.waiting_bytes(), 0u);
  CAF_CHECK_EQUAL(words(link.step(link_event::pieces{frames}, 0)), "");
}

CAF_TEST(confirming what was never sent is nonsense) {
  auto link = greeted(true);
  CAF_CHECK_EQUAL(words(link.step(link_event::said{link::ack{1}}, 0)), "down");
  CAF_CHECK_EQUAL(link.problem(), "it confirmed what was never sent");
}

CAF_TEST(what comes is confirmed long before the other side has to wait) {
  auto link = greeted(false);
  std::size_t sent = 0;
  bool confirmed = false;
  while (!confirmed) {
    sent += 1000;
    confirmed = words(link.step(link_event::piece_came{1000}, 0)) == "ack";
  }
  CAF_CHECK(sent <= limits::link_window_bytes_max / 4);
}

CAF_TEST(a question ends with who knows or with the last who does not ) {
  link_questions<std::string> questions;
  auto first = questions.ask("a", {1, 2}, 100);
  CAF_CHECK(!questions.answered(first, 3, true));  // was not asked
  CAF_CHECK(!questions.answered(first, 1, false));
  CAF_CHECK(!questions.answered(first, 1, true));  // has answered already
  CAF_CHECK(questions.answered(first, 2, false) == "a");
  auto second = questions.ask("b", {1, 2}, 100);
  CAF_CHECK(questions.answered(second, 2, true) == "b");
  CAF_CHECK(!questions.answered(second, 1, true));
  questions.ask("c", {1}, 100);
  questions.ask("d", {1, 2}, 100);
  CAF_CHECK(questions.lost(1) == std::vector<std::string>{"c"});
  CAF_CHECK(questions.late(99).empty());
  CAF_CHECK(questions.late(100) == std::vector<std::string>{"d"});
  CAF_CHECK_EQUAL(questions.size(), 0u);
}
