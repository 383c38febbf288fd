#!/usr/bin/env python3
"""House rules that a compiler does not know. Each names what to use instead.

usage: habits.py ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
lines_max = 400
rules = [
    # (where, what must not be there, what to do instead)
    (r"^(core|messages)/", r"#include <(boost|curl|thread|mutex|condition_variable|atomic|future)\b", "core/ and messages/ decide, io/ and actors/ do"),
    (r"^(core|messages)/(?!src/mutants\.cpp)", r"(steady|system|high_resolution)_clock::now|std::random_device|\brand\(\)|\bgetenv\(", "hand the time, the chance or the setting in"),
    (r"^actors/src/(?!runtime)", r"(steady|system|high_resolution)_clock::now", "self->clock().now(), so that tests move the time"),
    (r"^(actors|apps)/(?!include/oncue/actors/node_env\.hpp)", r"caf::infinite", "local_answer within the process; a finite time-out for everybody else"),
    (r"^(messages|core|io|actors|apps|testkit|tests)/", r"caf/all\.hpp", "the headers that are used"),
    (r"^(actors|core)/", r"std::mutex|std::atomic|std::lock_guard", "a message"),
    (r"^(testkit|tests|core|io|actors|apps)/", r"sleep_for\(|sleep_until|usleep\(|\bsleep\(\d", "wait for the condition, with a deadline"),
    (r"^(core|actors|testkit)/", r"std::shuffle|std::uniform_\w+_distribution", "core::next_random: the same on every machine"),
    (r"^core/(?!include/oncue/core/limits\.hpp)", r"constexpr (std::size_t|std::uint32_t|milliseconds) \w+_max\b", "core/limits.hpp: every limit in one file"),
]

failures, checks = [], 0
for path in sorted(p for p in root.rglob("*") if p.suffix in (".cpp", ".hpp")):
    name = path.relative_to(root).as_posix()
    if name.split("/")[0] not in ("messages", "core", "io", "actors", "apps", "testkit", "tests", "examples", "bench"):
        continue
    text = path.read_text()
    lines = text.splitlines()
    for where, what, instead in rules:
        if re.search(where, name):
            checks += 1
            for number, line in enumerate(lines, 1):
                if re.search(what, line.split("//")[0]):
                    failures.append(f"{name}:{number}: {line.strip()}\n    instead: {instead}")
    if not name.startswith("tests/"):
        checks += 1
        if len(lines) > lines_max:
            failures.append(f"{name}: {len(lines)} lines; at most {lines_max}: is deciding mixed with doing?")
    if path.suffix == ".hpp" and "/include/" in name:
        checks += 1
        if not lines or not lines[0].startswith("// "):
            failures.append(f"{name}: opens without saying what it owns, promises and never does")

print(f"{checks - len(failures)} passed, {len(failures)} failed")
for failure in failures:
    print(failure)
sys.exit(1 if failures or checks < 100 else 0)
