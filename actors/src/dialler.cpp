// Connects to another node once, and tells the links what came of it. CAF's own connecting blocks all of its network
// for as long as the system tries: so it is tried here first, for a short time.
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "link_actors.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/io/link_probe.hpp"

namespace oncue::actors {

namespace {

dialler_actor::behavior_type dialler(dialler_actor::pointer self, const links_actor& links, bool with_certificates) {
  return {[=](const dial_link& where) {
    auto tell = [=](door_actor door, std::string problem) {
      self->send(links, link_dialled{where.node, std::move(door), std::move(problem)});
      self->quit();
    };
    auto target = io::parse_link_address(where.address);
    if (!target) {
      tell({}, "'" + where.address + "' is no address: host:port was expected");
      return;
    }
    auto& config = self->system().config();
    io::link_files files{config.openssl_cafile, config.openssl_certificate, config.openssl_key};
    auto problem = io::probe_link(*target, with_certificates ? &files : nullptr, core::limits::link_connect_max);
    if (!problem.empty()) {
      tell({}, std::move(problem));
      return;
    }
    const auto& network =
        with_certificates ? self->system().openssl_manager().actor_handle() : self->system().middleman().actor_handle();
    self->request(network, core::limits::link_connect_max, caf::connect_atom_v, target->host, target->port)
        .then(
            [=](const caf::node_id&, const caf::strong_actor_ptr& door, const std::set<std::string>& takes) {
              if (!door || !self->system().assignable(takes, self->system().message_types<door_actor>())) {
                tell({}, where.address + " answers, but is no node's door");
              } else {
                tell(caf::actor_cast<door_actor>(door), {});
              }
            },
            [=](const caf::error& error) {
              tell({}, where.address + " took the connection and said nothing sensible: " + to_string(error));
            });
  }};
}

}  // namespace

void dial(caf::actor_system& system, links_actor links, dial_link where, bool with_certificates) {
  auto actor = system.spawn<caf::detached>(dialler, std::move(links), with_certificates);
  caf::anon_send(actor, std::move(where));
}

}  // namespace oncue::actors
