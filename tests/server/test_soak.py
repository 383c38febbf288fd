"""A short soak, as the gate has time for; scripts/soak --serve does it for an hour."""

import unittest

from harness import main
from soak import Soak, broken_stream


class ShortSoak(unittest.TestCase):
    longMessage = True

    def test_what_a_server_holds_at_rest_is_always_the_same(self):
        lines = []
        with Soak(25, 7, lines.append) as soak:
            broken = soak.go()
        print("\n".join(lines), flush=True)
        self.assertEqual(broken, [])
        self.assertGreater(sum(soak.did.values()), 100)

    def test_the_judge_of_a_stream_can_say_no(self):
        done = ("RunCompleted", {"content": "ab"}, "3")
        words = [("RunStarted", {}, "0"), ("RunContent", {"content": "a"}, "1"), ("RunContent", {"content": "b"}, "2")]
        self.assertEqual(broken_stream(words + [done]), "")
        for wrong in (words, words + [done, done], words[:2] + [done], words + [("RunError", {}, "3"), done]):
            self.assertNotEqual(broken_stream(wrong), "")


if __name__ == "__main__":
    main()
