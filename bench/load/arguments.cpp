#include "arguments.hpp"

#include <charconv>
#include <cstdio>
#include <exception>

namespace oncue::bench::load {

namespace {

template <class Number>
Number parsed(const std::string& name, const std::string& text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    throw usage_error{name + " wants a number that is not negative, it was '" + text + "'"};
  }
  return value;
}

}  // namespace

arguments::arguments(int argc, char** argv, int first) {
  for (int i = first; i < argc; i += 2) {
    std::string name = argv[i];
    if (!name.starts_with("--")) throw usage_error{"'" + name + "' is not an option"};
    if (i + 1 >= argc) throw usage_error{name + " wants a value"};
    pairs_.emplace_back(std::move(name), argv[i + 1]);
  }
}

std::optional<std::string> arguments::find(const std::string& name) {
  asked_.insert(name);
  std::optional<std::string> last;
  for (const auto& [key, value] : pairs_) {
    if (key == name) last = value;
  }
  return last;
}

std::string arguments::text(const std::string& name) {
  auto value = find(name);
  if (!value) throw usage_error{name + " is missing"};
  return *value;
}

std::string arguments::text(const std::string& name, const std::string& otherwise) {
  return find(name).value_or(otherwise);
}

std::int64_t arguments::number(const std::string& name) { return parsed<std::int64_t>(name, text(name)); }

std::int64_t arguments::number(const std::string& name, std::int64_t otherwise) {
  auto value = find(name);
  return value ? parsed<std::int64_t>(name, *value) : otherwise;
}

double arguments::real(const std::string& name, double otherwise) {
  auto value = find(name);
  return value ? parsed<double>(name, *value) : otherwise;
}

std::vector<std::int64_t> arguments::numbers(const std::string& name) {
  asked_.insert(name);
  std::vector<std::int64_t> all;
  for (const auto& [key, value] : pairs_) {
    if (key == name) all.push_back(parsed<std::int64_t>(name, value));
  }
  return all;
}

bool arguments::has(const std::string& name) { return find(name).has_value(); }

void arguments::expect_all_read() const {
  for (const auto& [name, value] : pairs_) {
    if (!asked_.contains(name)) throw usage_error{name + " is not known here"};
  }
}

int run_program(const char* program, const char* usage, void (*body)(int argc, char** argv), int argc, char** argv) {
  try {
    body(argc, argv);
    return 0;
  } catch (const usage_error& error) {
    std::fprintf(stderr, "%s: %s\n\n%s", program, error.what(), usage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program, error.what());
    return 1;
  }
}

}  // namespace oncue::bench::load
