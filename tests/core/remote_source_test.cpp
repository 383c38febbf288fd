// Where a remote run's readers get their events from, as a table.
#define CAF_SUITE core.remote_source

#include "oncue/core/remote_source.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace oncue;
using namespace oncue::core;

namespace {

constexpr std::int64_t ms = 1000;

event_batch batch(event_index from, std::size_t count, batch_end end = batch_end::more) {
  event_batch result{.run = {"r"}, .next = from + count, .end = end};
  for (std::size_t i = 0; i < count; ++i) {
    result.events.push_back(event_ptr{run_event{from + i, 0, content_delta{"x"}}});
  }
  return result;
}

pull_limits from(event_index index) { return {{"r"}, index, 64, 1000}; }

/// What is to be done, in words.
std::string words(const remote_orders& orders) {
  std::string text;
  for (const auto& order : orders) {
    if (!text.empty()) text += ", ";
    if (const auto* x = std::get_if<remote_effect::give>(&order)) {
      text += "give " + std::to_string(x->reader) + " ";
      text += x->batch.note != batch_note::none ? std::string{to_string(x->batch.note)}
              : x->batch.events.empty()         ? "nothing"
                                                : std::to_string(x->batch.events.front()->index);
    }
    if (const auto* x = std::get_if<remote_effect::ask_node>(&order)) {
      text += "ask node " + std::to_string(x->node) + " #" + std::to_string(x->number) + " " + std::to_string(x->pull.from);
    }
    if (const auto* x = std::get_if<remote_effect::leave_node>(&order)) text += "leave #" + std::to_string(x->number);
    if (const auto* x = std::get_if<remote_effect::ask_journal>(&order)) text += "journal " + std::to_string(x->pull.from);
    if (std::holds_alternative<remote_effect::find_owner>(order)) text += "find owner";
    if (std::holds_alternative<remote_effect::finish>(order)) text += "finish";
  }
  return text;
}

/// Of node 1's run, here on node 2.
remote_source source(link_state link = link_state::up) {
  remote_source result{{"r"}, 2, 1, 0};
  result.on_link(1, link);
  return result;
}

run_owner owned_by(incarnation_no node) { return {run_status::running, node}; }

}  // namespace

CAF_TEST(a pull goes over the link and its batch to the reader) {
  auto s = source();
  CAF_CHECK_EQUAL(words(s.pulled(7, from(0), 0)), "ask node 1 #1 0");
  CAF_CHECK_EQUAL(words(s.pulled(7, from(0), 0)), "");  // the same once more
  CAF_CHECK_EQUAL(words(s.on_batch(1, batch(0, 3))), "give 7 0");
  CAF_CHECK_EQUAL(words(s.on_batch(1, batch(3, 3))), "");  // nobody asked
  CAF_CHECK_EQUAL(words(s.pulled(7, from(3), 0)), "ask node 1 #1 3");
  CAF_CHECK_EQUAL(words(s.on_batch(1, batch(0, 3))), "");  // not what was asked
  CAF_CHECK_EQUAL(words(s.on_batch(1, batch(3, 1, batch_end::ended))), "give 7 3, leave #1, finish");
}

CAF_TEST(without a link the journal is read and asked less and less often when nothing comes) {
  auto s = source(link_state::connecting);
  CAF_CHECK_EQUAL(words(s.pulled(7, from(0), 0)), "journal 0");
  CAF_CHECK_EQUAL(words(s.on_journal(batch(0, 2), 0)), "give 7 0");
  CAF_CHECK_EQUAL(words(s.pulled(7, from(2), 0)), "journal 2");
  std::vector<std::int64_t> pauses;
  std::int64_t now = 0;
  for (int i = 0; i < 4; ++i) {
    CAF_CHECK_EQUAL(words(s.on_journal(batch(2, 0), now)), "");  // readers never see that
    pauses.push_back((*s.wake_at() - now) / ms);
    CAF_CHECK_EQUAL(words(s.tick(*s.wake_at() - 1)), "");
    now = *s.wake_at();
    CAF_CHECK_EQUAL(words(s.tick(now)), "journal 2, find owner");
    CAF_CHECK(!s.wake_at());
    CAF_CHECK_EQUAL(words(s.on_owner(owned_by(1))), "");
  }
  CAF_CHECK_EQUAL(pauses, (std::vector<std::int64_t>{100, 200, 400, 500}));
  CAF_CHECK_EQUAL(words(s.on_journal(batch(2, 1), now)), "give 7 2");
  s.pulled(7, from(3), now);
  s.on_journal(batch(3, 0), now);
  CAF_CHECK_EQUAL((*s.wake_at() - now) / ms, 100);
}

CAF_TEST(one reader asks the journal at a time) {
  auto s = source(link_state::none);
  CAF_CHECK_EQUAL(words(s.pulled(7, from(0), 0)), "journal 0");
  CAF_CHECK_EQUAL(words(s.pulled(8, from(5), 0)), "");
  CAF_CHECK_EQUAL(words(s.on_journal(batch(0, 2), 0)), "give 7 0, journal 5");
  CAF_CHECK_EQUAL(words(s.gone(8)), "");
  CAF_CHECK_EQUAL(words(s.pulled(7, from(2), 0)), "");  // the question of the one that left is still out
  CAF_CHECK_EQUAL(words(s.on_journal(batch(5, 2), 0)), "journal 2");
}

CAF_TEST(readers hear at once that the link is lost and the journal takes over and gives back) {
  auto s = source();
  s.pulled(7, from(4), 0);
  CAF_CHECK_EQUAL(words(s.on_link(1, link_state::down)), "give 7 owner_suspected, journal 4");
  CAF_CHECK_EQUAL(words(s.pulled(7, from(4), 0)), "");  // what a reader does upon a note
  CAF_CHECK_EQUAL(words(s.on_link(1, link_state::down)), "");
  CAF_CHECK_EQUAL(words(s.on_batch(1, batch(4, 1))), "");  // too late
  CAF_CHECK_EQUAL(words(s.on_journal(batch(4, 2), 0)), "give 7 4");
  // It was not reading when the link came back: it hears it with its next pull.
  CAF_CHECK_EQUAL(words(s.on_link(1, link_state::up)), "");
  CAF_CHECK_EQUAL(words(s.pulled(7, from(6), 0)), "give 7 owner_back, ask node 1 #2 6");
  CAF_CHECK_EQUAL(words(s.on_batch(2, batch(6, 1))), "give 7 6");
}

CAF_TEST(a reader that rests goes over the link as soon as there is one) {
  auto s = source(link_state::down);
  CAF_CHECK_EQUAL(words(s.pulled(7, from(4), 0)), "give 7 owner_suspected, journal 4");
  s.on_journal(batch(4, 0), 0);
  CAF_CHECK_EQUAL(words(s.on_link(1, link_state::up)), "give 7 owner_back, ask node 1 #1 4");
  CAF_CHECK_EQUAL(words(s.tick(3600 * 1000 * ms)), "");
}

CAF_TEST(a question that got lost is asked again and one that was answered is not ) {
  auto s = source();
  s.pulled(7, from(4), 0);
  s.pulled(8, from(6), 0);
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at() - 1)), "");
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at())), "");  // they may be new
  s.on_batch(2, batch(6, 1));
  s.pulled(8, from(7), *s.wake_at());
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at())), "ask node 1 #1 4");
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at())), "ask node 1 #1 4, ask node 1 #2 7");
  // Heard twice, it is answered twice: the second time there is nobody to take it.
  CAF_CHECK_EQUAL(words(s.on_batch(1, batch(4, 1))), "give 7 4");
  CAF_CHECK_EQUAL(words(s.on_batch(1, batch(4, 1))), "");
  s.on_batch(2, batch(7, 1));
  CAF_CHECK(!s.wake_at());  // nobody asks
}

CAF_TEST(a run that its node does not have is read from the journal until it is found) {
  auto s = source();
  s.pulled(7, from(4), 0);
  CAF_CHECK_EQUAL(words(s.not_there(1)), "journal 4");
  CAF_CHECK_EQUAL(words(s.on_journal(batch(4, 0), 0)), "");
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at())), "journal 4, find owner");
  s.on_link(3, link_state::up);
  CAF_CHECK_EQUAL(words(s.on_owner(owned_by(3))), "leave #1");
  CAF_CHECK_EQUAL(words(s.on_journal(batch(4, 0), 0)), "ask node 3 #2 4");
  CAF_CHECK_EQUAL(words(s.on_batch(2, batch(4, 1, batch_end::ended))), "give 7 4, leave #2, finish");
}

CAF_TEST(a run that has moved here is asked for anew) {
  auto s = source(link_state::down);
  s.pulled(7, from(4), 0);
  s.on_journal(batch(4, 0), 0);
  s.tick(*s.wake_at());
  CAF_CHECK_EQUAL(words(s.on_owner(owned_by(2))), "give 7 nothing, finish");
}

CAF_TEST(readers hear that another node has the run now) {
  auto s = source(link_state::down);
  s.on_link(3, link_state::up);
  s.pulled(7, from(4), 0);
  s.on_journal(batch(4, 0), 0);
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at())), "journal 4, find owner");
  CAF_CHECK_EQUAL(words(s.on_owner(owned_by(3))), "give 7 owner_back");
  CAF_CHECK_EQUAL(words(s.on_journal(batch(4, 0), 0)), "ask node 3 #1 4");
}

CAF_TEST(an owner that the store could not tell changes nothing) {
  auto s = source(link_state::down);
  s.pulled(7, from(4), 0);
  s.on_journal(batch(4, 0), 0);
  s.tick(*s.wake_at());
  CAF_CHECK_EQUAL(words(s.on_owner({})), "");
  s.on_journal(batch(4, 0), *s.wake_at());
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at())), "journal 4, find owner");
}

CAF_TEST(it is over when nobody reads) {
  auto s = source();
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at() - 1)), "");
  CAF_CHECK_EQUAL(words(s.tick(*s.wake_at())), "finish");
  s.pulled(7, from(0), 0);
  s.pulled(8, from(0), 0);
  CAF_CHECK_EQUAL(words(s.gone(7)), "leave #1");
  CAF_CHECK_EQUAL(words(s.gone(8)), "leave #2, finish");
}
