#include "stream_book.hpp"

#include "clock.hpp"

namespace oncue::bench::load {

namespace {

// By hand: a key needs no escapes, and nobody streams while this is being made.
void append(std::string& out, const stream_record& stream) {
  auto field = [&](const char* name, auto value) {
    out += name;
    out += std::to_string(value);
  };
  if (!out.empty()) out += ',';
  out += R"({"key":")" + stream.key + '"';
  field(R"(,"requested_ns":)", stream.requested_ns);
  field(R"(,"deltas":)", stream.deltas);
  field(R"(,"first_delta_ns":)", stream.first_delta_ns);
  field(R"(,"last_delta_ns":)", stream.last_delta_ns);
  field(R"(,"closed_ns":)", stream.closed_ns);
  out += stream.finished ? R"(,"finished":true)" : R"(,"finished":false)";
  if (!stream.delta_ns.empty()) {
    out += R"(,"delta_ns":[)";
    for (auto time : stream.delta_ns) field("", time), out += ',';
    out.back() = ']';
  }
  out += '}';
}

}  // namespace

stream_record& stream_book::begin(std::string key, std::int64_t now_ns) {
  auto& stream = streams_.emplace_back();
  stream.key = std::move(key);
  stream.requested_ns = now_ns;
  ++open_;
  if (!stream.key.empty()) by_key_.emplace(stream.key, &stream);
  return stream;
}

void stream_book::add_deltas(stream_record& stream, std::uint64_t deltas, std::int64_t now_ns) {
  if (stream.deltas == 0) stream.first_delta_ns = now_ns;
  stream.last_delta_ns = now_ns;
  stream.deltas += deltas;
  deltas_total_ += deltas;
}

void stream_book::finish(stream_record& stream) {
  stream.finished = true;
  --open_;
}

void stream_book::close(stream_record& stream, std::int64_t now_ns) {
  stream.closed_ns = now_ns;
  --open_;
}

std::string stream_book::as_json() const {
  std::string list;
  for (const auto& stream : streams_) append(list, stream);
  return json_around(list);
}

std::string stream_book::as_json(const std::string& key) const {
  std::string list;
  auto [from, to] = by_key_.equal_range(key);
  for (; from != to; ++from) append(list, *from->second);
  return json_around(list);
}

std::string stream_book::json_around(const std::string& streams) const {
  return R"({"now_ns":)" + std::to_string(now_ns()) + R"(,"streams":[)" + streams + R"(],"deltas_total":)" +
         std::to_string(deltas_total_) + R"(,"open":)" + std::to_string(open_) + "}";
}

void stream_book::reset() {
  streams_.remove_if([](const auto& x) { return !x.open(); });
  by_key_.clear();
  for (const auto& stream : streams_) {
    if (!stream.key.empty()) by_key_.emplace(stream.key, &stream);
  }
  deltas_total_ = 0;
}

}  // namespace oncue::bench::load
