// What each scenario does, one function each; provider.hpp has the table for its reader.
#include <sys/socket.h>

#include "provider_session.hpp"

namespace oncue::test {

namespace {

using answering = asio::awaitable<void>;

constexpr std::string_view sse = "text/event-stream; charset=utf-8";
constexpr std::string_view json = "application/json";

bool asks_for_usage(const session& s) { return s.request().body.find(R"("include_usage":true)") != std::string::npos; }

answering send_words(session& s, std::int64_t from, std::int64_t to) {
  const auto gap_ms = s.segment().number("gap_ms", 0);
  for (auto i = from; i < to; ++i) {
    co_await s.sleep(gap_ms);
    co_await s.send_event(chunk_json(content_delta_json(word(static_cast<std::uint64_t>(i)))), 1);
  }
}

answering send_start(session& s) {
  co_await s.send_head(200, sse);
  co_await s.send_event(chunk_json(R"({"role":"assistant","content":""})"));
}

answering send_finish(session& s, std::string_view reason = "stop") {
  co_await s.send_event(chunk_json("{}", reason));
  if (asks_for_usage(s)) {
    co_await s.send_event(usage_json(static_cast<std::uint64_t>(s.segment().number("n", 10))));
  }
  co_await s.send_event("[DONE]");
}

/// All frames in writes of up to 64 KiB, made once.
answering burst(session& s) {
  const bool usage = asks_for_usage(s);
  auto& slices = s.state().prepared[s.request().path + (usage ? "+usage" : "")];
  if (!slices) {
    auto made = std::make_shared<std::vector<frame>>(1);
    for (const auto& next : frames_of(s.segment(), usage)) {
      if (made->back().bytes.size() + next.bytes.size() > (64u << 10)) {
        made->emplace_back();
      }
      made->back().bytes += next.bytes;
      made->back().deltas += next.deltas;
    }
    slices = std::move(made);
  }
  auto held = slices;
  co_await s.send_head(200, sse);
  for (const auto& slice : *held) {
    co_await s.send_chunk(slice.bytes, slice.deltas);
  }
  co_await s.send_last_chunk();
}

answering words(session& s) {
  if (s.segment().number("burst", 0) != 0) {
    co_await burst(s);
    co_return;
  }
  co_await s.send_head(200, sse);
  const auto gap_ms = s.segment().number("gap_ms", 0);
  for (const auto& next : frames_of(s.segment(), asks_for_usage(s))) {
    co_await s.sleep(next.deltas != 0 ? gap_ms : 0);
    co_await s.send_chunk(next.bytes, next.deltas);
  }
  co_await s.send_last_chunk();
}

/// Each delta says when it was sent, so that a reader in another process can tell how long it was on its way.
answering clocked(session& s) {
  co_await send_start(s);
  const auto gap_ms = s.segment().number("gap_ms", 50);
  const auto n = s.segment().number("n", 1'000'000'000);
  for (std::int64_t i = 0; i < n; ++i) {
    co_await s.sleep(gap_ms);
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    co_await s.send_event(chunk_json(content_delta_json("t=" + std::to_string(ns) + " ")), 1);
  }
  co_await send_finish(s);
}

answering endless(session& s) {
  co_await send_start(s);
  const auto gap_ms = s.segment().number("gap_ms", 10);
  for (std::uint64_t i = 0;; ++i) {
    co_await s.sleep(gap_ms);
    co_await s.send_event(chunk_json(content_delta_json(word(i))), 1);
  }
}

/// ms, or for ever.
answering delay(session& s) {
  const auto ms = s.segment().number("ms", -1);
  if (ms < 0) {
    co_await s.sleep_for_ever();
  }
  co_await s.sleep(ms);
}

answering slow_headers(session& s) {
  co_await delay(s);
  co_await words(s);
}

answering slow_first_token(session& s) {
  co_await send_start(s);
  co_await delay(s);
  co_await send_words(s, 0, s.segment().number("n", 10));
  co_await send_finish(s);
  co_await s.send_last_chunk();
}

answering silence(session& s) {
  co_await s.send_head(200, sse);
  co_await s.sleep_for_ever();
}

answering silence_after(session& s) {
  co_await send_start(s);
  co_await send_words(s, 0, s.segment().number("k", 3));
  co_await s.sleep_for_ever();
}

answering one_byte(session& s) {
  co_await s.send_head(200, sse);
  for (const auto& next : frames_of(s.segment(), asks_for_usage(s))) {
    auto bytes = http_chunk(next.bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      co_await s.send(std::string_view(bytes).substr(i, 1));
    }
    s.count(next.deltas);
  }
  co_await s.send_last_chunk();
}

/// Each piece between two cuts is an HTTP chunk and a write of its own.
answering in_pieces(session& s) {
  std::string body;
  std::uint64_t deltas = 0;
  for (const auto& next : frames_of(s.segment(), asks_for_usage(s))) {
    body += next.bytes;
    deltas += next.deltas;
  }
  co_await s.send_head(200, sse);
  auto cuts = cuts_of(s.segment(), body);
  cuts.push_back(body.size());
  std::size_t from = 0;
  for (auto to : cuts) {
    co_await s.send_chunk(std::string_view(body).substr(from, to - from), 0);
    from = to;
  }
  s.count(deltas);
  co_await s.send_last_chunk();
}

answering bad_json(session& s) {
  const auto k = s.segment().number("k", 3);
  co_await send_start(s);
  co_await send_words(s, 0, k);
  co_await s.send_event(R"({"choices":[{"delta":{"content":)");
  co_await send_words(s, k, s.segment().number("n", 10));
  co_await send_finish(s);
  co_await s.send_last_chunk();
}

answering early_close(session& s) {
  co_await send_start(s);
  co_await send_words(s, 0, s.segment().number("k", 3));
  if (s.segment().number("clean", 0) != 0) {
    co_await s.send_last_chunk();
  }
  s.close_after();
}

answering reset(session& s) {
  co_await send_start(s);
  co_await send_words(s, 0, s.segment().number("k", 3));
  s.reset_after();
}

answering refuse(session& s, int code, std::string extra = {}) {
  auto key = s.request().header("authorization");
  if (key.starts_with("Bearer ")) {
    key.erase(0, 7);
  }
  co_await s.send_answer(code, json, error_body(code, key), std::move(extra));
}

answering status(session& s) {
  const auto code = static_cast<int>(s.segment().number("code", 500));
  if (code == 400) {
    s.close_after();
  }
  return refuse(s, code);
}

bool among_the_first(session& s) { return s.state().requests_of_path[s.request().path]++ < s.segment().number("k", 1); }

answering rate_limit_then_ok(session& s) {
  if (!among_the_first(s)) {
    co_await words(s);
    co_return;
  }
  auto extra = "Retry-After: " + s.segment().text("after_s").value_or("1") + "\r\n";
  if (auto ms = s.segment().text("after_ms")) {
    extra += "retry-after-ms: " + *ms + "\r\n";
  }
  co_await refuse(s, 429, extra);
}

answering error_then_ok(session& s) { return among_the_first(s) ? status(s) : words(s); }

answering error_in_stream(session& s) {
  co_await send_start(s);
  co_await send_words(s, 0, s.segment().number("k", 3));
  co_await s.send_event(error_body(503, {}));
  co_await s.send_last_chunk();
}

answering no_done(session& s) {
  co_await send_start(s);
  co_await send_words(s, 0, s.segment().number("n", 10));
  co_await s.send_event(chunk_json("{}", "stop"));
  co_await s.send_last_chunk();
  s.close_after();
}

answering done_but_open(session& s) {
  co_await send_start(s);
  co_await send_words(s, 0, s.segment().number("n", 10));
  co_await send_finish(s);
  co_await s.sleep_for_ever();
}

answering tool_call(session& s) {
  co_await send_start(s);
  const auto n = s.segment().number("words", 0);
  if (n > 0 && s.request().body.find(R"("role":"tool")") != std::string::npos) {
    co_await send_words(s, 0, n);
    co_await send_finish(s);
    co_await s.send_last_chunk();
    co_return;
  }
  for (std::int64_t i = 0; i < s.segment().number("calls", 1); ++i) {
    auto index = R"({"tool_calls":[{"index":)" + std::to_string(i);
    co_await s.send_event(chunk_json(index + R"(,"id":"call_)" + std::to_string(i + 1) +
                                     R"(","type":"function","function":{"name":"get_weather","arguments":""}}]})"));
    for (std::string_view part : {R"({"ci)", R"(ty":"Rei)", R"(kjavík"})"}) {
      co_await s.send_event(chunk_json(index + R"(,"function":{"arguments":)" + json_quote(part) + "}}]}"));
    }
  }
  co_await send_finish(s, "tool_calls");
  co_await s.send_last_chunk();
}

answering reasoning(session& s) {
  const auto n = s.segment().number("n", 10);
  co_await send_start(s);
  for (std::int64_t i = 0; i < n; ++i) {
    co_await s.send_event(
        chunk_json(R"({"content":null,"reasoning_content":)" + json_quote("think" + std::to_string(i) + " ") + "}"));
  }
  co_await send_words(s, 0, n);
  co_await send_finish(s);
  co_await s.send_last_chunk();
}

answering not_sse(session& s) {
  return s.send_answer(
      200, json,
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"misbehaving","choices":[{"index":0,)"
      R"("message":{"role":"assistant","content":"not a stream"},"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})");
}

answering echo(session& s) {
  co_await send_start(s);
  co_await s.send_event(chunk_json(content_delta_json(s.request().body)), 1);
  co_await send_finish(s);
  co_await s.send_last_chunk();
}

struct {
  std::string_view name;
  answering (*act)(session&);
} constexpr scenarios[] = {{"words", words},
                           {"endless", endless},
                           {"clock", clocked},
                           {"slow_accept", slow_headers},
                           {"slow_headers", slow_headers},
                           {"slow_first_token", slow_first_token},
                           {"silence", silence},
                           {"silence_after", silence_after},
                           {"one_byte", one_byte},
                           {"split_utf8", in_pieces},
                           {"split_lines", in_pieces},
                           {"bad_json", bad_json},
                           {"big_delta", words},
                           {"early_close", early_close},
                           {"reset", reset},
                           {"status", status},
                           {"rate_limit_then_ok", rate_limit_then_ok},
                           {"error_then_ok", error_then_ok},
                           {"error_in_stream", error_in_stream},
                           {"no_done", no_done},
                           {"done_but_open", done_but_open},
                           {"tool_call", tool_call},
                           {"reasoning", reasoning},
                           {"usage", words},
                           {"not_sse", not_sse},
                           {"early_answer", words},
                           {"echo", echo}};

}  // namespace

answering answer(session& s) {
  const auto& name = s.segment().name;
  if (s.request().path.ends_with("/models") && name != "status") {
    return s.send_answer(200, json, models_body());
  }
  for (const auto& scenario : scenarios) {
    if (scenario.name == name) {
      return scenario.act(s);
    }
  }
  return s.send_answer(404, json, R"({"error":{"message":"no scenario is called )" + name + R"("}})");
}

}  // namespace oncue::test
