// Runs the actors of a world one message at a time: chance says whose turn it is, among all that are not paused, and how
// much virtual time goes by. Knows of each actor to which life of which node it belongs (whoever spawns it hands that on),
// so that a node can be paused as a whole, or killed. Actors are told apart by their number in this world.
#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "chance.hpp"

namespace oncue::sim {

/// Whoever belongs to no node: clients, the network.
inline constexpr int outside = 0;

class engine {
 public:
  explicit engine(chance& luck);
  ~engine() { stop(); }
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  caf::actor_system& system() { return system_; }
  caf::scheduler::test_coordinator& jobs() { return static_cast<caf::scheduler::test_coordinator&>(system_.scheduler()); }

  int new_life(std::string name);
  /// What is spawned by `make` belongs to this life.
  template <class Make>
  auto inside(int life, Make make) {
    auto before = here_;
    here_ = life;
    struct back {
      engine& whole;
      int before;
      ~back() {
        whole.meet_new();
        whole.here_ = before;
      }
    } later{*this, before};
    return make();
  }
  int here() const { return here_; }

  void pause(int life, std::int64_t until_us) {
    lives_[life].paused_until_us = until_us;
    lives_[life].was_paused = true;
  }
  /// Only those of this name: a thread that has to wait for its disk or its database.
  void pause_actors(int life, const std::string& name, std::int64_t until_us);
  /// Times of this life say nothing about its promises.
  bool was_paused(int life) const { return lives_[life].was_paused; }
  void wake_all();
  bool is_paused(int life) const { return lives_[life].paused_until_us > luck_.now_us(); }
  /// All actors of this life are killed, also those that it spawns while it dies.
  void kill(int life);
  /// False: it is not an actor of that name, or gone already.
  bool kill_one(const caf::strong_actor_ptr& actor, const std::string& name);
  bool is_dead(int life) const { return lives_[life].dead; }
  const std::string& name_of(int life) const { return lives_[life].name; }

  bool has_turn();
  /// One message of one actor. False: nobody has anything to do.
  bool step();
  /// Time goes on to the next time-out, or to `at_most`.
  void sleep(std::int64_t at_most_us);
  void advance(std::int64_t by_us);
  std::uint64_t steps() const { return steps_; }
  /// Everybody is killed. Before whatever the actors refer to goes.
  void stop();

  /// Actors of this name that live on lives that do.
  std::size_t living(const std::string& name);

 private:
  struct one_life {
    std::string name;
    bool dead = false;
    bool was_paused = false;
    std::int64_t paused_until_us = 0;
  };
  struct member {
    int life = outside;
    std::int64_t paused_until_us = 0;
    caf::weak_actor_ptr actor;
  };

  static caf::actor_system_config& configure(caf::actor_system_config& config);
  void meet_new();
  std::size_t number_of(caf::resumable* job) const;
  bool may_run(caf::resumable* job) const;

  chance& luck_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  caf::actor_id first_ = 0;
  std::vector<one_life> lives_;
  std::vector<member> members_;
  int here_ = outside;
  std::uint64_t steps_ = 0;
};

}  // namespace oncue::sim
