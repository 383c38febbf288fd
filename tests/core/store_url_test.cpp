// Paths and URLs of stores, and what of a URL may be shown.
#define CAF_SUITE core.store_url

#include "oncue/core/store_url.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace oncue::core;

CAF_TEST(a url is told from a path by its scheme) {
  for (const auto* url : {"postgresql://", "postgres://h/db", "mysql://h", "PostgreSQL://h", "a+b-c.1://"}) {
    CAF_CHECK(is_store_url(url));
  }
  for (const auto* path : {"", "journal.db", "/var/lib/oncue.db", "./a://b", "://h", "postgresql:/h", "a b://c", "x:y"}) {
    CAF_CHECK(!is_store_url(path));
  }
}

CAF_TEST(a url that cannot be used is refused and not repeated) {
  const std::string scheme = "expected a URL that starts with postgresql:// or postgres://";
  const std::string port =
      "expected postgresql://user:password@host:port/database with a number as the port; write other characters of a "
      "password than letters, digits and -._~ as %40 and the like";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"postgresql://", ""},
      {"postgres://u:p@h1:1,h2:2/db?sslmode=verify-full", ""},
      {"postgresql:///oncue?host=/run/postgresql", ""},
      {"", scheme},
      {"host=h password=hunter2", scheme},
      {"mysql://u:hunter2@h/db", scheme + ", got one that starts with \"mysql://\""},
      {"POSTGRESQL://u:hunter2@h/db", scheme + ", got one that starts with \"POSTGRESQL://\""},
      {"postgresql://u:hunter 2@h", "expected a URL without spaces and control characters: write them as %20 and the like"},
      {"postgresql://u:hunter2\n@h",
       "expected a URL without spaces and control characters: write them as %20 and the like"},
      {"postgresql://u:hun/ter2@h/db", port},
      {"postgresql://u:hunter2/db", port},
      {"postgresql://u:hun@ter2:x@h/db", port},
      {"postgresql://[::1]:5432,h:1/db", ""},
      {"postgresql://u:hunter2@" + std::string(4096, 'h'), "expected a URL of at most 4095 bytes"},
  };
  for (const auto& [url, expected] : table) {
    const auto problem = store_url_problem(url).value_or("");
    CAF_CHECK_EQUAL(problem, expected);
    CAF_CHECK(problem.find("hunter") == std::string::npos);
  }
}

CAF_TEST(a shown url has no password wherever it stood) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"postgresql://h/db", "postgresql://h/db"},
      {"postgresql://u@h:5432/db?sslmode=require", "postgresql://u@h:5432/db?sslmode=require"},
      {"postgresql://u:hunter2@h:5432/db", "postgresql://u@h:5432/db"},
      {"postgres://u:hunter2@h1:1,h2:2/db?a=b", "postgres://u@h1:1,h2:2/db?a=b"},
      {"postgresql://:hunter2@h", "postgresql://@h"},
      {"postgresql://u:hun:ter2@h", "postgresql://u@h"},
      {"postgresql://h/db?password=hunter2", "postgresql://h/db"},
      {"postgresql://h/db?user=u&password=hunter2&sslmode=require", "postgresql://h/db?user=u&sslmode=require"},
      {"postgresql://h/db?p%61ssword=hunter2&a=b", "postgresql://h/db?a=b"},
      {"postgresql://h/db?sslkey=k&sslpassword=hunter2", "postgresql://h/db?sslkey=k"},
      {"postgresql://h/db?application_name=a@b", "postgresql://h/db?application_name=a@b"},
      {"postgresql://u:hunter2@h/db?application_name=a@b&password=hunter2", "postgresql://u@h/db?application_name=a@b"},
      // Wrongly written, or in doubt: rather too little than too much.
      {"postgresql://u:hun@ter2@h/db", "postgresql://u@h/db"},
      {"postgresql://u:hun/ter2@h/db", "postgresql://u@h/db"},
      {"postgresql://u:hun?ter2@h/db?a=b", "postgresql://u@h/db?a=b"},
      {"postgresql://u:hunter2?a=b", "postgresql://u?a=b"},
      {"postgresql://u:hunter2/db", "postgresql://u/db"},
      {"postgresql://[::1]:5432,h:1/db", "postgresql://[::1]:5432,h:1/db"},
      {"u:hunter2@h", "u@h"},
      {"", ""},
  };
  for (const auto& [url, expected] : table) CAF_CHECK_EQUAL(without_password(url), expected);
}

CAF_TEST(an option gives a path or a url and takes the place of both) {
  const store_settings file{.path = "a.db", .size_bytes_max = 5};
  const store_settings shared{.url = "postgresql://u:p@h", .url_env = "DB"};
  auto placed = [](const store_settings& store, std::string_view text) {
    auto result = with_place(store, text);
    const auto* wrong = std::get_if<std::string>(&result);
    if (wrong) return *wrong;
    const auto& now = std::get<store_settings>(result);
    return now.path + "|" + now.url + "|" + now.url_env + "|" + shown_store(now);
  };
  CAF_CHECK_EQUAL(placed(file, "b.db"), "b.db|||b.db");
  CAF_CHECK_EQUAL(placed(file, "postgres://u:p@h/db"), "|postgres://u:p@h/db||postgres://u@h/db");
  CAF_CHECK_EQUAL(placed(shared, "b.db"), "b.db|||b.db");
  CAF_CHECK_EQUAL(placed(file, ""), "expected a text that is not empty");
  CAF_CHECK_EQUAL(placed(file, std::string(5000, 'x')), "expected a file's name of at most 4095 bytes, without NUL");
  CAF_CHECK(placed(file, "mysql://u:p@h").find("postgresql://") != std::string::npos);
  CAF_CHECK_EQUAL(std::get<store_settings>(with_place(file, "b.db")).size_bytes_max, 5u);
}
