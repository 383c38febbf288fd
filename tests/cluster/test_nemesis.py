"""A few schedules of random faults; scripts/soak --cluster has many more. One seed: ONCUE_SEED=7 ONCUE_SEEDS=1 test_nemesis.py;
longer: ONCUE_NEMESIS_S=30. A failing seed prints what happened to the runs that it was broken for."""

import os
import unittest

import nemesis
import wires
from cluster import main

SEED = int(os.environ.get("ONCUE_SEED", "1"))
SEEDS = int(os.environ.get("ONCUE_SEEDS", "3"))
SECONDS = float(os.environ.get("ONCUE_NEMESIS_S", "8"))


class Schedules(unittest.TestCase):
    def test_a_seed_is_a_schedule(self):
        faults = nemesis.OF_PROCESSES + nemesis.OF_RELAYS + nemesis.OF_WIRES
        plan = [[(s.at, s.lasts, s.words()) for s in nemesis.schedule(seed, 30, faults)] for seed in (1, 1, 2)]
        self.assertEqual(plan[0], plan[1])
        self.assertNotEqual(plan[0], plan[2])
        self.assertGreater(len(plan[0]), 10)
        names = {s.fault.name for seed in range(100) for s in nemesis.schedule(seed, 30, faults)}
        self.assertEqual(names, {fault.name for fault in faults}, "every fault has its turn")


class Nemesis(unittest.TestCase):
    def play(self, seeds, net=None):
        with nemesis.make_cluster(net) as cluster:
            for seed in seeds:
                good, words = nemesis.play(seed, SECONDS, cluster)
                print(words, flush=True)
                self.assertTrue(good, f"seed {seed}: repeat with ONCUE_SEED={seed} ONCUE_SEEDS=1\n{words}")

    def test_the_promises_hold_with_relays_between(self):
        self.play(range(SEED, SEED + SEEDS))

    @unittest.skipIf(wires.why_not(), wires.why_not())
    def test_the_promises_hold_on_wires_that_are_cut(self):
        net = wires.Wires()
        self.addCleanup(net.close)
        self.play(range(SEED, SEED + 1), net)


if __name__ == "__main__":
    main()
