// What is said of a node among many: [store] with a URL, [cluster], and the options of the command line.
#define CAF_SUITE core.config_cluster

#include <caf/test/unit_test.hpp>
#include <utility>
#include <vector>

#include "oncue/core/cluster_options.hpp"
#include "oncue/core/config.hpp"

using namespace oncue::core;
using namespace std::chrono_literals;

namespace {

config decoded(std::string_view text) {
  auto result = decode_config(text, "oncue.toml");
  if (const auto* error = std::get_if<config_error>(&result)) {
    CAF_FAIL(to_string(*error));
    return {};
  }
  return std::get<config>(result);
}

std::string error_of(std::string_view text) {
  auto result = decode_config(text, "oncue.toml");
  const auto* error = std::get_if<config_error>(&result);
  return error ? to_string(*error) : "no error";
}

const std::string beyond =
    " without them: whoever reached it could read and cancel every run. Give the CA, the certificate and the key, or allow "
    "plain links";
const std::string together = "expected the cluster's CA, this node's certificate and its key together: this one is missing";
const std::string node_name = "expected 1 to 64 characters of A-Z a-z 0-9 . _ : -, got ";
const std::string advertised =
    "expected a host's name or address, with or without a port, such as \"node1.example.com:7800\", got ";
const std::string address = "expected an address and a port, such as \"127.0.0.1:7800\" or \"[::1]:7800\", got ";

}  // namespace

CAF_TEST(a node without settings is not one of many and takes links from its own machine only) {
  const auto result = decoded("");
  CAF_CHECK_EQUAL(result.store.url, "");
  CAF_CHECK_EQUAL(result.store.url_env, "");
  CAF_CHECK(result.cluster == cluster_settings{});
  CAF_CHECK(result.cluster.lease == 10s);
  CAF_CHECK_EQUAL(result.cluster.link_host, "127.0.0.1");
  CAF_CHECK_EQUAL(shown_links(result.cluster), "127.0.0.1, plain");
}

CAF_TEST(every setting of a node among many is taken) {
  const auto result = decoded(R"(
[store]
url_env = "DB_URL"
retention = "none"
[cluster]
name = "node-1"
advertised_url = "https://n1.example.com"
lease = "1s"
link_host = "[::]"
link_port = 7800
link_advertised = "n1.example.com:7801"
ca_file = "ca.pem"
cert_file = "n1.pem"
key_file = "n1.key"
plain_links = false
restarts_max = 0
)");
  CAF_CHECK_EQUAL(result.store.url_env, "DB_URL");
  const cluster_settings expected{.node_name = "node-1",
                                  .advertised_url = "https://n1.example.com",
                                  .lease = 1s,
                                  .link_host = "::",
                                  .link_port = 7800,
                                  .link_advertised = "n1.example.com:7801",
                                  .ca_file = "ca.pem",
                                  .cert_file = "n1.pem",
                                  .key_file = "n1.key",
                                  .plain_links = false,
                                  .restarts_max = 0};
  CAF_CHECK(result.cluster == expected);
  CAF_CHECK_EQUAL(shown_links(result.cluster), "[::]:7800, with certificates");
  CAF_CHECK_EQUAL(decoded("[store]\nurl = \"postgres://u:p@h/db\"").store.url, "postgres://u:p@h/db");
  CAF_CHECK_EQUAL(decoded("[cluster]\nlink_host = \"10.0.0.1\"\nplain_links = true").cluster.link_host, "10.0.0.1");
  CAF_CHECK_EQUAL(shown_links(decoded("[cluster]\nlink_host = \"\"").cluster), "none");
  cluster_settings open;
  set_port(open, "no port");
  CAF_CHECK_EQUAL(open.link_port, 0);
  set_port(open, "n1.example.com:7801");
  CAF_CHECK_EQUAL(shown_links(open), "127.0.0.1:7801, plain");
  set_port(open, "n1.example.com:7802");
  CAF_CHECK_EQUAL(open.link_port, 7801);
}

CAF_TEST(a wrong setting of a node among many is refused with its place and no password) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"[store]\npath = \"a\"\nurl = \"postgresql://u:hunter2@h\"",
       "3:7: store.url: expected only one place for the store, but store.path is there too"},
      {"[store]\nurl = \"postgresql://u:hunter2@h\"\nurl_env = \"X\"",
       "2:7: store.url: expected only one place for the store, but store.url_env is there too"},
      {"[store]\npath = \"a\"\nurl_env = \"X\"",
       "3:11: store.url_env: expected only one place for the store, but store.path is there too"},
      {"[store]\nurl = \"\"", "2:7: store.url: expected a URL that starts with postgresql:// or postgres://"},
      {"[store]\nurl = \"mysql://u:hunter2@h\"",
       "2:7: store.url: expected a URL that starts with postgresql:// or postgres://, got one that starts with "
       "\"mysql://\""},
      {"[store]\nurl_env = \"postgresql://u:hunter2@h\"",
       "2:11: store.url_env: expected the name of an environment variable (letters, digits and _), not the key itself"},
      {"[cluster]\nnode = \"a\"",
       "2:1: cluster.node: unknown key; did you mean \"name\"? Known keys: name, advertised_url, lease, link_host, "
       "link_port, "
       "link_advertised, ca_file, cert_file, key_file, plain_links, restarts_max"},
      {"[cluster]\nname = \"\"", "2:8: cluster.name: " + node_name + "\"\""},
      {"[cluster]\nname = \"a b\"", "2:8: cluster.name: " + node_name + "\"a b\""},
      {"[cluster]\nname = \"" + std::string(65, 'x') + "\"",
       "2:8: cluster.name: " + node_name + "\"" + std::string(60, 'x') + "…\""},
      {"[cluster]\nadvertised_url = \"n1:7777\"",
       "2:18: cluster.advertised_url: expected a URL that starts with http:// or https://, got \"n1:7777\""},
      {"[cluster]\nlease = \"900ms\"", "2:9: cluster.lease: expected at least 1 s, got \"900ms\""},
      {"[cluster]\nlease = \"1h\"", "2:9: cluster.lease: \"1h\" is too long: at most 5 min"},
      {"[cluster]\nlease = 10", "2:9: cluster.lease: expected a duration such as \"8s\", got 10"},
      {"[cluster]\nlink_host = \"h:1\"",
       "2:13: cluster.link_host: expected a host's name or address without a port, got \"h:1\""},
      {"[cluster]\nlink_host = \"10.0.0.1\"",
       "2:13: cluster.link_host: expected certificates for links beyond this machine, got \"10.0.0.1\"" + beyond},
      {"[cluster]\nlink_host = \"0.0.0.0\"\nplain_links = true",
       "1:1: cluster.link_advertised: expected the name or address by which other nodes reach this one, because "
       "\"0.0.0.0\" is every address"},
      {"[cluster]\nlink_port = 70000", "2:13: cluster.link_port: expected a whole number from 0 to 65535, got 70000"},
      {"[cluster]\nlink_advertised = \"h:x\"", "2:19: cluster.link_advertised: " + advertised + "\"h:x\""},
      {"[cluster]\nlink_advertised = \"\"", "2:19: cluster.link_advertised: " + advertised + "\"\""},
      {"[cluster]\nca_file = \"\"", "2:11: cluster.ca_file: expected a text that is not empty"},
      {"[cluster]\nca_file = \"a\"", "1:1: cluster.cert_file: " + together},
      {"[cluster]\nca_file = \"a\"\ncert_file = \"b\"", "1:1: cluster.key_file: " + together},
      {"[cluster]\nkey_file = \"a\"", "1:1: cluster.ca_file: " + together},
      {"[cluster]\nplain_links = 1", "2:15: cluster.plain_links: expected true or false, got 1"},
      {"[cluster]\nrestarts_max = 101", "2:16: cluster.restarts_max: expected a whole number from 0 to 100, got 101"},
  };
  for (const auto& [text, expected] : table) {
    const auto error = error_of(text);
    CAF_CHECK_EQUAL(error, "oncue.toml:" + expected);
    CAF_CHECK(error.find("hunter") == std::string::npos);
  }
}

CAF_TEST(options are laid over the file and a wrong one changes nothing) {
  cluster_settings file{.node_name = "from-file", .lease = 5s};
  auto target = file;
  CAF_CHECK(!apply_cluster_options(target, {}));
  CAF_CHECK(target == file);
  CAF_CHECK_EQUAL(cluster_options{}.first_given(), "");

  cluster_options all{.node_name = "n1",
                      .lease = "1500ms",
                      .link = "[::1]:7800",
                      .link_advertised = "n1",
                      .ca_file = "ca",
                      .cert_file = "c",
                      .key_file = "k",
                      .advertised_url = "http://n1:7777",
                      .plain_links = true};
  CAF_CHECK_EQUAL(all.first_given(), "--node-name");
  CAF_CHECK(!apply_cluster_options(target, all));
  const cluster_settings expected{.node_name = "n1",
                                  .advertised_url = "http://n1:7777",
                                  .lease = 1500ms,
                                  .link_host = "::1",
                                  .link_port = 7800,
                                  .link_advertised = "n1",
                                  .ca_file = "ca",
                                  .cert_file = "c",
                                  .key_file = "k",
                                  .plain_links = true};
  CAF_CHECK(target == expected);
  CAF_CHECK(!apply_cluster_options(target, {.link = "none"}));
  CAF_CHECK_EQUAL(target.link_host, "");

  const std::vector<std::pair<cluster_options, std::string>> table = {
      {{.node_name = "a b"}, "--node-name: " + node_name + "\"a b\""},
      {{.lease = "10"}, "--lease: \"10\" has no unit: write \"10s\" for seconds or \"10ms\" for milliseconds"},
      {{.lease = "1ms"}, "--lease: expected at least 1 s, got \"1ms\""},
      {{.link = "10.0.0.1"}, "--link: " + address + "\"10.0.0.1\""},
      {{.link = ":7800"}, "--link: " + address + "\":7800\""},
      {{.link = "::1:7800"}, "--link: " + address + "\"::1:7800\""},
      {{.link = "h:70000"}, "--link: " + address + "\"h:70000\""},
      {{.link = "10.0.0.1:1"}, "--link: expected certificates for links beyond this machine, got \"10.0.0.1\"" + beyond},
      {{.link_advertised = "h:0"}, "--link-advertise: " + advertised + "\"h:0\""},
      {{.ca_file = "a", .key_file = "b"}, "--link-cert: " + together},
      {{.ca_file = ""}, "--link-ca: expected a text that is not empty"},
      {{.advertised_url = "x"}, "--advertise-url: expected a URL that starts with http:// or https://, got \"x\""},
  };
  for (const auto& [options, wrong] : table) {
    auto before = file;
    CAF_CHECK_EQUAL(apply_cluster_options(before, options).value_or("no error"), wrong);
    CAF_CHECK(before == file);
  }
  CAF_CHECK(!apply_cluster_options(file, {.link = "10.0.0.1:1", .plain_links = true}));
}
