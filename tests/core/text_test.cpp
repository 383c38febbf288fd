#define CAF_SUITE core.text

#include "oncue/core/text.hpp"

#include <caf/test/unit_test.hpp>
#include <set>
#include <string>

#include "oncue/core/retry.hpp"

using namespace oncue::core;

CAF_TEST(utf8 is cut between characters only) {
  std::string text = "a\u00e4\u20ac\U0001F409";  // 1 + 2 + 3 + 4 bytes
  for (auto [bytes_max, length] :
       {std::pair<std::size_t, std::size_t>{0, 0}, {1, 1}, {2, 1}, {3, 3}, {5, 3}, {6, 6}, {9, 6}, {10, 10}, {99, 10}}) {
    CAF_CHECK_EQUAL(utf8_prefix(text, bytes_max), length);
    CAF_CHECK(is_utf8(text.substr(0, utf8_prefix(text, bytes_max))));
  }
}

CAF_TEST(only real utf8 is utf8) {
  for (const auto* good : {"", "abc", "\u00e4", "\U0001F409", "\uFFFD"}) CAF_CHECK(is_utf8(good));
  for (const auto* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xff", "a\xe2\x82"}) {
    CAF_CHECK(!is_utf8(bad));
  }
}

CAF_TEST(a uuid of version 7 carries its time and sorts by it) {
  auto early = make_uuid_v7(0x0192'0000'0000, ~0ull, ~0ull);
  CAF_CHECK_EQUAL(early, "01920000-0000-7fff-bfff-ffffffffffff");
  CAF_CHECK_LESS(early, make_uuid_v7(0x0192'0000'0001, 0, 0));
  CAF_CHECK(is_valid_run_id(early));
}

CAF_TEST(retry delays double within a cap and are jittered between half and whole) {
  retry_policy policy{.attempts_max = 9, .base = milliseconds{500}, .delay_max = milliseconds{3000}};
  std::uint64_t state = 1;
  std::set<std::int64_t> seen;
  for (std::uint32_t made = 1; made <= 40; ++made) {
    auto whole = std::min<std::int64_t>(made <= 3 ? 500 << (made - 1) : 3000, 3000);
    auto delay = retry_delay(policy, made, {}, next_random(state)).count();
    CAF_CHECK(delay >= whole / 2 && delay <= whole);
    seen.insert(delay);
  }
  CAF_CHECK(seen.size() > 10);
  CAF_CHECK_EQUAL(retry_delay(policy, 1, 12'345, 0).count(), 12'345);
}
