#include "child_command.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>

#include "oncue/core/limits.hpp"
#include "oncue/io/child_process.hpp"
#include "oncue/io/world.hpp"

namespace oncue::io {

namespace {

// As execvp has it when there is no PATH.
constexpr std::string_view usual_path = "/usr/local/bin:/bin:/usr/bin";

/// Empty, or why this file is no program that we may start.
std::string file_problem(const std::string& file) {
  struct stat facts {};
  if (stat(file.c_str(), &facts) != 0) return errno == ENOENT ? "does not exist" : error_words(errno);
  if (S_ISDIR(facts.st_mode)) return "is a folder";
  if (!S_ISREG(facts.st_mode)) return "is not a file";
  if (access(file.c_str(), X_OK) != 0) return "is not executable";
  return {};
}

std::string folder_problem(const std::string& folder) {
  struct stat facts {};
  if (folder.empty()) return {};
  if (stat(folder.c_str(), &facts) != 0) {
    return "the folder '" + folder + "' " + (errno == ENOENT ? "does not exist" : "cannot be used: " + error_words(errno));
  }
  if (!S_ISDIR(facts.st_mode)) return "'" + folder + "' is not a folder";
  if (access(folder.c_str(), X_OK) != 0) return "the folder '" + folder + "' may not be entered";
  return {};
}

std::string search_path(const core::command_spec& command) {
  for (const auto& [name, value] : command.set_env) {
    if (name == "PATH") return value;
  }
  auto path = environment_variable("PATH");
  return path.empty() ? std::string{usual_path} : path;
}

}  // namespace

std::string error_words(int error) { return std::generic_category().message(error); }

found_program find_program(const core::command_spec& command) {
  if (command.argv.empty() || command.argv.front().empty()) return {{}, "there is no program in the command"};
  for (const auto& argument : command.argv) {
    if (argument.find('\0') != std::string::npos) return {{}, "an argument of the command contains a zero byte"};
  }
  if (auto problem = folder_problem(command.folder); !problem.empty()) return {{}, problem};
  const auto& name = command.argv.front();
  if (name.find('/') != std::string::npos) {
    // The folder is entered first, so a relative path starts there.
    auto from_here = command.folder.empty() || name.front() == '/' ? name : command.folder + "/" + name;
    auto problem = file_problem(from_here);
    if (!problem.empty()) return {{}, "the program '" + from_here + "' " + problem};
    return {name, {}};
  }
  std::string unusable;
  auto path = search_path(command);
  for (std::string_view rest = path; !rest.empty();) {
    auto end = std::min(rest.find(':'), rest.size());
    auto folder = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // A relative one would mean different folders here and there.
    if (folder.empty() || folder.front() != '/') continue;
    auto file = std::string{folder} + "/" + name;
    auto problem = file_problem(file);
    if (problem.empty()) return {file, {}};
    if (problem == "is not executable") unusable = file;
  }
  if (!unusable.empty()) return {{}, "the program '" + unusable + "' is not executable"};
  return {{}, "the program '" + name + "' is in no folder of PATH"};
}

std::string command_problem(const core::command_spec& command) { return find_program(command).problem; }

std::vector<std::string> child_environment(const core::command_spec& command) {
  std::map<std::string, std::string> given;
  auto pass_on = [&](const std::string& name) {
    if (auto value = environment_variable(name); !value.empty()) given[name] = value;
  };
  for (auto name : core::limits::child_variables) pass_on(std::string{name});
  for (const auto& name : command.env) pass_on(name);
  for (const auto& [name, value] : command.set_env) given[name] = value;
  std::vector<std::string> lines;
  lines.reserve(given.size());
  for (const auto& [name, value] : given) lines.push_back(name + "=" + value);
  return lines;
}

guard_place find_child_guard(const std::string& named) {
  std::vector<std::string> places;
  if (named.empty()) {
    std::error_code error;
    auto here = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    if (!error) places = {here / "oncue-guard", (here / "../libexec/oncue/oncue-guard").lexically_normal()};
    places.emplace_back(ONCUE_GUARD_INSTALLED);
    places.emplace_back(ONCUE_GUARD_BUILT);
  } else {
    places = {named};
  }
  std::string looked;
  for (const auto& place : places) {
    if (file_problem(place).empty()) return {place, {}};
    looked += (looked.empty() ? "" : ", ") + place;
  }
  return {{}, "the helper program oncue-guard, which starts tools that are programs, is not there; looked for: " + looked};
}

}  // namespace oncue::io
