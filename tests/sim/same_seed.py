#!/usr/bin/env python3
"""The same seed is the same world: two processes, whose memory lies elsewhere, tell the same of each seed.

usage: same_seed.py ONCUE_SIM [SEEDS]
"""
import subprocess
import sys


def hashes(program, seeds):
    done = subprocess.run([program, "--seeds", seeds, "--hashes"], stdout=subprocess.PIPE, text=True, check=False)
    return [line for line in done.stdout.splitlines() if line.startswith("seed ") and " hash " in line]


program, seeds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "100"
first, second = hashes(program, seeds), hashes(program, seeds)
different = [f"{a}\n{b}" for a, b in zip(first, second) if a != b]
distinct = len({line.split(" hash ")[1] for line in first})
print(f"{len(first)} seeds, {distinct} worlds, {len(different)} told differently")
for lines in different[:5]:
    print(lines)
sys.exit(0 if len(first) == int(seeds) == len(second) and not different and distinct == len(first) else 1)
