// Prepares CAF's network for links and publishes the door.
#include <caf/io/middleman.hpp>
#include <caf/io/publish.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/openssl/publish.hpp>

#include "neighbours.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/io/link_probe.hpp"
#include "oncue/io/log.hpp"
#include "oncue/io/world.hpp"

namespace oncue::actors {

namespace {

bool takes_links(const core::cluster_settings& settings) { return !settings.link_host.empty(); }

/// Listens on all addresses, none of which it knows.
bool is_any(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

/// Links can be had at all: this node may still only connect, and take none.
std::string check(const core::cluster_settings& settings) {
  if (is_any(settings.link_host) && settings.link_advertised.empty()) {
    return "cluster: link_advertised must say how other nodes reach this one, because link_host is " + settings.link_host;
  }
  auto files = !settings.ca_file.empty() + !settings.cert_file.empty() + !settings.key_file.empty();
  if (files == 3) {
    return io::why_not_use({settings.ca_file, settings.cert_file, settings.key_file}, io::unix_ms() / 1000);
  }
  if (files != 0) return "cluster: ca_file, cert_file and key_file belong together: give all three, or none";
  if (takes_links(settings) && !core::is_loopback(settings.link_host) && !settings.plain_links) {
    return "cluster: links at " + settings.link_host +
           " need certificates (ca_file, cert_file, key_file); plain_links = true takes them without, from everybody";
  }
  return {};
}

std::string with_port(const std::string& host, std::uint16_t port) {
  auto is_v6 = host.find(':') != host.npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

/// How others reach it: as was set, or as it listens.
std::string advertised(const core::cluster_settings& settings, std::uint16_t port) {
  if (settings.link_advertised.empty()) return with_port(settings.link_host, port);
  if (io::parse_link_address(settings.link_advertised)) return settings.link_advertised;
  return with_port(settings.link_advertised, port);
}

}  // namespace

std::string configure_links(caf::actor_system_config& config, const core::cluster_settings& settings) {
  if (auto problem = check(settings); !problem.empty()) return problem;
  static const bool known = [] {
    init_messages();
    caf::io::middleman::init_global_meta_objects();
    caf::openssl::manager::init_global_meta_objects();
    return true;
  }();
  (void)known;
  config.load<caf::io::middleman>();
  config.set("caf.middleman.heartbeat-interval", caf::timespan{core::limits::link_heartbeat});
  config.set("caf.middleman.connection-timeout", caf::timespan{core::limits::link_silence_max});
  config.set("caf.middleman.enable-automatic-connections", false);
  if (settings.ca_file.empty()) return {};
  config.load<caf::openssl::manager>();
  config.openssl_cafile = settings.ca_file;
  config.openssl_certificate = settings.cert_file;
  config.openssl_key = settings.key_file;
  return {};
}

std::variant<node_links, std::string> open_links(caf::actor_system& system, std::shared_ptr<const node_env> env,
                                                 const links_setup& setup, supervisor_actor supervisor) {
  const auto& settings = setup.settings;
  auto links = system.spawn<links_actor::stateful_impl<neighbours_state>>(std::move(env), setup, std::move(supervisor));
  auto door = spawn_door(system, links);
  caf::anon_send(links, link_dialled{0, door, {}});
  node_links result{caf::actor_cast<neighbours_actor>(links), {}};
  if (!takes_links(settings)) return result;

  auto give_up = [&](std::string why) {
    caf::anon_send_exit(links, caf::exit_reason::user_shutdown);
    return why;
  };
  auto problem = io::why_not_listen({settings.link_host, settings.link_port});
  if (!problem.empty()) return give_up(std::move(problem));
  auto plain = settings.ca_file.empty();
  if (plain && !core::is_loopback(settings.link_host)) {
    io::log(io::log_level::warning, "links_without_certificates",
            {{"host", settings.link_host}, {"problem", "whoever reaches this address can read and cancel every run"}});
  }
  const auto* host = settings.link_host.c_str();
  auto port = plain ? caf::io::publish(door, settings.link_port, host, true)
                    : caf::openssl::publish(door, settings.link_port, host, true);
  if (!port) {
    return give_up("links cannot be taken at " + with_port(settings.link_host, settings.link_port) + ": " +
                   to_string(port.error()));
  }
  result.address = advertised(settings, *port);
  return result;
}

void introduce(const neighbours_actor& neighbours, membership_actor membership) {
  caf::anon_send(caf::actor_cast<links_actor>(neighbours), join_cluster{neighbours, std::move(membership)});
}

}  // namespace oncue::actors
