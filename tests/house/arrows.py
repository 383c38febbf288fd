#!/usr/bin/env python3
"""The house keeps its shape: a room sees only the rooms to its left.

For every room, with the include directories that CMake gave it: each header of an allowed room must compile, and the first
header of every forbidden room must not be found. So the test fails when a directory is added that opens a wall, and also
when it has stopped testing anything. The test kit stands beside the programs: neither may see the other.

usage: arrows.py COMPILER ROOT room=dir:dir:... room=...
"""
import pathlib
import subprocess
import sys

compiler, root = sys.argv[1], pathlib.Path(sys.argv[2])
order = ["messages", "core", "io", "actors", "testkit"]
see_caf = {"actors", "testkit"}
needs_caf = {"messages/actors.hpp", "messages/type_ids.hpp"}
directories = {}
for argument in sys.argv[3:]:
    room, _, paths = argument.partition("=")
    directories[room] = [p for p in paths.split(":") if p]
assert list(directories) == order + ["apps"], directories


def headers(room):
    return sorted(p.relative_to(root / room / "include") for p in (root / room / "include").rglob("*.hpp"))


def compiles(room, include):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", "-"]
    command += ["-I" + d for d in directories[room]]
    run = subprocess.run(command, input=f"#include <{include}>\n", capture_output=True, text=True)
    return run.returncode == 0, "No such file" in run.stderr, run.stderr


failures, checks = [], 0
for position, room in enumerate(order):
    for other_position, other in enumerate(order):
        for header in headers(other):
            short = str(header).removeprefix("oncue/")
            caf = short in needs_caf
            if other_position > position or (caf and room not in see_caf):
                checks += 1
                _, missing, _ = compiles(room, header)
                if not missing:
                    failures.append(f"{room}/ can include <{header}>, which is to its right")
                if not caf:
                    break  # one header a forbidden room is enough
            elif other == room and room not in see_caf:
                checks += 1
                good, _, errors = compiles(room, header)
                if not good:
                    failures.append(f"<{header}> does not compile on its own:\n{errors[:600]}")
    if room not in see_caf:
        checks += 1
        if not compiles(room, "caf/actor.hpp")[1]:
            failures.append(f"{room}/ can include CAF")

checks += 1
if not compiles("apps", "oncue/testkit.hpp")[1]:
    failures.append("apps/ can include <oncue/testkit.hpp>: it is for tests and examples")

print(f"{checks - len(failures)} passed, {len(failures)} failed")
for failure in failures:
    print(failure)
sys.exit(1 if failures or checks < 20 else 0)
