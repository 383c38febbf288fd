// One simulated node: the real actors of one, over the simulated database and network. Starts, dies, starts again as a new
// incarnation; whatever a dead life still says reaches nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "database.hpp"
#include "engine.hpp"
#include "network.hpp"
#include "oncue/actors/node_env.hpp"
#include "provider.hpp"

namespace oncue::sim {

/// What all nodes have in common, drawn once a seed.
struct machine_plan {
  std::shared_ptr<const core::catalog> catalog;
  core::roster_limits limits;
  milliseconds lease{2000};
};

class machine {
 public:
  machine(int index, chance& luck, engine& all, database& db, network& net, provider& models, const machine_plan& plan);

  /// Enters the cluster if its name is free by now. False: try again later.
  bool start();
  void crash(bool silently);
  bool is_up() const { return life_ != 0; }
  /// No handle is held any more: before the actors go.
  void forget_all() {
    supervisor_ = nullptr;
    membership_ = nullptr;
  }

  int index() const { return index_; }
  int life() const { return life_; }
  incarnation_no incarnation() const { return entered_.self; }
  const supervisor_actor& supervisor() const { return supervisor_; }
  const membership_actor& membership() const { return membership_; }
  database_line& line() { return *line_; }
  std::int64_t unix_ms() const { return 1'700'000'000'000 + luck_.now_ms() + skew_ms_; }

 private:
  void spawn_all(std::int64_t asked_at_us);

  int index_;
  chance& luck_;
  engine& all_;
  database& db_;
  network& net_;
  provider& models_;
  const machine_plan& plan_;
  std::int64_t skew_ms_ = 0;
  int life_ = 0;
  int lives_ = 0;
  std::shared_ptr<database_line> line_;
  enter_reply entered_;
  supervisor_actor supervisor_;
  membership_actor membership_;
};

}  // namespace oncue::sim
