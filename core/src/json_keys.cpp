#include "json_keys.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>

#include "oncue/core/json_text.hpp"
#include "tool_json.hpp"

namespace oncue::core {
namespace {

void add_key(std::string& out, std::string_view key) {
  out += ",\"";
  out += key;
  out += "\":";
}

struct calendar_time {
  std::string text;  ///< without fraction and zone
  int ms = 0;
};

calendar_time calendar(std::int64_t at_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds{at_ms}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return {text, static_cast<int>(time.subseconds().count())};
}

/// ".906000"
std::string fraction(int ms) { return "." + std::to_string(1000 + ms).substr(1) + "000"; }

}  // namespace

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void add(std::string& out, std::string_view key, std::string_view text) {
  add_key(out, key);
  append_json_string(out, text);
}

void add(std::string& out, std::string_view key, std::uint64_t number) {
  add_key(out, key);
  append_number(out, number);
}

void add_bool(std::string& out, std::string_view key, bool value) { add_raw(out, key, value ? "true" : "false"); }

void add_raw(std::string& out, std::string_view key, std::string_view json) {
  add_key(out, key);
  out += json;
}

void add_seconds(std::string& out, std::string_view key, std::uint64_t us) {
  add_key(out, key);
  append_decimal(out, us, 1'000'000);
}

std::string object_of(std::string_view members) {
  if (members.empty()) return "{}";
  std::string out = "{";
  out += members.substr(1);
  return out + '}';
}

std::string list_of(std::string_view values) {
  std::string out = "[";
  out += values.substr(values.empty() ? 0 : 1);
  return out + ']';
}

std::string iso_time_python(std::int64_t at_ms) {
  const auto at = calendar(at_ms);
  return at.text + fraction(at.ms) + "+00:00";
}

std::string iso_time_z(std::int64_t at_ms) {
  const auto at = calendar(at_ms);
  return at.text + (at.ms ? fraction(at.ms) : "") + "Z";
}

std::uint64_t whole_seconds(std::int64_t at_ms) { return at_ms < 0 ? 0 : static_cast<std::uint64_t>(at_ms) / 1000; }

std::string tokens_not_zero(const token_usage& usage) {
  std::string out;
  if (usage.input_tokens) add(out, "input_tokens", usage.input_tokens);
  if (usage.output_tokens) add(out, "output_tokens", usage.output_tokens);
  if (usage.input_tokens + usage.output_tokens) add(out, "total_tokens", usage.input_tokens + usage.output_tokens);
  if (usage.cache_read_tokens) add(out, "cache_read_tokens", usage.cache_read_tokens);
  if (usage.reasoning_tokens) add(out, "reasoning_tokens", usage.reasoning_tokens);
  return out;
}

std::string model_details(const token_usage& usage, std::string_view model, std::string_view provider) {
  auto details = tokens_not_zero(usage);
  add(details, "id", model);
  add(details, "provider", provider);
  return R"({"model":[)" + object_of(details) + "]}";
}

std::string run_metrics(const run_ended& ended, std::string_view model, std::string_view provider) {
  auto metrics = tokens_not_zero(ended.usage);
  const bool counted = !metrics.empty();
  if (ended.first_token_us) add_seconds(metrics, "time_to_first_token", ended.first_token_us);
  add_seconds(metrics, "duration", ended.duration_us);
  if (ended.how.kind == ending_kind::completed || counted) {
    add_raw(metrics, "details", model_details(ended.usage, model, provider));
  }
  return object_of(metrics);
}

std::string cancel_reason(const ending& how, const run_id& run) {
  return how.message.empty() ? "Run " + run.value + " was cancelled" : how.message;
}

}  // namespace oncue::core
