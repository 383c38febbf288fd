"""The arithmetic of bench/compare, and the report that is made of it: medians, ratios within a round, targets,
rotation."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

from comparison import catalogue, report, results, rounds, targets  # noqa: E402  behind the path
from comparison.contenders import ALL  # noqa: E402


def entry(work, contender, turn, **numbers):
    return {"work": work, "contender": contender, "round": turn, "numbers": numbers, "asked": {}}


ENTRIES = [
    entry("run", "oncue", 1, cpu_us_per_run=10.0),
    entry("run", "agno", 1, cpu_us_per_run=500.0),
    entry("run", "oncue", 2, cpu_us_per_run=30.0),
    entry("run", "agno", 2, cpu_us_per_run=900.0),
    entry("run", "oncue", 3, cpu_us_per_run=20.0),
    entry("run", "agno", 3, cpu_us_per_run=900.0),
    {"work": "run", "contender": "langgraph", "round": 1, "error": "it broke | here", "asked": {}},
]


class Results(unittest.TestCase):

    def test_a_summary_is_the_median_with_the_ends(self):
        self.assertEqual(results.summary(ENTRIES, "run", "oncue", "cpu_us_per_run"),
                         results.Spread(20.0, 10.0, 30.0, 3))
        self.assertIsNone(results.summary(ENTRIES, "run", "langgraph", "cpu_us_per_run"))

    def test_a_ratio_is_taken_within_a_round(self):
        self.assertEqual(results.ratio({1: 500.0, 2: 900.0, 3: 900.0, 4: 7.0}, {1: 10.0, 2: 30.0, 3: 20.0}),
                         results.Spread(45.0, 30.0, 50.0, 3))
        self.assertIsNone(results.ratio({1: 5.0}, {1: 0.0}))

    def test_a_slope_is_an_exponent(self):
        self.assertAlmostEqual(results.slope({5: 10.0, 50: 10.0, 500: 10.0}), 0.0)
        self.assertAlmostEqual(results.slope({1: 3.0, 10: 30.0, 100: 300.0}), 1.0)
        self.assertIsNone(results.slope({5: 1.0}))

    def test_a_target_is_met_missed_or_not_measured(self):
        target = next(one for one in targets.TARGETS if one.above.work == "run")
        found = results.seen(ENTRIES, target)
        self.assertEqual(found, results.Spread(45.0, 30.0, 50.0, 3))
        self.assertEqual(results.verdict(target, found), "met")
        self.assertEqual(results.verdict(target, results.Spread(39.9, 1.0, 99.0, 3)), "missed")
        self.assertEqual(results.verdict(target, None), "not measured")


class Rounds(unittest.TestCase):

    def test_the_order_rotates(self):
        works = [work for work in catalogue.works() if work.name == "session"]
        steps = [name for _, _, name in rounds.plan(works, list(ALL), 2)]
        self.assertEqual(steps, ["oncue", "agno", "langgraph", "agno", "langgraph", "oncue"])

    def test_a_work_may_have_fewer_rounds(self):
        works = [work for work in catalogue.works() if work.name == "saturation"]
        self.assertEqual({turn for turn, _, _ in rounds.plan(works, ["nginx"], 9)}, {1, 2, 3})


class Catalogue(unittest.TestCase):

    def test_every_contender_is_known_and_every_target_is_measured(self):
        loads = {work.name: set(work.loads) for work in catalogue.works()}
        for work in catalogue.works():
            self.assertLessEqual(set(work.loads), set(ALL), work.name)
            self.assertIn(work.ours, work.loads, work.name)
        for target in targets.TARGETS:
            for number in filter(None, (target.above, target.below)):
                self.assertIn(number.contender, loads[number.work], target.text)


class Report(unittest.TestCase):

    def test_it_says_what_was_missed_and_what_failed(self):
        text = report.markdown(
            {
                "entries": ENTRIES, "command": "bench/compare", "date": "today", "versions": {"commit": "c0ffee"},
                "machine": {"cpu": "a", "cores": 2, "memory_mb": 4096, "kernel": "b"}
            }, catalogue.works())
        self.assertIn("| CPU a run: agno's by oncue's | ≥ 40× | 45× [30 – 50] | met |", text)
        self.assertIn("**not measured**", text)
        self.assertIn("| agno | 900 [500 – 900] | 45 [30 – 50] |", text)
        self.assertIn("LangGraph failed in 1 of its rounds: `it broke | here`", text)

    def test_digits(self):
        self.assertEqual([report.digits(value) for value in (0, 0.031, 0.25, 9.87, 45.04, 123.4, 12345.6)],
                         ["0", "0.031", "0.25", "9.87", "45.0", "123", "12,346"])


if __name__ == "__main__":
    unittest.main()
