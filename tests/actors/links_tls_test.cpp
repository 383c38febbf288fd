// Links with certificates: who has the right one is linked, and everybody else is told why not.
#define CAF_SUITE actors.links_tls

#include <caf/test/unit_test.hpp>

#include "oncue/io/link_probe.hpp"
#include "oncue/io/world.hpp"
#include "support/certificates.hpp"
#include "support/link_node.hpp"

using namespace oncue;
using namespace oncue::test;

namespace {

link_node_options with(core::cluster_settings links) {
  link_node_options options;
  options.links = std::move(links);
  options.scripted = {.first_token_delay = 0ms, .token_delay = 1ms, .tokens = 300};
  return options;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

std::string why_not(const core::cluster_settings& settings) {
  caf::actor_system_config config;
  return actors::configure_links(config, settings);
}

}  // namespace

CAF_TEST(nodes of one authority are linked) {
  certificates made;
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, with(made.node("a"))};
  link_node b{disk, 2, with(made.node("b"))};
  acquaint({&a, &b});
  CAF_REQUIRE(a.link_is(2, link_state::up) && b.link_is(1, link_state::up));
  a.start("r");
  auto seen = b.watch("r");
  CAF_REQUIRE(seen->reaches(20));
  CAF_CHECK_EQUAL(to_string(b.cancel("r").outcome), "cancelled");
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
}

CAF_TEST(a node of another authority is refused with a reason and the others go on) {
  certificates made;
  made.make_authority("foreign");
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1, with(made.node("a"))};
  link_node b{disk, 2, with(made.node("b"))};
  link_node stranger{disk, 3, with(made.node("stranger", "foreign"))};
  // This one believes them, and they do not believe it.
  auto believing = made.node("believing", "foreign");
  believing.ca_file = made.both("foreign", "ca");
  link_node friendly{disk, 4, with(believing)};
  // This one has none at all.
  link_node plain{disk, 5};
  acquaint({&a, &b, &stranger, &friendly, &plain});
  CAF_REQUIRE(b.link_is(1, link_state::up));
  for (auto* node : {&stranger, &friendly, &plain}) CAF_CHECK(node->link_is(1, link_state::down));
  CAF_MESSAGE(stranger.line_of(1).link_problem);
  CAF_MESSAGE(friendly.line_of(1).link_problem);
  CAF_MESSAGE(plain.line_of(1).link_problem);
  CAF_CHECK(contains(stranger.line_of(1).link_problem, " shows a certificate that is not taken: "));
  CAF_CHECK(contains(friendly.line_of(1).link_problem, " refuses this node's certificate: "));
  CAF_CHECK(contains(plain.line_of(1).link_problem, a.address()));
  a.start("r");
  auto seen = b.watch("r");
  CAF_REQUIRE(seen->ends());
  CAF_CHECK_EQUAL(whole_log(seen->now().events), "");
  CAF_CHECK(b.line_of(1).link == link_state::up);
  CAF_CHECK(a.line_of(3).link != link_state::up);
  CAF_CHECK(a.line_of(4).link != link_state::up);
  CAF_CHECK(a.line_of(5).link != link_state::up);
}

CAF_TEST(a certificate that has expired since is refused with a reason) {
  certificates made;
  auto a = made.node("a");
  auto disk = std::make_shared<shared_disk>();
  link_node server{disk, 1, with(a)};
  auto late = made.node("late", "ca", -1);
  io::link_files files{late.ca_file, late.cert_file, late.key_file};
  auto problem = io::probe_link(*io::parse_link_address(server.address()), &files, 5000ms);
  CAF_CHECK_EQUAL(problem, server.address() + " refuses this node's certificate: sslv3 alert certificate expired");
}

CAF_TEST(files that cannot be used are named before anything listens) {
  certificates made;
  made.make_authority("foreign");
  auto right = made.node("right");
  CAF_CHECK_EQUAL(why_not(right), "");
  auto missing = right;
  missing.key_file = made.file("nothing.key");
  CAF_CHECK_EQUAL(why_not(missing), "the key " + missing.key_file + " cannot be read: No such file or directory");
  auto expired = made.node("expired", "ca", -1);
  CAF_CHECK(why_not(expired).starts_with("the certificate " + expired.cert_file + " expired on 20"));
  auto crossed = right;
  crossed.key_file = made.node("other").key_file;
  CAF_CHECK_EQUAL(why_not(crossed),
                  "the key " + crossed.key_file + " does not belong to the certificate " + crossed.cert_file);
  auto foreign = right;
  foreign.ca_file = made.file("foreign.crt");
  CAF_CHECK_EQUAL(why_not(foreign), "the certificate " + foreign.cert_file + " is not of the authority in " +
                                        foreign.ca_file + ": unable to get local issuer certificate");
  auto swapped = right;
  std::swap(swapped.cert_file, swapped.key_file);
  CAF_CHECK(why_not(swapped).starts_with("the certificate " + swapped.cert_file + " is none: PEM was expected"));
  auto half = right;
  half.key_file.clear();
  CAF_CHECK_EQUAL(why_not(half), "cluster: ca_file, cert_file and key_file belong together: give all three, or none");
  core::cluster_settings open;
  open.link_host = "0.0.0.0";
  CAF_CHECK(contains(why_not(open), "link_advertised must say"));
  open.link_advertised = "here";
  CAF_CHECK(contains(why_not(open), "need certificates"));
  open.plain_links = true;
  CAF_CHECK_EQUAL(why_not(open), "");
}

CAF_TEST(an address that cannot be listened on is named) {
  auto disk = std::make_shared<shared_disk>();
  link_node a{disk, 1};
  link_node_options same;
  same.links.link_port = io::parse_link_address(a.address())->port;
  std::string problem;
  try {
    link_node b{disk, 2, same};
  } catch (const std::runtime_error& error) {
    problem = error.what();
  }
  CAF_CHECK_EQUAL(problem, "links cannot be taken at " + a.address() + ": Address already in use");
}

CAF_TEST(an address is a host and a port) {
  auto read = [](std::string_view text) {
    auto where = io::parse_link_address(text);
    return where ? where->host + " " + std::to_string(where->port) : "none";
  };
  CAF_CHECK_EQUAL(read("a.b:80"), "a.b 80");
  CAF_CHECK_EQUAL(read("[::1]:80"), "::1 80");
  for (const auto* wrong : {"", "a", "a:", ":80", "a:0", "a:65536", "a:8o", "::1:80", "[]:80", "[::1:80", "a:-1"}) {
    CAF_CHECK_EQUAL(read(wrong), "none");
  }
}
