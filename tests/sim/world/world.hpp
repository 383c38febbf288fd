// One seed's world: a few nodes, runs, people and faults, from the first start to the last word, and what must hold of it.
// The seed draws everything: how many there are, which sorts of fault there are at all, when they come, whose message is
// handled next. After the last fault all is healed, time goes on until everything has come to rest, and the promises are
// checked. The same seed is the same world.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "clients.hpp"

namespace oncue::sim {

struct verdict {
  std::string broken;  ///< empty: every promise was kept
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  double virtual_seconds = 0;
  std::vector<told> story;
  std::string broken_run;
};

class world {
 public:
  world(std::uint64_t seed, coverage& seen);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  verdict play();

 private:
  // what there is
  void draw_catalog();
  void draw_nodes();
  void draw_runs();
  void draw_faults();

  void draw_aim();

  // what is aimed at a moment that chance alone would seldom hit
  void aim(const std::string& run, run_phase phase);
  void strike_aimed(const std::string& run);
  void happen(const std::string& event, const std::string& run);
  machine* node_of(const std::string& run, bool itself);

  // what goes wrong
  void strike(const std::string& kind);
  void strike_all(const std::string& kind);
  void strike_one(machine& node, const std::string& kind);
  void lose_actor(const std::string& run);
  void drain(machine& node);

  // what happens
  void at(std::int64_t ms, std::function<void()> what);
  void after(std::uint64_t from_ms, std::uint64_t to_ms, std::function<void()> what);
  void turn(std::int64_t until_ms);
  void run_until(std::int64_t ms);
  void boot(int node);
  void keep_reading(reading& who);
  void crash(machine& node, bool silently);
  void someone_decides(const run_id& run, const run_paused& pause);
  machine* any_node();
  std::string any_run();
  void cancel(const std::string& run);
  void cancel_at(machine& node, const std::string& run, bool gracefully);

  // what must hold
  void heal();
  bool is_at_rest();
  std::string why_not_at_rest();
  void read_all_again();
  void look_now();
  void look_back();
  void check_run(const std::string& id, const tracked_run& run);
  void check_answers(const std::string& id, const tracked_run& run);
  void check_family(const std::string& id, const tracked_run& run);
  void check_start(const operation& what);
  void check_cancel(const operation& what);
  void check_reader(const reading& who);
  void broken(const std::string& run, const char* promise, const std::string& what);
  bool was_asked_to_cancel(const std::string& id, const tracked_run& run);

  chance luck_;
  coverage& seen_;
  run_books books_;
  database db_;
  engine all_;
  provider models_;
  network net_;
  machine_plan plan_;
  clients clients_;
  std::vector<std::unique_ptr<machine>> nodes_;
  std::vector<std::string> runs_;
  std::multimap<std::int64_t, std::function<void()>> due_;
  cell aimed_;
  std::uint64_t aims_ = 0;  ///< so often it is tried
  std::uint64_t lag_ = 0;
  std::int64_t faults_end_ms_ = 0;
  bool healed_ = false;
};

}  // namespace oncue::sim
