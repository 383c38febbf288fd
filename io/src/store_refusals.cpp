// Which run a write is about, and how it is told that it was not made.
#include <utility>

#include "store_writer.hpp"

namespace oncue::io {

namespace {

template <class Write>
const run_id* about(const Write& write) {
  if constexpr (requires { write.request.id; }) {
    return &write.request.id;
  } else if constexpr (requires { write.request.run; }) {
    return &write.request.run;
  } else if constexpr (requires { write.run; }) {
    return &write.run;
  } else {
    return nullptr;
  }
}

store_answer refused(const create_run&, std::string why, bool) {
  return create_reply{refusal{refusal_code::journal_unavailable, std::move(why)}, {}};
}
store_answer refused(const append_events& what, std::string why, bool fenced) {
  return journal_refused{what.run, std::move(why), fenced};
}
store_answer refused(const finish_run& what, std::string why, bool fenced) {
  return journal_refused{what.run, std::move(why), fenced};
}
store_answer refused(const end_orphan&, std::string why, bool) { return store_failed{std::move(why)}; }
store_answer refused(const record_cancel&, std::string why, bool) { return store_failed{std::move(why)}; }
store_answer refused(const reopen_run&, std::string why, bool) {
  return reopen_reply{.refused = refusal{refusal_code::journal_unavailable, std::move(why)}};
}
store_answer refused(const end_expired&, std::string why, bool) { return store_failed{std::move(why)}; }
store_answer refused(const create_session&, std::string why, bool) {
  return session_reply{.session = {}, .refused = std::move(why)};
}
store_answer refused(const change_session&, std::string why, bool) {
  return session_reply{.session = {}, .refused = std::move(why)};
}
store_answer refused(const delete_sessions&, std::string why, bool) {
  return sessions_deleted{.count = 0, .refused = std::move(why)};
}

}  // namespace

const run_id* run_of(const store_write& write) {
  return std::visit([](const auto& what) { return about(what); }, write);
}

store_answer refusal_of(const store_write& write, const std::string& why, bool fenced) {
  return std::visit([&](const auto& what) { return refused(what, why, fenced); }, write);
}

}  // namespace oncue::io
