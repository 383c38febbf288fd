#include "processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace oncue::guard {

namespace {

constexpr int found_max = 8192;
constexpr int listed_max = 65536;

pid_t found[found_max];
int found_count = 0;

void add(pid_t pid) {
  if (found_count < found_max) found[found_count++] = pid;
}

int read_file(const char* path, char* text, int size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int length = 0;
  while (length < size - 1) {
    auto got = read(fd, text + length, static_cast<size_t>(size - 1 - length));
    if (got <= 0) break;
    length += static_cast<int>(got);
  }
  close(fd);
  text[length] = '\0';
  return length;
}

/// False if this kernel does not list children.
bool add_children_of(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", static_cast<int>(pid));
  DIR* threads = opendir(path);
  if (!threads) return true;  // it has gone meanwhile
  bool listed = true;
  while (auto* entry = readdir(threads)) {
    auto thread = atoi(entry->d_name);
    if (thread <= 0) continue;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", static_cast<int>(pid), thread);
    static char text[65536];
    if (read_file(path, text, sizeof text) < 0) {
      if (thread == getpid()) listed = false;
      continue;
    }
    char* rest = text;
    for (;;) {
      char* end = nullptr;
      auto child = strtol(rest, &end, 10);
      if (end == rest) break;
      add(static_cast<pid_t>(child));
      rest = end;
    }
  }
  closedir(threads);
  return listed;
}

/// The slow way: every process of the machine and its parent.
void add_by_parents() {
  static pid_t pids[listed_max];
  static pid_t parents[listed_max];
  int count = 0;
  DIR* all = opendir("/proc");
  if (!all) return;
  while (auto* entry = readdir(all)) {
    auto pid = atoi(entry->d_name);
    if (pid <= 0 || count == listed_max) continue;
    char path[64];
    char text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_file(path, text, sizeof text) <= 0) continue;
    const char* after_name = strrchr(text, ')');
    int parent = 0;
    if (!after_name || sscanf(after_name + 1, " %*c %d", &parent) != 1) continue;
    pids[count] = pid;
    parents[count++] = parent;
  }
  closedir(all);
  auto add_all_below = [&](pid_t parent) {
    for (int i = 0; i < count; ++i) {
      if (parents[i] == parent) add(pids[i]);
    }
  };
  add_all_below(getpid());
  for (int i = 0; i < found_count; ++i) add_all_below(found[i]);
}

}  // namespace

int for_each_descendant(void (*each)(pid_t)) {
  found_count = 0;
  if (add_children_of(getpid())) {
    for (int i = 0; i < found_count; ++i) add_children_of(found[i]);
  } else {
    add_by_parents();
  }
  for (int i = 0; i < found_count; ++i) each(found[i]);
  return found_count;
}

}  // namespace oncue::guard
