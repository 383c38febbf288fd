#!/usr/bin/env python3
"""The planted bugs of messages/mutants.hpp: each has its place in the code, and no program that people run has any of them.

usage: mutants.py ROOT PROGRAM
"""
import pathlib
import re
import sys

root, program = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
header = (root / "messages/include/oncue/messages/mutants.hpp").read_text()
mutants = re.findall(r"MUTANT\((\w+), \"", header)
planted = set()
for room in ("messages", "core", "io", "actors", "apps"):
    for path in (root / room).rglob("*"):
        if path.suffix in (".cpp", ".hpp"):
            planted.update(re.findall(r"planted\(mutant::(\w+)\)", path.read_text()))

failures = [f"the mutant '{name}' is planted nowhere" for name in mutants if name not in planted]
bytes_of_program = program.read_bytes()
failures += [f"{program.name} knows the mutant '{name}'" for name in mutants if name.encode() in bytes_of_program]
if b"ONCUE_MUTANT" in bytes_of_program:
    failures.append(f"{program.name} looks at ONCUE_MUTANT")

print(f"{2 * len(mutants) + 1 - len(failures)} passed, {len(failures)} failed")
for failure in failures:
    print(failure)
sys.exit(1 if failures or len(mutants) < 28 else 0)
