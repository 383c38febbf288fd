// A session has one run at a time. Tables for the rules, and random histories against a model that is as simple as the
// rules are: a list a session, looked through from the front.
#define CAF_SUITE core.roster_sessions

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "oncue/core/retry.hpp"
#include "oncue/core/roster.hpp"

using namespace oncue;

namespace {

using roster = core::roster<int, int>;
using state = roster::row_state;

run_request request(std::string id, std::string session, session_policy policy = session_policy::enqueue) {
  return {
      .id = {std::move(id)}, .agent = {"a"}, .input = "tell", .session = {std::move(session)}, .on_busy_session = policy};
}

std::string refused(const std::optional<refusal>& r) { return r ? std::string{to_string(r->code)} : "admitted"; }

/// Everybody who begins now, in order.
std::string begun(roster& r) {
  std::string ids;
  while (auto* next = r.next_to_begin()) ids += next->id->value + " ";
  return ids;
}

void start(roster& r, const std::string& id, const std::string& session) {
  CAF_REQUIRE_EQUAL(refused(r.admit(request(id, session), 0)), "admitted");
  r.created({id}, 1);
}

void end(roster& r, const std::string& id) {
  r.closed({id}, run_status::completed);
  r.down({id}, "");
}

}  // namespace

CAF_TEST(the runs of a session begin one after the other in the order of their admission) {
  roster r;
  r.admit(request("a1", "s"), 0);
  r.admit(request("a2", "s"), 0);
  start(r, "b1", "t");
  r.created({"a2"}, 1);  // the journal answered the second one first
  CAF_CHECK_EQUAL(begun(r), "b1 ");
  r.created({"a1"}, 1);
  start(r, "a3", "s");
  CAF_CHECK_EQUAL(begun(r), "a1 ");
  CAF_CHECK_EQUAL(r.queued(), 2u);
  r.changed({"a1"}, run_status::paused);
  CAF_CHECK_EQUAL(begun(r), "");
  r.changed({"a1"}, run_status::completed);  // its ending is journalled: enough for the next, although its socket is open
  CAF_CHECK_EQUAL(begun(r), "a2 ");
  end(r, "a1");
  CAF_CHECK_EQUAL(begun(r), "");
  end(r, "a2");
  CAF_CHECK_EQUAL(begun(r), "a3 ");
  end(r, "a3");
  end(r, "b1");
  CAF_CHECK_EQUAL(r.size(), 0u);
  CAF_CHECK_EQUAL(r.sessions(), 0u);
}

CAF_TEST(a run that ends dies or is refused while it waits leaves the line and the others keep their order) {
  roster r;
  for (auto* id : {"1", "2", "3", "4", "5"}) r.admit(request(id, "s"), 0);
  for (auto* id : {"1", "2", "4", "5"}) r.created({id}, 1);
  CAF_CHECK_EQUAL(begun(r), "1 ");
  end(r, "2");           // cancelled while it waited
  r.not_created({"3"});  // the journal refused it
  auto dead = r.down({"4"}, "bad_alloc");
  CAF_CHECK(dead.lost);
  end(r, "1");
  CAF_CHECK_EQUAL(begun(r), "");  // before the ending of 4 is journalled it is not over
  r.forget({"4"});
  CAF_CHECK_EQUAL(begun(r), "5 ");
  r.down({"5"}, "killed");  // dies while it runs: the same
  start(r, "6", "s");
  CAF_CHECK_EQUAL(begun(r), "");
  r.forget({"5"});
  CAF_CHECK_EQUAL(begun(r), "6 ");
}

CAF_TEST(a busy session refuses who does not want to wait and names whom an interrupting run cancels) {
  roster r;
  start(r, "1", "s");
  begun(r);
  auto busy = r.admit(request("2", "s", session_policy::reject), 0);
  CAF_CHECK_EQUAL(refused(busy), "session_busy");
  CAF_CHECK_EQUAL(busy->message, "session_id: 's' has a run that is not over; wait for it or cancel it");
  CAF_CHECK(r.find({"2"}) == nullptr);
  CAF_CHECK_EQUAL(refused(r.admit(request("3", "other", session_policy::reject), 0)), "admitted");
  start(r, "4", "s");
  r.admit(request("5", "s", session_policy::interrupt), 0);
  auto& interrupting = r.created({"5"}, 1);
  start(r, "6", "s");
  std::string before;
  for (auto* other : r.before(interrupting)) before += other->id->value + " ";
  CAF_CHECK_EQUAL(before, "4 1 ");
  r.cancel_passed_on(*r.find({"4"}), {.run = {"4"}});
  r.changed({"1"}, run_status::cancelled);
  CAF_CHECK_EQUAL(begun(r), "");  // 4 has the turn, but it was cancelled: it never begins, and 5 waits for its ending
  r.changed({"4"}, run_status::cancelled);
  CAF_CHECK_EQUAL(begun(r), "5 ");
  for (auto* id : {"5", "6"}) r.changed({id}, run_status::completed);
  CAF_CHECK_EQUAL(refused(r.admit(request("7", "s", session_policy::reject), 0)), "admitted");
}

// Found by oncue_sim, seed 59609 of its first 100,000: two nodes whose runs waited for each other.
CAF_TEST(a run that must wait for another node lets an older one pass that stands behind it) {
  roster r{{.live_max = 10, .running_max = 1, .queued_max = 10}};
  for (auto* id : {"1", "2", "3"}) start(r, id, "s");
  start(r, "other", "t");
  CAF_CHECK_EQUAL(begun(r), "1 ");
  auto at = [&](const char* id) -> roster::row& { return *r.find({id}); };
  CAF_CHECK(!r.let_pass(at("2"), at("3")));      // it has no turn that it could give away
  CAF_CHECK(!r.let_pass(at("1"), at("other")));  // another line
  CAF_CHECK(!r.let_pass(at("1"), at("1")));
  CAF_CHECK(r.let_pass(at("1"), at("3")));
  CAF_CHECK_EQUAL(r.running(), 0u);
  CAF_CHECK_EQUAL(r.queued(), 4u);
  CAF_CHECK(at("1").status == run_status::pending);
  // Its place is free for whoever came first; then it has it.
  CAF_CHECK_EQUAL(begun(r), "other ");
  end(r, "other");
  CAF_CHECK_EQUAL(begun(r), "3 ");
  end(r, "3");
  CAF_CHECK_EQUAL(begun(r), "1 ");
  end(r, "1");
  CAF_CHECK_EQUAL(begun(r), "2 ");
}

// Found by oncue_sim, seeds 112704 and 113181: the run for which it waited was nobody's, and found no place.
CAF_TEST(a run that waits for another node leaves its place to others) {
  roster r{{.live_max = 10, .running_max = 1, .queued_max = 10}};
  start(r, "waits", "s");
  start(r, "next", "s");
  CAF_CHECK_EQUAL(begun(r), "waits ");
  CAF_CHECK_EQUAL(r.room(), 0u);
  auto& waits = *r.find({"waits"});
  CAF_CHECK(!r.wait_elsewhere(*r.find({"next"})));  // it waits here
  CAF_CHECK(r.wait_elsewhere(waits));
  CAF_CHECK(!r.wait_elsewhere(waits));
  CAF_CHECK_EQUAL(r.room(), 1u);
  CAF_CHECK_EQUAL(r.queued(), 2u);
  CAF_CHECK_EQUAL(begun(r), "");  // nobody overtakes it in its session
  start(r, "other", "t");
  CAF_CHECK_EQUAL(begun(r), "other ");
  r.ask_again(waits);
  r.ask_again(waits);
  CAF_CHECK_EQUAL(begun(r), "");
  end(r, "other");
  CAF_CHECK_EQUAL(begun(r), "waits ");
  CAF_CHECK(r.wait_elsewhere(waits));
  r.cancel_passed_on(waits, {.run = {"waits"}});
  end(r, "waits");  // cancelled meanwhile
  CAF_CHECK_EQUAL(begun(r), "next ");
  end(r, "next");
  CAF_CHECK_EQUAL(r.queued(), 0u);
  CAF_CHECK_EQUAL(r.sessions(), 0u);
}

CAF_TEST(a run that another node has admitted may wait here although the queue is full) {
  roster r{{.live_max = 10, .running_max = 1, .queued_max = 1}};
  start(r, "newer", "s");
  CAF_CHECK_EQUAL(begun(r), "newer ");
  r.wait_elsewhere(*r.find({"newer"}));  // for "older", which nobody has
  CAF_CHECK_EQUAL(refused(r.admit(request("third", "s"), 0)), "too_many_runs");
  CAF_CHECK_EQUAL(refused(r.admit(request("older", "s"), 0, false, true)), "admitted");
  auto& older = r.created({"older"}, 1);
  r.ask_again(*r.find({"newer"}));
  CAF_CHECK_EQUAL(begun(r), "newer ");
  CAF_CHECK(r.let_pass(*r.find({"newer"}), older));
  CAF_CHECK_EQUAL(begun(r), "older ");
}

CAF_TEST(those that would wait are counted and refused above their limit) {
  roster r{{.live_max = 100, .running_max = 2, .queued_max = 2}};
  start(r, "a1", "a");
  r.admit(request("b1", "b"), 0);  // still being created: it has a place
  CAF_CHECK_EQUAL(refused(r.admit(request("a2", "a"), 0)), "admitted");
  CAF_CHECK_EQUAL(refused(r.admit(request("c1", "c"), 0)), "admitted");
  auto full = r.admit(request("d1", "d"), 0);
  CAF_CHECK_EQUAL(refused(full), "too_many_runs");
  CAF_CHECK_EQUAL(full->message, "this node has 2 waiting runs, which is its limit; try again later");
  r.not_created({"b1"});  // c1 has its place now
  CAF_CHECK_EQUAL(refused(r.admit(request("a3", "a"), 0)), "admitted");
  CAF_CHECK_EQUAL(refused(r.admit(request("a4", "a"), 0)), "too_many_runs");
  CAF_CHECK_EQUAL(refused(r.admit(request("d1", "d"), 0)), "too_many_runs");
  end(r, "a2");
  CAF_CHECK_EQUAL(refused(r.admit(request("d1", "d"), 0)), "admitted");

  roster none{{.live_max = 100, .running_max = 1, .queued_max = 0}};
  CAF_CHECK_EQUAL(refused(none.admit(request("1", "s"), 0)), "admitted");
  CAF_CHECK_EQUAL(refused(none.admit(request("2", "t"), 0)), "too_many_runs");
}

CAF_TEST(a draining node begins nothing) {
  roster r{{.running_max = 1}};
  start(r, "1", "s");
  start(r, "2", "t");
  begun(r);
  r.drain();
  end(r, "1");
  CAF_CHECK_EQUAL(begun(r), "");
  CAF_CHECK_EQUAL(r.queued(), 1u);
}

namespace {

/// The rules, as plainly as they can be said.
struct model {
  struct run {
    std::string id, session;
    state where = state::creating;
    bool ended = false;
    bool cancelled = false;
    bool aside = false;  // waits for another node
  };
  std::deque<run> runs;  // in the order of admission

  run* find(const std::string& id) {
    auto found = std::find_if(runs.begin(), runs.end(), [&](const run& x) { return x.id == id; });
    return found == runs.end() ? nullptr : &*found;
  }
  bool has_turn(const run& which) const {
    for (const auto& other : runs) {
      if (&other == &which) return true;
      if (other.session == which.session && !other.ended) return false;
    }
    return false;
  }
  std::size_t count(state where) const {
    return static_cast<std::size_t>(
        std::count_if(runs.begin(), runs.end(), [&](const run& x) { return x.where == where; }));
  }
  std::size_t queued() const {
    // The dead ones behind others in their line still wait for it to move on.
    return static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [&](const run& x) {
      return !x.ended &&
             (x.where == state::creating || x.where == state::queued || (x.where == state::lost && !has_turn(x)));
    }));
  }
  std::size_t could_begin() const {
    return static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [&](const run& x) {
      return x.where == state::queued && !x.ended && !x.cancelled && !x.aside && has_turn(x);
    }));
  }
  std::size_t open_sessions() const {
    std::set<std::string> open;
    for (const auto& x : runs) {
      if (!x.ended) open.insert(x.session);
    }
    return open.size();
  }
  /// One that has begun waits again, behind the other one.
  void let_pass(const std::string& id, const std::string& first) {
    find(id)->where = state::queued;
    auto is_first = [&](const run& x) { return x.id == first; };
    auto moved = *std::find_if(runs.begin(), runs.end(), is_first);
    std::erase_if(runs, is_first);
    runs.insert(std::find_if(runs.begin(), runs.end(), [&](const run& x) { return x.id == id; }), moved);
  }
  void erase(const std::string& id) {
    std::erase_if(runs, [&](const run& x) { return x.id == id; });
  }
};

}  // namespace

CAF_TEST(in random histories a session has one run at a time and nobody is forgotten or overtaken) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::uint64_t random = seed;
    auto roll = [&random](std::uint64_t n) { return core::next_random(random) % n; };
    core::roster_limits limits{.live_max = 1000, .running_max = 1 + roll(4), .queued_max = 1000};
    roster r{limits};
    model m;
    int made = 0;
    auto check = [&](const char* after) {
      auto fail = [&](const std::string& what) { CAF_FAIL("seed " << seed << " after " << after << ": " << what); };
      while (auto* next = r.next_to_begin()) {
        auto* run = m.find(next->id->value);
        if (!run || run->where != state::queued || run->ended || run->cancelled) fail("somebody began who may not");
        if (!m.has_turn(*run)) fail(run->id + " overtook its session");
        run->where = state::running;
      }
      for (const auto& x : m.runs) {
        const auto* row = r.find({x.id});
        if (!row || row->state != x.where) fail(x.id + " is in another state than it should be");
        auto same = [&](const model::run& y) { return y.session == x.session && !y.ended && y.where == state::running; };
        if (std::count_if(m.runs.begin(), m.runs.end(), same) > 1) fail("two run in " + x.session);
      }
      if (r.size() != m.runs.size() || r.running() != m.count(state::running) || r.queued() != m.queued() ||
          r.sessions() != m.open_sessions()) {
        fail("the counts are wrong");
      }
      if (r.running() < limits.running_max && m.could_begin() > 0) fail("a place is free and somebody waits for it");
    };
    auto let_pass = [&](const model::run& which) {
      auto& first = m.runs[roll(m.runs.size())];
      auto stands = &which != &first && which.session == first.session && !which.ended && !first.ended;
      auto may = stands && which.where == state::running && m.has_turn(which);
      if (r.let_pass(*r.find({which.id}), *r.find({first.id})) != may) CAF_FAIL("seed " << seed << ": who lets pass");
      if (may) m.let_pass(std::string{which.id}, std::string{first.id});
      check("let pass");
    };
    auto act = [&](bool admit) {
      if (admit && roll(3) == 0) {
        auto id = "r" + std::to_string(++made), session = "s" + std::to_string(roll(4));
        auto policy = static_cast<session_policy>(roll(3));
        auto busy = std::any_of(m.runs.begin(), m.runs.end(), [&](auto& x) { return x.session == session && !x.ended; });
        auto answer = r.admit(request(id, session, policy), 0);
        if (answer.has_value() != (busy && policy == session_policy::reject)) CAF_FAIL("seed " << seed << ": admission");
        if (!answer) m.runs.push_back({id, session});
        return check("admit");
      }
      if (m.runs.empty()) return;
      auto& run = m.runs[roll(m.runs.size())];
      run_id id{run.id};
      if (run.where == state::creating) {
        if (roll(5) == 0) {
          r.not_created(id);
          m.erase(run.id);
          return check("refused");
        }
        r.created(id, 1);
        run.where = state::queued;
        return check("created");
      }
      if (run.where == state::lost) {
        r.forget(id);
        m.erase(run.id);
        return check("forgotten");
      }
      if (run.where == state::closed) {
        r.down(id, "");
        m.erase(run.id);
        return check("down");
      }
      switch (roll(7)) {
        case 5: return let_pass(run);
        case 6:
          if (run.aside) {
            r.ask_again(*r.find(id));
            run.aside = false;
            return check("ask again");
          }
          if (r.wait_elsewhere(*r.find(id)) != (run.where == state::running && m.has_turn(run) && !run.ended)) {
            CAF_FAIL("seed " << seed << ": who waits for another node");
          }
          if (run.where == state::running && m.has_turn(run) && !run.ended) {
            run.where = state::queued;
            run.aside = true;
          }
          return check("wait elsewhere");
        case 0:
          r.cancel_passed_on(*r.find(id), {.run = id});
          run.cancelled = true;
          return check("cancel");
        case 1:
          r.down(id, "dead");
          run.where = state::lost;
          return check("death");
        case 2:
          if (run.where == state::queued && !run.cancelled) return;  // it ends only when it was told to
          r.changed(id, run_status::cancelled);
          run.ended = true;
          return check("ending");
        default:
          if (!run.ended) return;
          r.closed(id, run_status::cancelled);
          run.where = state::closed;
          return check("closing");
      }
    };
    for (int i = 0; i < 200; ++i) act(true);
    for (int i = 0; i < 5000 && !m.runs.empty(); ++i) act(false);
    CAF_CHECK_EQUAL(m.runs.size(), 0u);
    CAF_CHECK_EQUAL(r.sessions(), 0u);
  }
}
