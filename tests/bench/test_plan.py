"""The plan for many nodes: the same seed gives the same output, and model and simulation agree where both speak.

usage: test_plan.py [-v]
"""

import json
import pathlib
import sys
import unittest
from dataclasses import replace
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench" / "plan"))

from model import Inputs, Limits, group_commits, nodes_within, plan, uses  # noqa: E402
from plan import arguments, compare, markdown, remedies, result  # noqa: E402
from simulation import Simulation  # noqa: E402

SMALL = ["--nodes", "10", "--simulate", "4", "--set", "live_streams=20"]


class Output(unittest.TestCase):
    def test_the_same_seed_gives_the_same_output(self) -> None:
        one, again = (result(arguments(SMALL + ["--seed", "7"])) for _ in range(2))
        self.assertEqual(json.dumps(one), json.dumps(again))
        self.assertEqual(markdown(one), markdown(again))

    def test_another_seed_gives_another_simulation_and_the_same_plan(self) -> None:
        one, other = (result(arguments(SMALL + ["--seed", seed])) for seed in "78")
        self.assertNotEqual(one["checked"], other["checked"])
        self.assertEqual(one["plan"], other["plan"])

    def test_bad_input_gets_a_clear_error(self) -> None:
        for change in (dict(live_streams=-1.0), dict(lease_s=0.0), dict(roaming_part=1.5), dict(run_s=float("nan"))):
            with self.assertRaisesRegex(ValueError, f"{next(iter(change))}: expected"):
                Inputs(**change)
        with self.assertRaisesRegex(ValueError, "more than a node's one connection takes"):
            plan(10, Inputs(live_streams=3000.0))
        with self.assertRaisesRegex(ValueError, "one primary"):
            Simulation(4, Inputs(shards=2), 1)


class Agreement(unittest.TestCase):
    def check(self, nodes: int, inputs: Inputs, seed: int = 1) -> None:
        checked: dict[str, Any] = compare(nodes, inputs, seed)["both"]
        self.assertGreaterEqual(len(checked), 14)
        for name, both in checked.items():
            with self.subTest(name=name, nodes=nodes):
                self.assertLess(abs(both["simulation"] / both["model"] - 1), 0.1, both)

    def test_at_10_nodes(self) -> None:
        self.check(10, Inputs())

    def test_at_100_nodes_whose_links_are_seldom_used(self) -> None:
        self.check(100, Inputs(linger_s=10.0))

    def test_with_appends_that_wait(self) -> None:
        self.check(10, Inputs(append_window_ms=500.0))

    def test_with_slow_commits(self) -> None:
        self.check(10, Inputs(commit_ms=10.0))

    def test_with_commits_that_wait(self) -> None:
        self.check(10, Inputs(gap_ms=20.0))

    def test_with_few_deltas(self) -> None:
        self.check(10, Inputs(deltas_per_s=0.5, run_s=5.0))

    def test_with_seldom_renewals(self) -> None:
        self.check(10, Inputs(lease_s=3.0, heartbeat_s=2.0))

    def test_a_lost_hint_waits_for_a_renewal_and_not_longer(self) -> None:
        cancels = compare(10, Inputs(), 1)["cancels_ms"]
        self.assertLess(cancels["same_node_stop_ms"]["p99"], cancels["by_link_stop_ms"]["p99"])
        self.assertLess(cancels["by_link_stop_ms"]["p99"], 20)
        self.assertLess(cancels["link_lost_stop_ms"]["p99"], 1100 + 20)


class Formulas(unittest.TestCase):
    def test_a_lonely_item_is_a_transaction_of_its_own(self) -> None:
        commits = group_commits(1.0, 1, Inputs())
        self.assertAlmostEqual(commits.items, 1, places=2)
        self.assertAlmostEqual(commits.per_s, 1, places=2)

    def test_a_busy_writer_commits_what_came_meanwhile(self) -> None:
        commits = group_commits(20_000.0, 1, Inputs())
        self.assertAlmostEqual(commits.commit_s, 0.004, places=4)  # 2 ms / (1 - 20,000 x 25 us)
        self.assertAlmostEqual(commits.items, 80, delta=1)

    def test_links_on_demand_are_never_more_than_the_mesh(self) -> None:
        for nodes in (2, 10, 1000):
            result = plan(nodes)
            self.assertLessEqual(result["links_on_demand"], result["links_full_mesh"])

    def test_no_link_is_needed_when_nobody_roams(self) -> None:
        result = plan(100, Inputs(roaming_part=0.0, cancel_roaming_part=0.0))
        self.assertEqual(result["links_on_demand"], 0)
        self.assertEqual(result["frames_per_s"], 0)

    def test_the_largest_number_within_a_limit_is_the_last_that_keeps_it(self) -> None:
        inputs = Inputs()
        for name in ("pg_rows_per_s", "pg_connections", "links_per_node"):
            nodes = nodes_within(name, inputs)
            self.assertLessEqual(dict(uses(nodes, inputs))[name], 1)
            self.assertGreater(dict(uses(nodes + 1, inputs))[name], 1)
        self.assertEqual(nodes_within("pg_rows_per_s", inputs, replace(Limits(), pg_rows_per_s=1.0)), 0)

    def test_the_document_has_the_numbers_of_today(self) -> None:
        document = (ROOT / "docs" / "performance" / "many-nodes.md").read_text(encoding="utf-8")
        for remedy, fits in remedies(Inputs()).items():
            self.assertIn(f"| {min(fits.values())} |", document, remedy)
        for nodes in (10, 100, 1000):
            asked = plan(nodes)
            for name in ("pg_wal_mb_per_s", "pg_tx_per_s", "pg_connections", "links_on_demand", "heartbeats_per_s"):
                self.assertIn(f" {asked[name]:,.0f} |", document, name)


if __name__ == "__main__":
    unittest.main()
