#include "oncue/io/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>

#include "oncue/core/json_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

namespace oncue::io {

namespace {

// Set once before there are threads, and read by all of them.
std::shared_ptr<spdlog::logger> logger;
std::shared_ptr<spdlog::details::thread_pool> writer;
log_format chosen_format = log_format::text;
std::atomic<log_level> chosen_level{log_level::off};

std::string_view name_of(log_level level) {
  switch (level) {
    case log_level::debug: return "debug";
    case log_level::info: return "info";
    case log_level::warning: return "warning";
    case log_level::error: return "error";
    case log_level::off: break;
  }
  return "off";
}

std::string_view cut(std::string_view value) {
  return value.substr(0, core::utf8_prefix(value, core::limits::log_value_bytes_max));
}

/// logfmt: quotes only where a value has something that would end it.
void append_value(std::string& line, std::string_view value) {
  auto plain = !value.empty() && value.find_first_of(" =\"\\") == std::string_view::npos && core::is_utf8(value);
  for (char c : value) plain = plain && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (plain) {
    line += value;
  } else {
    core::append_json_string(line, value);
  }
}

std::string utc_now() {
  using namespace std::chrono;
  auto now = floor<milliseconds>(system_clock::now());
  auto day = floor<days>(now);
  year_month_day date{day};
  hh_mm_ss time{now - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

}  // namespace

void set_up_log(log_level level, log_format format) {
  writer = std::make_shared<spdlog::details::thread_pool>(core::limits::log_lines_max, 1);
  logger = std::make_shared<spdlog::async_logger>("oncue", std::make_shared<spdlog::sinks::stderr_sink_mt>(), writer,
                                                  spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  chosen_format = format;
  chosen_level.store(level);
}

void close_log() {
  chosen_level.store(log_level::off);
  // The pool's destructor writes what waits and joins its thread: only then may go what that thread writes with. A thread
  // that is in log() at this moment holds its own reference.
  writer.reset();
  logger.reset();
}

bool log_enabled(log_level level) { return level >= chosen_level.load(std::memory_order_relaxed); }

void log(log_level level, std::string_view event, std::initializer_list<log_field> fields) {
  if (!log_enabled(level) || level == log_level::off) return;
  if (auto target = logger) target->log(spdlog::level::info, log_line(chosen_format, utc_now(), level, event, fields));
}

std::string log_line(log_format format, std::string_view time, log_level level, std::string_view event,
                     std::initializer_list<log_field> fields) {
  std::string line;
  line.reserve(160);
  if (format == log_format::json) {
    line.append(R"({"at":")").append(time).append(R"(","level":")").append(name_of(level)).append(R"(","event":)");
    core::append_json_string(line, event);
    for (const auto& [name, value] : fields) {
      line += ",\"";
      line += name;
      line += "\":";
      core::append_json_string(line, cut(value));
    }
    line += '}';
    return line;
  }
  line.append(time).append(" ").append(name_of(level)).append(" ").append(event);
  for (const auto& [name, value] : fields) {
    line.append(" ").append(name).append("=");
    append_value(line, cut(value));
  }
  return line;
}

}  // namespace oncue::io
