#include "oncue/core/agentos_client.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "json_depth.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/safe_text.hpp"
#include "tool_json.hpp"

namespace oncue::core {
namespace {

using nlohmann::ordered_json;

/// An object or array, or discarded: bad JSON, or nested too deep for whoever recurses.
ordered_json parsed(std::string_view text) {
  if (!nested_at_most(text, limits::client_event_depth_max)) return ordered_json::value_t::discarded;
  return ordered_json::parse(text, nullptr, false);
}

std::string one_line(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// The text under the first of the keys that has one; structures as JSON.
std::string text_in(const ordered_json& object, std::initializer_list<const char*> keys) {
  for (const auto* key : keys) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) continue;
    return found->is_string() ? found->get<std::string>() : one_line(*found);
  }
  return {};
}

/// Unix seconds, or a time in words; 0 if it is neither.
std::int64_t time_in(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return 0;
  if (found->is_string()) return parse_iso_time(found->get<std::string>()).value_or(0);
  constexpr double seconds_max = 253'402'300'799;  // the end of the year 9999
  const auto seconds = found->is_number() ? found->get<double>() : 0;
  return seconds > 0 && seconds <= seconds_max ? static_cast<std::int64_t>(seconds * 1000) : 0;
}

std::uint64_t count_in(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string not_understood(std::string_view what, std::string_view expected) {
  return "the server's answer is not understood: expected " + std::string{what} + ", " + std::string{expected};
}

/// The list itself, or what is under `data`; null if it is neither.
const ordered_json* list_in(const ordered_json& json) {
  if (json.is_array()) return &json;
  if (!json.is_object()) return nullptr;
  const auto found = json.find("data");
  return found != json.end() && found->is_array() ? &*found : nullptr;
}

std::optional<listed_run> run_in(const ordered_json& object) {
  if (!object.is_object()) return {};
  listed_run run{.id = text_in(object, {"run_id"}),
                 .agent = text_in(object, {"agent_id"}),
                 .session = text_in(object, {"session_id"}),
                 .status = text_in(object, {"status"}),
                 .created_at_ms = time_in(object, "created_at"),
                 .input = text_in(object, {"run_input"}),
                 .content = text_in(object, {"content"}),
                 .json = one_line(object)};
  if (run.id.empty()) return {};
  const auto input = object.find("input");
  if (run.input.empty() && input != object.end() && input->is_object()) run.input = text_in(*input, {"input_content"});
  return run;
}

std::optional<listed_session> session_in(const ordered_json& object) {
  if (!object.is_object()) return {};
  listed_session session{.id = text_in(object, {"session_id"}),
                         .name = text_in(object, {"session_name"}),
                         .agent = text_in(object, {"agent_id"}),
                         .user = text_in(object, {"user_id"}),
                         .updated_at_ms = time_in(object, "updated_at"),
                         .json = one_line(object)};
  if (session.id.empty()) return {};
  return session;
}

template <class Enum>
std::optional<Enum> named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(enum_max(Enum{})); ++i) {
    if (to_string(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  return {};
}

/// "body.message: Field required"
std::string field_error_in(const ordered_json& error) {
  if (!error.is_object()) return {};
  std::string place;
  const auto loc = error.find("loc");
  if (loc != error.end() && loc->is_array()) {
    for (const auto& part : *loc) {
      if (!place.empty()) place += '.';
      place += part.is_string() ? part.get<std::string>() : one_line(part);
    }
  }
  auto message = text_in(error, {"msg"});
  // What pydantic puts before a check's own words.
  constexpr std::string_view prefix = "Value error, ";
  if (message.starts_with(prefix)) message.erase(0, prefix.size());
  return place.empty() ? message : place + ": " + message;
}

}  // namespace

// -- requests ------------------------------------------------------------------------

server_url parse_server_url(std::string_view text) {
  const std::string expected = "expected http://HOST:PORT or https://HOST";
  std::string base{text};
  if (base.find("://") == std::string::npos) base.insert(0, "http://");
  while (base.ends_with('/')) base.pop_back();
  const auto scheme = base.starts_with("http://") ? 7u : base.starts_with("https://") ? 8u : 0u;
  if (scheme == 0 || base.size() <= scheme) return {{}, expected};
  const auto rest = std::string_view{base}.substr(scheme);
  const auto host = rest.substr(0, rest.find('/'));
  if (host.find('@') != std::string_view::npos) return {{}, expected + ", without a name or password"};
  const auto plain = [](char c) {
    return c > ' ' && c < 0x7F && std::string_view{"?#\\\"<>^`{|}"}.find(c) == std::string_view::npos;
  };
  if (!std::all_of(rest.begin(), rest.end(), plain)) return {{}, expected + ", without a query"};
  if (!host_name(host)) return {{}, expected};
  return {std::move(base), {}};
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const auto plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view{"-._~"}.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
  return out;
}

std::string form_encoded(const field_pairs& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!out.empty()) out += '&';
    out += percent_encoded(name) + "=" + percent_encoded(value);
  }
  return out;
}

std::string decided_tools(const std::vector<tool_requirement>& waiting_for, const std::vector<tool_decision>& decisions) {
  auto tools = ordered_json::array();
  for (const auto& waiting : waiting_for) {
    const auto& call = waiting.call;
    const auto& facts = waiting.facts;
    const auto decided =
        std::find_if(decisions.begin(), decisions.end(), [&](const tool_decision& x) { return x.call_id == call.id; });
    if (decided == decisions.end()) continue;
    auto known = facts;
    known.confirmed = decided->confirmed;
    known.note = decided->note;
    for (auto& field : known.inputs) {
      const auto given = std::find_if(decided->inputs.begin(), decided->inputs.end(),
                                      [&](const input_field& x) { return x.name == field.name; });
      if (given != decided->inputs.end()) field.value = given->value;
    }
    std::string text;
    append_tool(text, call, known, {});
    auto tool = ordered_json::parse(text);
    tool.erase("created_at");
    if (decided->result) tool["result"] = *decided->result;
    tools.push_back(std::move(tool));
  }
  return one_line(tools);
}

// -- answers ---------------------------------------------------------------------------

std::string read_refusal(int status, std::string_view body) {
  const auto json = parsed(body);
  std::string said;
  if (json.is_object()) {
    const auto detail = json.find("detail");
    if (detail != json.end() && detail->is_array()) {
      std::size_t told = 0;
      for (const auto& error : *detail) {
        if (told++ == limits::error_details_max) break;
        const auto sentence = field_error_in(error);
        if (!said.empty() && !sentence.empty()) said += "; ";
        said += sentence;
      }
    } else {
      said = text_in(json, {"detail", "error", "message"});
    }
  }
  said = safe_text(said, {});
  if (said.empty()) return "the server answered with status " + std::to_string(status);
  return said;
}

std::variant<cancel_reply, std::string> read_receipt(std::string_view text) {
  const auto json = parsed(text);
  if (!json.is_object()) return not_understood("a receipt", "a JSON object");
  cancel_reply reply{.run = {text_in(json, {"run_id"})}};
  const auto outcome = text_in(json, {"outcome"});
  if (outcome.empty()) {
    reply.outcome = cancel_outcome::accepted;
    return reply;
  }
  const auto known = named<cancel_outcome>(outcome);
  if (!known) return not_understood("a receipt", "with an outcome that is known here");
  reply.outcome = *known;
  reply.status = named<run_status>(text_in(json, {"status"}));
  reply.phase_at_cancel = named<run_phase>(text_in(json, {"phase_at_cancel"}));
  if (json.contains("event_index") && json["event_index"].is_number_unsigned()) reply.index = count_in(json, "event_index");
  auto small_count = [&](const char* key) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(count_in(json, key), UINT32_MAX));
  };
  reply.tools = small_count("tools");
  reply.tools_stopped = small_count("tools_stopped");
  reply.tools_abandoned = small_count("tools_abandoned");
  reply.children = small_count("children");
  reply.children_stopped = small_count("children_stopped");
  reply.upstream_closed = json.value("upstream_closed", ordered_json{}) == true;
  reply.durable = json.value("durable", ordered_json{}) == true;
  reply.latency_us = count_in(json, "latency_us");
  return reply;
}

std::variant<std::vector<std::string>, std::string> read_agents(std::string_view text) {
  const auto json = parsed(text);
  const auto* list = list_in(json);
  if (!list) return not_understood("agents", "a JSON array");
  std::vector<std::string> ids;
  for (const auto& agent : *list) {
    if (auto id = agent.is_object() ? text_in(agent, {"id", "agent_id"}) : ""; !id.empty()) ids.push_back(std::move(id));
  }
  return ids;
}

std::variant<std::vector<listed_run>, std::string> read_runs(std::string_view text) {
  const auto json = parsed(text);
  const auto* list = list_in(json);
  if (!list) return not_understood("runs", "a JSON array");
  std::vector<listed_run> runs;
  for (const auto& object : *list) {
    auto run = run_in(object);
    if (!run) return not_understood("runs", "each with a run_id");
    runs.push_back(std::move(*run));
  }
  return runs;
}

std::variant<listed_run, std::string> read_run(std::string_view text) {
  auto run = run_in(parsed(text));
  if (!run) return not_understood("a run", "with a run_id");
  return std::move(*run);
}

bool is_live_status(std::string_view status) {
  using enum run_status;
  return status == to_string(pending) || status == to_string(running) || status == to_string(paused);
}

std::variant<listed_sessions, std::string> read_sessions(std::string_view text) {
  const auto json = parsed(text);
  const auto* list = list_in(json);
  if (!list) return not_understood("sessions", "a JSON array in data");
  listed_sessions found;
  for (const auto& object : *list) {
    auto session = session_in(object);
    if (!session) return not_understood("sessions", "each with a session_id");
    found.sessions.push_back(std::move(*session));
  }
  found.total = found.sessions.size();
  if (json.is_object() && json.contains("meta") && json["meta"].is_object()) {
    found.total = std::max(found.total, count_in(json["meta"], "total_count"));
  }
  return found;
}

std::variant<listed_session, std::string> read_session(std::string_view text) {
  auto session = session_in(parsed(text));
  if (!session) return not_understood("a session", "with a session_id");
  return std::move(*session);
}

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
  auto take = [&text](std::size_t digits) -> int {
    int value = -1;
    if (text.size() < digits) return -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
    if (error != std::errc{} || end != text.data() + digits || value < 0) return -1;
    text.remove_prefix(digits);
    return value;
  };
  auto take_mark = [&text](std::string_view marks) {
    if (text.empty() || marks.find(text.front()) == std::string_view::npos) return '\0';
    const char mark = text.front();
    text.remove_prefix(1);
    return mark;
  };
  const int year = take(4);
  if (!take_mark("-")) return {};
  const int month = take(2);
  if (!take_mark("-")) return {};
  const int day = take(2);
  if (!take_mark("T ")) return {};
  const int hour = take(2);
  if (!take_mark(":")) return {};
  const int minute = take(2);
  if (!take_mark(":")) return {};
  const int second = take(2);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (year < 0 || month < 0 || day < 0 || !date.ok()) return {};
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return {};
  int ms = 0;
  if (take_mark(".,")) {
    int place = 100;
    if (text.empty() || text.front() < '0' || text.front() > '9') return {};
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), place /= 10) {
      ms += (text.front() - '0') * place;
    }
  }
  int offset_min = 0;
  if (const char sign = take_mark("Zz+-"); sign == '+' || sign == '-') {
    const int hours = take(2);
    take_mark(":");
    const int minutes = take(2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return {};
    offset_min = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
  }
  if (!text.empty()) return {};
  const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute - offset_min) * 60'000LL + second * 1000LL + ms;
}

}  // namespace oncue::core
