// Who may come in, as a table.
#define CAF_SUITE core.doors

#include "oncue/core/doors.hpp"

#include <caf/test/unit_test.hpp>

using namespace oncue::core;

namespace {

const std::vector<std::string> origins = {"http://localhost:3000", "https://os.agno.com"};

int status(const request_head& head, const door_settings& settings) {
  auto result = ask_doors(head, settings);
  const auto* shut = std::get_if<door_shut>(&result);
  return shut ? shut->answer.status : 0;  // 0: come in
}

std::string header_of(const request_head& head, const door_settings& settings, std::string_view name) {
  auto result = ask_doors(head, settings);
  const auto* shut = std::get_if<door_shut>(&result);
  for (const auto& [key, value] : shut ? shut->answer.headers : std::get<door_open>(result).headers) {
    if (key == name) return value;
  }
  return "none";
}

}  // namespace

CAF_TEST(without a key only this machine and allowed pages come in) {
  const door_settings doors{.allowed_hosts = {"box.lan"}, .origins = origins};
  const struct {
    request_head head;
    int status;
  } cases[] = {
      {{.method = "GET", .path = "/agents", .host = "localhost:7777"}, 0},
      {{.method = "GET", .path = "/agents", .host = "127.0.0.1:7777"}, 0},
      {{.method = "GET", .path = "/agents", .host = "[::1]:7777"}, 0},
      {{.method = "GET", .path = "/agents", .host = "BOX.lan:80"}, 0},
      {{.method = "GET", .path = "/agents", .host = ""}, 403},
      {{.method = "GET", .path = "/health", .host = "evil.example"}, 403},
      {{.method = "GET", .path = "/agents", .host = "localhost.evil.example"}, 403},
      // A page under a name that was pointed here: its origin is its own host.
      {{.method = "POST", .path = "/agents", .host = "evil.example:7777", .origin = "http://evil.example:7777"}, 403},
      {{.method = "POST", .path = "/agents", .host = "localhost:7777", .origin = "http://evil.example"}, 403},
      {{.method = "GET", .path = "/agents", .host = "localhost:7777", .origin = "null"}, 403},
      {{.method = "POST", .path = "/agents", .host = "localhost:7777", .origin = "http://localhost:7777"}, 0},
      {{.method = "POST", .path = "/agents", .host = "localhost:7777", .origin = "http://localhost:7778"}, 403},
      {{.method = "POST", .path = "/agents", .host = "localhost:7777", .origin = "https://os.agno.com"}, 0},
      {{.method = "POST", .path = "/x", .host = "localhost", .fetch_site = "cross-site"}, 403},
      {{.method = "GET", .path = "/x", .host = "localhost", .fetch_site = "cross-site"}, 0},
      {{.method = "POST", .path = "/x", .host = "localhost", .fetch_site = "same-origin"}, 0},
  };
  for (const auto& [head, expected] : cases) {
    CAF_MESSAGE(std::string{head.method} + " " + std::string{head.host} + " " + std::string{head.origin});
    CAF_CHECK_EQUAL(status(head, doors), expected);
  }
  CAF_CHECK_EQUAL(status({.method = "GET", .path = "/x", .host = "any.name"}, {.any_host = true}), 0);
  CAF_CHECK_EQUAL(status({.method = "GET", .path = "/x", .host = "any.name", .origin = "http://evil"}, {.any_host = true}),
                  403);
}

CAF_TEST(with a key whoever shows it comes in and nobody else) {
  const door_settings doors{.key = "s3cret", .origins = origins};
  const struct {
    std::string_view path, authorization;
    int status;
  } cases[] = {
      {"/agents", "", 401},
      {"/agents", "Bearer s3cret", 0},
      {"/agents", "s3cret", 0},
      {"/agents", "Bearer s3cre", 401},
      {"/agents", "Bearer s3crets", 401},
      {"/agents", "Bearer ", 401},
      {"/health", "", 0},
      {"/", "", 0},
      {"/info/", "", 0},
      {"/docs", "", 0},
      {"/openapi.json", "", 0},
      {"/healthy", "", 401},
      {"//health", "", 401},
      {"/prometheus", "", 401},
  };
  for (const auto& [path, authorization, expected] : cases) {
    CAF_MESSAGE(std::string{path} + " " + std::string{authorization});
    // Any host and any origin: the key is the door.
    request_head head{
        .method = "GET", .path = path, .host = "oncue.example", .origin = "http://other", .authorization = authorization};
    CAF_CHECK_EQUAL(status(head, doors), expected);
  }
  request_head refused{.method = "GET", .path = "/agents", .host = "x", .origin = "https://os.agno.com"};
  CAF_CHECK_EQUAL(header_of(refused, doors, "access-control-allow-origin"), "https://os.agno.com");
}

CAF_TEST(a browser is told what it may read) {
  const door_settings doors{.origins = origins};
  request_head asks{.method = "OPTIONS",
                    .path = "/agents/a/runs",
                    .host = "localhost:7777",
                    .origin = "http://localhost:3000",
                    .requested_method = "POST",
                    .requested_headers = "authorization"};
  CAF_CHECK_EQUAL(status(asks, doors), 200);
  CAF_CHECK_EQUAL(header_of(asks, doors, "access-control-allow-origin"), "http://localhost:3000");
  CAF_CHECK_EQUAL(header_of(asks, doors, "access-control-allow-headers"), "authorization");
  CAF_CHECK_EQUAL(header_of(asks, doors, "access-control-max-age"), "600");
  asks.origin = "http://evil.example";
  CAF_CHECK_EQUAL(status(asks, doors), 400);
  CAF_CHECK_EQUAL(header_of(asks, doors, "access-control-allow-origin"), "none");
  request_head reads{.method = "GET", .path = "/agents", .host = "localhost", .origin = "https://os.agno.com"};
  CAF_CHECK_EQUAL(header_of(reads, doors, "access-control-allow-origin"), "https://os.agno.com");
  CAF_CHECK_EQUAL(header_of(reads, doors, "access-control-expose-headers"), "*");
  reads.origin = "";
  CAF_CHECK_EQUAL(header_of(reads, doors, "access-control-allow-origin"), "none");
}
