// Nodes that write, pause, hand over and forget to renew, zombies that write on, cancellers and reapers, all at once on one
// database: at the end every run has one ending, every confirmed event stands, and every accepted cancel has won.
#define CAF_SUITE io.postgres_races

#include <algorithm>
#include <array>
#include <atomic>
#include <caf/test/unit_test.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "oncue/core/retry.hpp"
#include "support/cluster_store.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

using node = stored_cluster::node;
using steady = std::chrono::steady_clock;

constexpr std::int64_t racing_lease_ms = 150;
constexpr std::chrono::milliseconds race_time{2500};
constexpr incarnation_no nobody = 1'000'000;  // cancels need no node

struct confirmed {
  event_index index = 0;
  run_epoch epoch = 0;
  std::string text;
};

/// What all threads know.
class race {
 public:
  std::atomic<bool> is_over = false;

  void created(const run_id& run) {
    std::lock_guard lock{mutex_};
    runs_.push_back(run);
  }
  std::optional<run_id> some_run(std::uint64_t random) {
    std::lock_guard lock{mutex_};
    if (runs_.empty()) return std::nullopt;
    // Mostly one that is young: the old ones are over.
    auto back = std::min<std::uint64_t>(runs_.size(), 12);
    return runs_[runs_.size() - 1 - random % back];
  }
  void wrote(const run_id& run, confirmed what) {
    std::lock_guard lock{mutex_};
    confirmed_[run].push_back(std::move(what));
  }
  void accepted(const run_id& run) {
    std::lock_guard lock{mutex_};
    accepted_.insert(run);
  }
  void count(const std::string& what, std::size_t times = 1) {
    std::lock_guard lock{mutex_};
    counts_[what] += times;
  }
  void broken(const std::string& what) {
    std::lock_guard lock{mutex_};
    if (broken_.empty()) broken_ = what;
  }

  // After the threads.
  const std::vector<run_id>& runs() const { return runs_; }
  const std::set<run_id>& accepted() const { return accepted_; }
  std::vector<confirmed> of(const run_id& run) { return confirmed_[run]; }
  std::size_t times(const std::string& what) { return counts_[what]; }
  const std::string& first_broken() const { return broken_; }

 private:
  std::mutex mutex_;
  std::vector<run_id> runs_;
  std::set<run_id> accepted_;
  std::map<run_id, std::vector<confirmed>> confirmed_;
  std::map<std::string, std::size_t> counts_;
  std::string broken_;
};

class racer {
 public:
  racer(race& all, node own, std::string name, std::uint64_t seed)
      : all_{all}, own_{std::move(own)}, name_{std::move(name)}, random_{seed} {}

  void step() {
    if (below(6) == 0 && !forgets_) renew();
    if (below(120) == 0) forgets_ = true;
    // Long after it was given up it asks how it is, and begins anew.
    if (forgets_ && below(120) == 0) {
      forgets_ = false;
      renew();
    }
    switch (below(8)) {
      case 0: return create();
      case 1: return claim();
      case 2: return release();
      case 3: return reopen();
      case 4: return with_some_run([&](held& run) { return finish(run); });
      case 5: return with_some_run([&](held& run) { return below(2) ? pause(run) : say(run); });
      default: return with_some_run([&](held& run) { return say(run); });
    }
  }

  void leave() { own_.members->leave(own_.self); }

 private:
  struct held {
    run_id id;
    run_epoch epoch = 1;
    event_index next = 1;
    std::string text;
  };

  std::uint64_t below(std::uint64_t limit) { return core::next_random(random_) % limit; }

  template <class T>
  std::optional<T> got(io::store_result<T> result) {
    if (auto* problem = std::get_if<std::string>(&result)) {
      all_.broken(*problem);
      return std::nullopt;
    }
    return std::move(std::get<T>(result));
  }
  /// One write of its own; nothing if the answer is of another sort.
  template <class Reply>
  std::optional<Reply> put(io::store_write what) {
    auto answers = own_.runs->commit({&what, 1});
    if (answers.empty()) {
      all_.broken("the database could not be reached: " + own_.runs->problem());
      return std::nullopt;
    }
    if (auto* reply = std::get_if<Reply>(&answers[0])) return std::move(*reply);
    auto* refused = std::get_if<journal_refused>(&answers[0]);
    if (!refused) all_.broken("an answer of another sort");
    if (refused && !refused->fenced) all_.broken(refused->message);
    if (refused && refused->fenced) all_.count("fenced");
    return std::nullopt;
  }

  void renew() {
    auto lease = got(own_.members->renew(own_.self, {}));
    if (!lease) return;
    if (lease->alive) {
      for (const auto& cancel : lease->cancels) {
        auto run = std::find_if(held_.begin(), held_.end(), [&](const held& x) { return x.id == cancel.run; });
        if (run == held_.end()) continue;
        all_.count("told of a cancel");
        finish(*run);
        held_.erase(run);
      }
      return;
    }
    all_.count("given up");
    held_.clear();
    auto entered = got(own_.members->enter({.name = name_, .lease_ms = racing_lease_ms}));
    if (!entered) return;
    if (!entered->self) return all_.broken("the name of a dead node is taken");
    own_.self = entered->self;
    own_.runs->own_as(own_.self);
  }

  void create() {
    if (held_.size() >= 6) return;
    auto what = creation(name_ + "-" + std::to_string(++created_));
    what.request.session = {"s" + std::to_string(below(3))};
    what.unowned = below(3) == 0;
    if (below(2)) what.request.on_node_loss = loss_policy::restart;
    auto reply = put<create_reply>(what);
    if (!reply || reply->refused) return;
    all_.created(what.request.id);
    if (!what.unowned) held_.push_back({what.request.id, reply->epoch, 1, ""});
  }
  void claim() {
    auto claimed = got(own_.members->claim(own_.self, 2));
    if (!claimed) return;
    for (const auto& run : *claimed) {
      held_.push_back({run.request.id, run.epoch, run.events.size(), text_of(run.events)});
      all_.count(run.epoch > 2 ? "claimed again" : "claimed");
    }
  }
  void release() {
    std::vector<run_id> runs;
    for (const auto& run : held_) runs.push_back(run.id);
    auto released = got(own_.members->release(own_.self, runs));
    if (!released) return;
    for (const auto& id : *released) std::erase_if(held_, [&](const held& run) { return run.id == id; });
    all_.count("released", released->size());
  }
  void reopen() {
    auto id = all_.some_run(below(1000));
    if (!id) return;
    auto paused = got(own_.runs->reads().find(find_paused{*id}));
    if (!paused || !paused->summary || paused->summary->status != run_status::paused) return;
    auto next = paused->events.size();
    auto reply = put<reopen_reply>(reopen_run{*id, event_at(next, boxed<run_continued>{{{}, name_}})});
    if (!reply || reply->refused) return;
    all_.wrote(*id, {next, reply->epoch, ""});
    held_.push_back({*id, reply->epoch, next + 1, text_of(paused->events)});
    all_.count("reopened");
  }

  /// The run is let go if it says false.
  void with_some_run(const std::function<bool(held&)>& what) {
    if (held_.empty()) return;
    auto which = below(held_.size());
    if (!what(held_[which])) held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  bool append(held& run, event_body body, const std::string& text) {
    auto reply = put<appended>(append_events{run.id, run.next, {event_at(run.next, std::move(body))}, run.epoch});
    if (!reply) return false;
    // Otherwise it has ended meanwhile, and this was passed over.
    if (reply->next != run.next + 1) return false;
    all_.wrote(run.id, {run.next, run.epoch, text});
    ++run.next;
    run.text += text;
    return true;
  }
  bool say(held& run) {
    auto text = name_ + "." + std::to_string(++said_) + " ";
    if (below(3) == 0) return append(run, model_request_started{1}, "");
    return append(run, content_delta{text}, text);
  }
  bool pause(held& run) {
    if (append(run, run_paused{}, "")) all_.count("paused");
    return false;
  }
  bool finish(held& run) {
    auto reply = put<finished>(finish_run{run.id, run.next, {ended(run.next, run.text)}, run.epoch});
    if (reply) all_.count("finished");
    return false;
  }

  race& all_;
  node own_;
  std::string name_;
  std::uint64_t random_;
  std::vector<held> held_;
  std::size_t created_ = 0;
  std::size_t said_ = 0;
  bool forgets_ = false;
};

void cancel_some(race& all, io::run_store& store, std::uint64_t seed) {
  while (!all.is_over) {
    auto run = all.some_run(core::next_random(seed));
    // Slower than the runs come.
    if (!run || core::next_random(seed) % 8 != 0) {
      static_cast<void>(store.reads().list({1}));
      continue;
    }
    io::store_write what = record_cancel{{.run = *run, .reason = "enough"}, 3000};
    auto answers = store.commit({&what, 1});
    auto* reply = answers.empty() ? nullptr : std::get_if<record_cancel_reply>(&answers[0]);
    if (!reply) {
      all.broken("a cancel failed: " + store.problem());
    } else if (reply->accepted) {
      all.accepted(*run);
    } else if (!reply->ended) {
      all.broken("a cancel of a run that is there was neither accepted nor late");
    }
  }
}

void reap_all(race& all, io::member_store& members) {
  while (!all.is_over) {
    auto result = members.reap(4000);
    if (auto* problem = std::get_if<std::string>(&result)) return all.broken(*problem);
    const auto& reaped = std::get<io::reap_reply>(result);
    all.count("dead", reaped.dead.size());
    all.count("lost", reaped.ended.size());
    all.count("restarted", reaped.requeued.size());
  }
}

/// What became of the runs after all have gone.
std::string judge(race& all, const run_id& run, const std::vector<event_ptr>& log) {
  if (auto broken = whole_log(log); !broken.empty()) return broken;
  auto written = all.of(run);
  std::stable_sort(written.begin(), written.end(),
                   [](const confirmed& a, const confirmed& b) { return a.index < b.index; });
  run_epoch last = 0;
  for (const auto& [index, epoch, text] : written) {
    if (index + 1 >= log.size()) return "a confirmed event is not there, or behind the ending";
    if (epoch < last) return "an owner wrote behind a later one";
    last = epoch;
    const auto* delta = get_if<content_delta>(*log[index]);
    if ((delta ? delta->text : "") != text) return "what was confirmed is not what stands there";
  }
  auto how = get_if<run_ended>(*log.back())->how;
  if (all.accepted().contains(run) && how.kind != ending_kind::cancelled) return "a cancel that was accepted did not win";
  return {};
}

/// Makes so many actions, then does them all at the same time.
void at_once(std::size_t count, const std::function<std::function<void()>(std::size_t)>& make) {
  std::vector<std::function<void()>> actions;
  for (std::size_t i = 0; i < count; ++i) actions.push_back(make(i));
  std::atomic<bool> go = false;
  std::vector<std::thread> threads;
  for (auto& action : actions) {
    threads.emplace_back([&go, &action] {
      while (!go) std::this_thread::yield();
      action();
    });
  }
  go = true;
  for (auto& thread : threads) thread.join();
}

/// How many runs there are, if none is there twice; else 0.
template <class Lists>
std::size_t distinct(const Lists& lists) {
  std::set<run_id> all;
  std::size_t count = 0;
  for (const auto& list : lists) {
    all.insert(list.begin(), list.end());
    count += list.size();
  }
  return all.size() == count ? count : 0;
}

}  // namespace

CAF_TEST(two that reap at the same time end each run once) {
  stored_cluster cluster;
  auto a = cluster.enter("a");
  std::size_t runs = 150;
  for (std::size_t i = 0; i < runs; ++i) put(*a.runs, creation("r" + std::to_string(i)));
  a.members->leave(a.self);
  std::array<std::vector<run_id>, 3> ended;
  at_once(ended.size(), [&](std::size_t i) {
    std::shared_ptr<io::member_store> members{cluster.open_members()};
    return [&ended, i, members] {
      for (std::size_t idle = 0; idle < 3;) {
        auto reply = must(members->reap(5000));
        ended[i].insert(ended[i].end(), reply.ended.begin(), reply.ended.end());
        idle = reply.ended.empty() ? idle + 1 : 0;
      }
    };
  });
  CAF_CHECK_EQUAL(distinct(ended), runs);
  auto store = cluster.open_runs(nobody);
  for (std::size_t i = 0; i < runs; ++i) {
    CAF_CHECK_EQUAL(whole_log(read_all(store->reads(), "r" + std::to_string(i))), "");
  }
}

CAF_TEST(two that claim at the same time never get the same run) {
  stored_cluster cluster;
  auto a = cluster.enter("a");
  std::size_t runs = 150;
  for (std::size_t i = 0; i < runs; ++i) {
    auto what = creation("r" + std::to_string(i));
    what.unowned = true;
    put(*a.runs, what);
  }
  std::array<std::vector<run_id>, 3> got;
  std::array<std::size_t, 3> most{};
  at_once(got.size(), [&](std::size_t i) {
    auto claimer = std::make_shared<node>(cluster.enter("n" + std::to_string(i)));
    return [&got, &most, i, claimer] {
      for (;;) {
        auto claimed = must(claimer->members->claim(claimer->self, 4));
        if (claimed.empty()) return;
        most[i] = std::max(most[i], claimed.size());
        for (const auto& run : claimed) got[i].push_back(run.request.id);
      }
    };
  });
  CAF_CHECK_EQUAL(distinct(got), runs);
  CAF_CHECK_EQUAL(*std::max_element(most.begin(), most.end()), 4u);
}

CAF_TEST(a late renewal and a reap at the same time agree on who is dead) {
  stored_cluster cluster;
  auto b = cluster.enter("b");
  cluster.reap_dead(b, cluster.enter("late"));
  std::size_t alive = 0;
  for (int round = 0; round < 30; ++round) {
    auto a = cluster.enter("a");
    put(*a.runs, creation("r" + std::to_string(round)));
    cluster.make_late(a);
    bool renewed = false;
    std::vector<incarnation_no> dead;
    at_once(2, [&](std::size_t i) -> std::function<void()> {
      if (i == 0) return [&] { renewed = must(a.members->renew(a.self, {})).alive; };
      return [&] { dead = must(b.members->reap(5000)).dead; };
    });
    CAF_CHECK_EQUAL(renewed, dead.empty());
    CAF_CHECK_EQUAL(cluster.state_of(a), renewed ? "up" : "dead");
    CAF_CHECK_EQUAL(cluster.in_run("r" + std::to_string(round), "state"), renewed ? "queued" : "failed");
    alive += renewed;
    a.members->leave(a.self);
  }
  CAF_MESSAGE("alive: " << alive << " of 30");
}

CAF_TEST(a release and a cancel at the same time leave no run that nobody has and nobody ends) {
  stored_cluster cluster;
  auto a = cluster.enter("a");
  auto b = cluster.enter("b");
  std::size_t released = 0;
  for (int round = 0; round < 60; ++round) {
    run_id run{"r" + std::to_string(round)};
    put(*a.runs, creation(run.value));
    bool was_released = false;
    std::optional<record_cancel_reply> cancelled;
    at_once(2, [&](std::size_t i) -> std::function<void()> {
      if (i == 0) return [&] { was_released = !must(a.members->release(a.self, {run})).empty(); };
      return [&] { cancelled = put<record_cancel_reply>(*b.runs, record_cancel{{.run = run}, 3000}); };
    });
    CAF_CHECK_EQUAL(cancelled->ended.has_value(), was_released);
    CAF_CHECK_EQUAL(cancelled->accepted, !was_released);
    CAF_CHECK_EQUAL(cluster.in_run(run.value, "state"), was_released ? "cancelled" : "queued");
    CAF_CHECK(must(b.members->claim(b.self, 9)).empty());
    released += was_released;
  }
  CAF_MESSAGE("released: " << released << " of 60");
}

CAF_TEST(whatever nodes zombies cancellers and reapers do at once every run ends once as it should) {
  stored_cluster cluster;
  race all;
  std::vector<std::unique_ptr<racer>> racers;
  for (std::uint64_t i = 0; i < 4; ++i) {
    auto name = "n" + std::to_string(i);
    racers.push_back(std::make_unique<racer>(all, cluster.enter(name, racing_lease_ms), name, 100 + i));
  }
  std::vector<std::unique_ptr<io::run_store>> cancelling;
  std::vector<std::unique_ptr<io::member_store>> reaping;
  for (int i = 0; i < 2; ++i) {
    cancelling.push_back(cluster.open_runs(nobody));
    reaping.push_back(cluster.open_members());
  }
  std::vector<std::thread> threads;
  for (auto& each : racers) {
    threads.emplace_back([&all, &each] {
      while (!all.is_over) each->step();
    });
  }
  for (std::uint64_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] { cancel_some(all, *cancelling[i], 200 + i); });
    threads.emplace_back([&, i] { reap_all(all, *reaping[i]); });
  }
  auto until = steady::now() + race_time;
  while (steady::now() < until && all.first_broken().empty()) cluster.ask("SELECT pg_sleep(0.02)");
  all.is_over = true;
  for (auto& thread : threads) thread.join();
  CAF_REQUIRE_EQUAL(all.first_broken(), "");

  // All leave, and what was put back into the queue is taken by one last node that leaves, too.
  for (auto& each : racers) each->leave();
  auto last = cluster.enter("last", racing_lease_ms);
  for (std::size_t left = 1; left > 0;) {
    left = must(reaping[0]->reap(4000)).ended.size() + must(last.members->claim(last.self, 64)).size();
  }
  last.members->leave(last.self);
  while (!must(reaping[0]->reap(4000)).ended.empty()) {
  }
  while (!must(last.members->claim(last.self, 64)).empty()) {
  }
  for (const auto& run : all.runs()) put(*cancelling[0], record_cancel{{.run = run}, 5000});

  for (const auto& run : all.runs()) {
    auto broken = judge(all, run, read_all(cancelling[0]->reads(), run.value, 0, 100));
    if (!broken.empty()) CAF_FAIL(run.value << ": " << broken);
  }
  CAF_CHECK_EQUAL(cluster.ask("SELECT count(*) FROM runs WHERE stage=0"), "0");
  CAF_CHECK_EQUAL(cluster.ask("SELECT count(*) FROM runs"), std::to_string(all.runs().size()));
  for (auto what : {"claimed", "released", "paused", "reopened", "finished", "told of a cancel", "fenced", "given up",
                    "dead", "lost", "restarted"}) {
    CAF_MESSAGE(what << ": " << all.times(what));
    CAF_CHECK(all.times(what) > 0);
  }
  CAF_MESSAGE("runs: " << all.runs().size() << ", accepted cancels: " << all.accepted().size());
  CAF_CHECK(!all.accepted().empty());
}
