#include "oncue/core/link_frames.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "json_depth.hpp"
#include "link_batches.hpp"
#include "oncue/core/limits.hpp"

namespace oncue::core {

namespace {

using json = nlohmann::ordered_json;

// Frames are flat, or objects in one object.
constexpr std::size_t depth_most = 4;

// -- out -------------------------------------------------------------------------------

json put(const link::hello& x) {
  return {{"k", "hello"},        {"version_min", x.speaks.min},  {"version_max", x.speaks.max},
          {"name", x.name},      {"incarnation", x.incarnation}, {"to", x.to},
          {"cluster", x.cluster}};
}
json put(const link::ping& x) { return {{"k", "ping"}, {"n", x.number}}; }
json put(const link::pong& x) { return {{"k", "pong"}, {"n", x.number}}; }
json put(const link::ack& x) { return {{"k", "ack"}, {"bytes", x.bytes}}; }

json put(const link::cancel& x) {
  const auto& what = x.request;
  return {{"k", "cancel"},
          {"n", x.question},
          {"run", what.run.value},
          {"reason", what.reason},
          {"by", what.by},
          {"scope", what.scope.value},
          {"wait_ms", what.wait_ms},
          {"mode", to_string(what.mode)},
          {"grace_ms", what.grace_ms}};
}

json put(const link::cancelled& x) {
  const auto& what = x.reply;
  json object = {{"k", "cancelled"}, {"n", x.question}, {"outcome", to_string(what.outcome)}, {"run", what.run.value}};
  if (what.status) object["status"] = to_string(*what.status);
  if (what.phase_at_cancel) object["phase"] = to_string(*what.phase_at_cancel);
  if (what.index) object["index"] = *what.index;
  object["upstream_closed"] = what.upstream_closed;
  object["durable"] = what.durable;
  object["latency_us"] = what.latency_us;
  object["tools"] = what.tools;
  object["tools_stopped"] = what.tools_stopped;
  object["tools_abandoned"] = what.tools_abandoned;
  object["children"] = what.children;
  object["children_stopped"] = what.children_stopped;
  return object;
}

void put(json& object, const link_reader& reader) {
  object["at"] = reader.run;
  object["reader"] = reader.number;
}

json put(const link::pull& x) {
  json object = {{"k", "pull"}};
  put(object, x.reader);
  object["run"] = x.limits.run.value;
  object["from"] = x.limits.from;
  object["events_max"] = x.limits.events_max;
  object["bytes_max"] = x.limits.bytes_max;
  return object;
}
json put(const link::leave& x) {
  json object = {{"k", "leave"}};
  put(object, x.reader);
  return object;
}
json put(const link::not_here& x) {
  json object = {{"k", "not_here"}};
  put(object, x.reader);
  return object;
}
json put(const link::work_waits&) { return {{"k", "work_waits"}}; }

// -- in --------------------------------------------------------------------------------

/// Takes an object's fields apart. A key that is not there keeps its default; one of another type is remembered as wrong.
class link_fields {
 public:
  explicit link_fields(const json& object) : object_{object} {}

  void take(const char* key, std::string& out) {
    if (const auto* value = find(key, &json::is_string)) out = value->get_ref<const std::string&>();
  }
  void take(const char* key, bool& out) {
    if (const auto* value = find(key, &json::is_boolean)) out = value->get<bool>();
  }
  template <class Number>
  requires std::is_unsigned_v<Number>
  void take(const char* key, Number& out) {
    const auto* value = find(key, &json::is_number_unsigned);
    if (!value) return;
    auto number = value->get<std::uint64_t>();
    if (number > std::numeric_limits<Number>::max()) {
      wrong_ = std::string{key} + " is too large";
    } else {
      out = static_cast<Number>(number);
    }
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void take(const char* key, Enum& out) {
    const auto* value = find(key, &json::is_string);
    if (!value) return;
    for (int i = 0; i <= static_cast<int>(enum_max(Enum{})); ++i) {
      if (to_string(static_cast<Enum>(i)) != value->get_ref<const std::string&>()) continue;
      out = static_cast<Enum>(i);
      return;
    }
    wrong_ = std::string{key} + " is not known";
  }
  template <class T>
  void take(const char* key, std::optional<T>& out) {
    if (object_.contains(key)) take(key, out.emplace());
  }
  void take(run_id& run) {
    take("run", run.value);
    if (run.empty() || run.value.size() > limits::run_id_chars_max) wrong_ = "run is not a run's id";
  }
  void take(link_reader& reader) {
    take("at", reader.run);
    take("reader", reader.number);
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const json* find(const char* key, bool (json::*is_right)() const noexcept) {
    auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    if (((*found).*is_right)()) return &*found;
    wrong_ = std::string{key} + " is of another type";
    return nullptr;
  }

  const json& object_;
  std::string wrong_;
};

void get(link_fields& in, link::hello& x) {
  in.take("version_min", x.speaks.min);
  in.take("version_max", x.speaks.max);
  in.take("incarnation", x.incarnation);
  in.take("name", x.name);
  in.take("to", x.to);
  in.take("cluster", x.cluster);
}
void get(link_fields& in, link::ping& x) { in.take("n", x.number); }
void get(link_fields& in, link::pong& x) { in.take("n", x.number); }
void get(link_fields& in, link::ack& x) { in.take("bytes", x.bytes); }
void get(link_fields& in, link::cancel& x) {
  auto& what = x.request;
  in.take("n", x.question);
  in.take(what.run);
  in.take("reason", what.reason);
  in.take("by", what.by);
  in.take("scope", what.scope.value);
  in.take("wait_ms", what.wait_ms);
  in.take("mode", what.mode);
  in.take("grace_ms", what.grace_ms);
}
void get(link_fields& in, link::cancelled& x) {
  auto& what = x.reply;
  in.take("n", x.question);
  in.take("outcome", what.outcome);
  in.take("run", what.run.value);
  in.take("status", what.status);
  in.take("phase", what.phase_at_cancel);
  in.take("index", what.index);
  in.take("upstream_closed", what.upstream_closed);
  in.take("durable", what.durable);
  in.take("latency_us", what.latency_us);
  in.take("tools", what.tools);
  in.take("tools_stopped", what.tools_stopped);
  in.take("tools_abandoned", what.tools_abandoned);
  in.take("children", what.children);
  in.take("children_stopped", what.children_stopped);
}
void get(link_fields& in, link::pull& x) {
  in.take(x.reader);
  in.take(x.limits.run);
  in.take("from", x.limits.from);
  in.take("events_max", x.limits.events_max);
  in.take("bytes_max", x.limits.bytes_max);
}
void get(link_fields& in, link::leave& x) { in.take(x.reader); }
void get(link_fields& in, link::not_here& x) { in.take(x.reader); }
void get(link_fields&, link::work_waits&) {}

template <class Word>
std::variant<link_word, std::string> read(const char* kind, const json& object) {
  link_fields in{object};
  Word word;
  get(in, word);
  if (!in.wrong().empty()) return std::string{kind} + ": " + in.wrong();
  return link_word{std::move(word)};
}

}  // namespace

std::optional<std::uint32_t> common_version(link_versions a, link_versions b) {
  auto highest = std::min(a.max, b.max);
  if (highest < std::max(a.min, b.min)) return {};
  return highest;
}

std::string encode(const link_word& word) {
  return std::visit(
      []<class Word>(const Word& x) -> std::string {
        if constexpr (std::is_same_v<Word, link::piece>) {
          return encode_piece(x);
        } else {
          return put(x).dump(-1, ' ', false, json::error_handler_t::replace);
        }
      },
      word);
}

std::variant<link_word, std::string> decode_link_frame(std::string_view frame) {
  if (frame.empty()) return "an empty frame";
  if (frame.size() > limits::link_frame_bytes_max) return "a frame that is too long";
  if (is_piece(frame)) return decode_piece(frame);
  if (frame.front() != '{') return "a frame of an unknown sort";
  if (!has_no_nul(frame) || !nested_at_most(frame, depth_most)) return "a frame that is no JSON";
  auto object = json::parse(frame, nullptr, false);
  if (!object.is_object()) return "a frame that is no JSON";
  auto kind = object.find("k");
  if (kind == object.end() || !kind->is_string()) return "a frame that does not say what it is";
  const auto& name = kind->get_ref<const std::string&>();
  if (name == "hello") return read<link::hello>("hello", object);
  if (name == "ping") return read<link::ping>("ping", object);
  if (name == "pong") return read<link::pong>("pong", object);
  if (name == "ack") return read<link::ack>("ack", object);
  if (name == "cancel") return read<link::cancel>("cancel", object);
  if (name == "cancelled") return read<link::cancelled>("cancelled", object);
  if (name == "pull") return read<link::pull>("pull", object);
  if (name == "leave") return read<link::leave>("leave", object);
  if (name == "not_here") return read<link::not_here>("not_here", object);
  if (name == "work_waits") return read<link::work_waits>("work_waits", object);
  return "a frame of an unknown sort";
}

}  // namespace oncue::core
