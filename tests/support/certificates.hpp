// Certificates made on the spot by openssl(1): authorities, and nodes that they vouch for.
#pragma once

#include <caf/test/unit_test.hpp>
#include <cstdlib>
#include <string>

#include "oncue/core/settings.hpp"
#include "support/store.hpp"

namespace oncue::test {

class certificates {
 public:
  explicit certificates(const std::string& authority = "ca") { make_authority(authority); }

  std::string file(const std::string& name) const { return directory_ / name; }

  void make_authority(const std::string& name) {
    run("req -x509 " + new_key(name) + " -out " + file(name + ".crt") + " -days 30 -subj /CN=" + name);
  }

  /// A node's certificate and key, valid for so many days from now; -1: it has expired.
  core::cluster_settings node(const std::string& name, const std::string& authority = "ca", int days = 30) {
    run("req " + new_key(name) + " -out " + file(name + ".csr") + " -subj /CN=" + name);
    run("x509 -req -in " + file(name + ".csr") + " -CA " + file(authority + ".crt") + " -CAkey " +
        file(authority + ".key") + " -CAcreateserial -days " + std::to_string(days) + " -out " + file(name + ".crt"));
    core::cluster_settings settings;
    settings.ca_file = file(authority + ".crt");
    settings.cert_file = file(name + ".crt");
    settings.key_file = file(name + ".key");
    return settings;
  }

  /// Both authorities in one file.
  std::string both(const std::string& one, const std::string& other) {
    auto path = file(one + "-" + other + ".crt");
    auto command = "cat " + file(one + ".crt") + " " + file(other + ".crt") + " > " + path;
    if (std::system(command.c_str()) != 0) CAF_FAIL(command);
    return path;
  }

 private:
  std::string new_key(const std::string& name) const {
    return "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout " + file(name + ".key");
  }
  static void run(const std::string& what) {
    auto command = "openssl " + what + " >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) CAF_FAIL(command);
  }

  temporary_directory directory_;
};

}  // namespace oncue::test
