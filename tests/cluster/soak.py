"""Schedules of faults, one after the other, each on a cluster of its own: soak.py SECONDS, or soak.py SEEDS seeds. Ends with 1 if
a promise was broken; the stories are in build/log/soak-cluster-<seed>.txt."""

import os
import pathlib
import sys
import time
import traceback

import nemesis
import wires

SCHEDULE_S = float(os.environ.get("ONCUE_NEMESIS_S", "30"))
FIRST = int(os.environ.get("ONCUE_SEED", "1000"))
CAN_WIRE = wires.why_not() is None  # then every other schedule is on a network of name spaces
LOGS = pathlib.Path(__file__).resolve().parents[2] / "build" / "log"


def one(seed):
    """Whether it held, and the story."""
    cluster, net = None, None
    try:
        if seed % 2 and CAN_WIRE:
            net = wires.Wires()
        with nemesis.make_cluster(net) as cluster:
            return nemesis.play(seed, SCHEDULE_S, cluster)
    except Exception:
        logs = [f"{node.name}: " + "\n".join(node.log.seen[-10:]) for node in cluster.nodes] if cluster else []
        return False, f"seed {seed}: " + traceback.format_exc() + "\n".join(logs)
    finally:
        if net:
            net.close()


def main(amount, unit="seconds"):
    LOGS.mkdir(parents=True, exist_ok=True)
    began, done, bad = time.monotonic(), 0, []
    while done < amount if unit == "seeds" else time.monotonic() - began < amount:
        seed = FIRST + done
        good, words = one(seed)
        done += 1
        print(("kept    " if good else "BROKEN  ") + words.splitlines()[0], flush=True)
        if not good:
            bad.append(seed)
            where = LOGS / f"soak-cluster-{seed}.txt"
            where.write_text(words + "\n")
            print("\n".join("        " + line[:200] for line in words.splitlines()[1:6]) + f"\n        all of it: {where}", flush=True)
    print(f"{done} schedules of {SCHEDULE_S:g} s in {time.monotonic() - began:.0f} s, {len(bad)} broken {bad or ''}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:3]))
