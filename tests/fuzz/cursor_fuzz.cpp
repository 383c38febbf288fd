// Where a reader wants to go on: Last-Event-ID as browsers repeat it, and the cursors in a query. The first line is the
// header, the rest a query. What is taken is a place in a log, and is the same when it is asked for again in plain digits.
#include <algorithm>

#include "fuzz.hpp"
#include "oncue/core/agentos_requests.hpp"
#include "oncue/core/http_text.hpp"

using namespace oncue;

namespace {

void check(const core::decoded<core::resume_form>& read) {
  if (const auto* refused = std::get_if<core::http_answer>(&read)) {
    fuzz::require(refused->status == 422 && !refused->body.empty(), "a cursor that is none is told why");
    return;
  }
  const auto& place = std::get<core::resume_form>(read);
  if (!place.last_index) return;
  fuzz::require(place.from > *place.last_index, "a reader goes on behind the last event that it has");
  auto again = core::decode_events(std::to_string(*place.last_index), {});
  const auto* same = std::get_if<core::resume_form>(&again);
  fuzz::require(same && same->from == place.from && same->last_index == place.last_index, "a cursor is read as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  auto end = std::min(text.find('\n'), text.size());
  auto header = text.substr(0, end);
  auto query = core::read_urlencoded(text.substr(std::min(end + 1, text.size())));
  if (!query) return 0;
  check(core::decode_events(header, query.fields));
  check(core::decode_resume(query.fields));
  return 0;
}
