#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

#include "oncue/io/member_store.hpp"

namespace oncue::io {

namespace {

std::string first_word_of(const char* path) {
  std::ifstream file{path};
  std::string word;
  file >> word;
  return word;
}

std::string link_target(const char* path) {
  std::array<char, 128> buffer{};
  auto size = ::readlink(path, buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string{};
}

/// When a process began, in the kernel's ticks since boot (proc(5): the 22nd field of stat). Empty: it is not there.
std::string begin_of(const std::string& pid) {
  std::ifstream file{"/proc/" + pid + "/stat"};
  std::string line{std::istreambuf_iterator<char>{file}, {}};
  auto name_end = line.rfind(')');  // a program's name may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields{line.substr(name_end + 1)};
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return fields ? field : std::string{};
}

/// Machine and name space: only within the same ones a process number means the same.
std::string here() {
  auto boot = first_word_of("/proc/sys/kernel/random/boot_id");
  auto space = link_target("/proc/self/ns/pid");
  return boot.empty() || space.empty() ? std::string{} : boot + " " + space;
}

}  // namespace

std::string process_identity() {
  auto where = here();
  auto pid = std::to_string(::getpid());
  auto begin = begin_of(pid);
  return where.empty() || begin.empty() ? std::string{} : where + " " + pid + " " + begin;
}

bool is_process_gone(const std::string& identity) {
  std::istringstream words{identity};
  std::string boot;
  std::string space;
  std::string pid;
  std::string begin;
  if (!(words >> boot >> space >> pid >> begin) || boot + " " + space != here()) return false;
  return begin_of(pid) != begin;
}

}  // namespace oncue::io
