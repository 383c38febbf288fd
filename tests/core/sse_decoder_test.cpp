#define CAF_SUITE core.sse_decoder

#include "oncue/core/sse_decoder.hpp"

#include <caf/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

using namespace std::string_literals;
using oncue::core::sse_decoder;

namespace {

/// Every event as "type|data", of a stream given in pieces of `piece_bytes`.
std::vector<std::string> decode(sse_decoder& decoder, std::string_view stream, std::size_t piece_bytes) {
  std::vector<std::string> events;
  while (!stream.empty()) {
    // A copy of its own for each piece, gone before the next one: a view that is kept too long is seen by the sanitizers.
    std::string piece(stream.substr(0, piece_bytes));
    stream.remove_prefix(piece.size());
    std::string_view rest = piece;
    while (auto event = decoder.next(rest)) events.push_back(std::string(event->type) + "|" + std::string(event->data));
    CAF_CHECK(rest.empty());
  }
  return events;
}

std::string with_line_ends(std::string_view stream, std::string_view line_end) {
  std::string result;
  for (char c : stream) {
    if (c == '\n') {
      result += line_end;
    } else {
      result += c;
    }
  }
  return result;
}

struct stream_case {
  std::string name;
  std::string stream;
  std::vector<std::string> events;
};

const std::vector<stream_case>& cases() {
  static const std::vector<stream_case> all = {
      {"two events", "data: a\n\ndata: b\n\n", {"message|a", "message|b"}},
      {"several data lines", "data: YHOO\ndata: +2\ndata:\ndata: 10\n\n", {"message|YHOO\n+2\n\n10"}},
      {"a comment alone", ": test\n\n", {}},
      {"comments between", ": one\ndata: a\n:\n: two\ndata: b\n\n", {"message|a\nb"}},
      {"empty data fires", "data\n\ndata\ndata\n\ndata:", {"message|", "message|\n"}},
      {"one space only is dropped",
       "data:test\n\ndata: test\n\ndata:  test\n\n",
       {"message|test", "message|test", "message| test"}},
      {"named events", "event: error\ndata: x\n\ndata: y\n\n", {"error|x", "message|y"}},
      {"a name without data is forgotten", "event: lost\n\ndata: y\n\n", {"message|y"}},
      {"an empty name is none", "event: a\nevent:\ndata: y\n\n", {"message|y"}},
      {"unknown fields and fields of other case",
       "foo: 1\nDATA: x\n data: y\ndata : z\nfoo\n\ndata: ok\n\n",
       {"message|ok"}},
      {"colons in the value", "data: a:b: c\n\n", {"message|a:b: c"}},
      {"a byte order mark at the start only",
       "\xEF\xBB\xBF"s + "data: a\n\n\xEF\xBB\xBF" + "data: b\n\ndata: c\n\n",
       {"message|a", "message|c"}},
      {"an unfinished event is discarded", "data: a\n\ndata: b\n", {"message|a"}},
      {"an unfinished line is discarded", "data: a\n\ndata: b\n\ndata: c", {"message|a", "message|b"}},
      {"text in many scripts", "data: Grüße 東京 🌸\n\n", {"message|Grüße 東京 🌸"}},
      {"nul bytes", "data: a\0b\n\n"s, {"message|a\0b"s}},
      {"blank lines", "\n\n\ndata: a\n\n\n\n", {"message|a"}},
  };
  return all;
}

}  // namespace

CAF_TEST(comments can be asked for once wherever the stream is cut) {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    sse_decoder decoder;
    CAF_CHECK_EQUAL(decode(decoder, "data: a\n\n: owner_suspected\n\n", piece).size(), 1u);
    CAF_CHECK_EQUAL(decoder.take_comments(), "owner_suspected\n");
    CAF_CHECK_EQUAL(decoder.take_comments(), "");
    CAF_CHECK_EQUAL(decode(decoder, ":one\n: two\ndata: b\n\n", piece).size(), 1u);
    CAF_CHECK_EQUAL(decoder.take_comments(), "one\ntwo\n");
    decode(decoder, ": " + std::string(70'000, 'x') + "\n", 1000);
    CAF_CHECK_EQUAL(decoder.take_comments(), "");
  }
}

CAF_TEST(a stream gives the same events for every line end and every way of cutting) {
  for (const auto& c : cases()) {
    for (auto line_end : {"\n", "\r", "\r\n"}) {
      auto stream = with_line_ends(c.stream, line_end);
      for (std::size_t piece_bytes = 1; piece_bytes <= stream.size(); ++piece_bytes) {
        sse_decoder decoder;
        auto events = decode(decoder, stream, piece_bytes);
        if (events != c.events) CAF_MESSAGE(c.name << " in pieces of " << piece_bytes);
        CAF_CHECK_EQUAL(events, c.events);
        CAF_CHECK(!decoder.overflowed());
      }
    }
  }
}

CAF_TEST(a line feed after a carriage return is one line end also across pieces) {
  sse_decoder decoder;
  std::vector<std::string> events;
  for (auto piece : {"data: a\r", "\n\r", "", "\ndata: b\r", "\r", "\r\n"}) {
    for (const auto& event : decode(decoder, piece, 100)) events.push_back(event);
  }
  CAF_CHECK_EQUAL(events, (std::vector<std::string>{"message|a", "message|b"}));
}

CAF_TEST(ids and retry times are remembered) {
  sse_decoder decoder;
  decode(decoder, "id: 1\n", 100);
  CAF_CHECK_EQUAL(decoder.last_event_id(), "");
  decode(decoder, "data: a\n\ndata: b\n\n", 100);
  CAF_CHECK_EQUAL(decoder.last_event_id(), "1");
  decode(decoder, "id: 2\0\n\n"s, 100);
  CAF_CHECK_EQUAL(decoder.last_event_id(), "1");
  decode(decoder, "id\n\n", 100);
  CAF_CHECK_EQUAL(decoder.last_event_id(), "");
  CAF_CHECK(!decoder.retry_ms());
  decode(decoder, "retry: 1500\nretry: 12s\nretry: -1\nretry:\n", 100);
  CAF_CHECK_EQUAL(decoder.retry_ms().value_or(0), 1500u);
  decode(decoder, "retry: 99999999999999999999999\n", 100);
  CAF_CHECK_EQUAL(decoder.retry_ms().value_or(0), UINT64_MAX);
}

CAF_TEST(an event inside one piece is not copied) {
  sse_decoder decoder;
  std::string_view stream = "data: first\n\ndata: second\r\n\r\n";
  auto inside = [&, whole = stream](std::string_view view) {
    return view.data() >= whole.data() && view.data() + view.size() <= whole.data() + whole.size();
  };
  auto first = decoder.next(stream);
  CAF_REQUIRE(first);
  CAF_CHECK(inside(first->data));
  auto second = decoder.next(stream);
  CAF_REQUIRE(second);
  CAF_CHECK(inside(second->data));
}

CAF_TEST(a line or an event above the bound ends the decoder) {
  struct {
    std::string stream;
    std::vector<std::string> events;
    bool overflowed;
  } const bounds[] = {
      {"data: ok\n\ndata: 123456\n\n", {"message|ok", "message|123456"}, false},  // a line of 12
      {"data: ok\n\ndata: 1234567\n\ndata: a\n\n", {"message|ok"}, true},         // a line of 13
      {"data: 12345\ndata: 123456\n\n", {"message|12345\n123456"}, false},        // data of 12
      {"data: 123456\ndata: 123456\n\ndata: a\n\n", {}, true},                    // data of 13
      {": a comment that is long\n\ndata: a\n\n", {}, true},
      {"data: no line end at all", {}, true},
  };
  for (const auto& c : bounds) {
    for (std::size_t piece_bytes : {1u, 5u, 1000u}) {
      sse_decoder decoder(12);
      CAF_CHECK_EQUAL(decode(decoder, c.stream, piece_bytes), c.events);
      CAF_CHECK_EQUAL(decoder.overflowed(), c.overflowed);
    }
  }
}
