// The neighbours of a node, see oncue/actors/neighbours.hpp: one link_peer for each other node, the stand-ins of runs that
// are read from elsewhere, the readers that others have here, and the cancels under way. Decides nothing itself that a link
// or a reader decides; looks at the words of frames, never at their events.
#pragma once

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "link_actors.hpp"
#include "oncue/actors/neighbours.hpp"
#include "oncue/core/link_peer.hpp"
#include "oncue/core/link_questions.hpp"

namespace oncue::actors {

class neighbours_state {
 public:
  static constexpr const char* name = "neighbours";

  neighbours_state(links_actor::pointer self, std::shared_ptr<const node_env> env, links_setup setup,
                   supervisor_actor supervisor);
  ~neighbours_state();
  links_actor::behavior_type make_behavior();

 private:
  using time_us = core::link_peer::time_us;

  struct peer {
    node_record node;
    core::link_peer link;
    bool connects = false;                                     // this node connects to it
    door_actor door;                                           // null: there is no connection
    std::map<core::link_reader, remote_reader_actor> readers;  // of that node, here
  };
  /// A greeting of a node that nobody has told of yet.
  struct early_hello {
    core::link::hello hello;
    door_actor from;
  };
  struct cancelling {
    run_id run;
    caf::typed_response_promise<cancel_reply> promise;
  };
  struct stand_in {
    std::uint64_t number = 0;
    remote_run_actor actor;
  };

  // who is there
  void know(nodes_known& told);
  void forget(incarnation_no node);
  void step(incarnation_no node, core::link_input input);
  void changed(incarnation_no node, peer& who, core::link_effect::changed how);
  void connected(link_dialled& what);
  void end_readers(peer& who);
  void use_door(peer& who, door_actor door);
  void tick();
  node_list list() const;

  // what comes over links
  void take(link_frame& frame);
  void take_piece(incarnation_no node, link_frame& frame);
  void take_word(incarnation_no node, core::link_word& word, link_frame& frame);
  void greeted(const core::link::hello& hello, const door_actor& from);
  void pulled(incarnation_no node, const core::link::pull& pull);
  void hand_on(std::uint64_t number, link_frame& frame);
  void cancel_for(incarnation_no node, core::link::cancel& cancel);

  // what goes over links
  void send(const peer& who, std::string frame);
  void say(incarnation_no node, const core::link_word& word);
  void send_out(frames_out& what);
  caf::result<cancel_reply> cancel(cancel_request& request);
  caf::result<subscribe_reply> subscribe(subscribe_run& what);
  void subscribe(const run_id& run, const run_owner& found, caf::typed_response_promise<subscribe_reply> promise);

  void on_down(const caf::down_msg& down);
  bool with_certificates() const { return !setup_.settings.ca_file.empty(); }
  time_us now() const { return to_steady_us(self_->clock().now()); }

  links_actor::pointer self_;
  std::shared_ptr<const node_env> env_;
  links_setup setup_;
  supervisor_actor supervisor_;
  membership_actor membership_;  // null: not introduced yet
  door_actor door_;              // ours
  nodes_known known_;
  std::map<incarnation_no, peer> peers_;
  std::unordered_map<caf::actor_addr, incarnation_no> by_door_;  // links that are up
  std::map<incarnation_no, early_hello> early_;                  // until the membership has spoken again
  std::unordered_map<run_id, stand_in> remote_runs_;
  std::unordered_map<std::uint64_t, run_id> by_number_;  // of stand-ins
  std::unordered_map<caf::actor_id, run_id> by_stand_in_;
  std::uint64_t last_stand_in_ = 0;
  std::size_t readers_ = 0;
  core::link_questions<cancelling> cancels_;
};

}  // namespace oncue::actors
