"""Reads logs of runs as the program writes them."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import run_log


def stepped(step, seconds, epoch=0, seen=0, loss=0.5):
    """A step in the log, without fields that nobody reads here."""
    return {
        "time": f"2026-01-02T03:04:{seconds:012.9f}Z",
        "event": "stepped",
        "epoch": epoch,
        "step": step,
        "seen": seen,
        "parts": [["loss", loss], ["huber", 0.1]],
        "micro_batch": 2,
        "cost": {"seconds": seconds, "data_wait": 0.01, "memory_bytes": 1},
    }


STARTED = {"time": "2026-01-02T03:04:05Z", "event": "started", "step": 0}


class RunLog(unittest.TestCase):
    def test_events_are_read_and_a_cut_line_is_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            lines = [json.dumps(STARTED), json.dumps(stepped(1, 2.0)), '{"time": "2026', ]
            Path(folder, "log.jsonl").write_text("\n".join(lines))
            log = run_log.events(folder)
            self.assertEqual([event["event"] for event in log], ["started", "stepped"])
            with self.assertRaisesRegex(run_log.Unreadable, "none/log.jsonl is not there"):
                run_log.events(Path(folder, "none"))

    def test_a_time_is_read_with_its_fraction(self):
        one, two = ({"time": f"2026-01-02T03:04:{text}Z"} for text in ("05", "06.123456789"))
        self.assertAlmostEqual(run_log.moment(two) - run_log.moment(one), 1.123456, places=5)

    def test_a_step_lasts_from_the_end_of_the_one_before_it_within_an_epoch_of_one_process(self):
        before = [STARTED, stepped(1, 1.0), stepped(2, 9.0)]
        log = [*before, STARTED, stepped(2, 1.0), stepped(3, 1.5), stepped(4, 2.5), stepped(5, 9.0, epoch=1), stepped(6, 9.5, epoch=1)]
        self.assertEqual(run_log.step_seconds(log, 0), [0.5, 1.0, 0.5])
        self.assertEqual(run_log.step_seconds(log, 1), [1.0, 0.5])

    def test_a_step_that_was_left_out_makes_no_long_step(self):
        log = [STARTED, stepped(1, 1.0), stepped(3, 3.0), stepped(4, 3.5)]
        self.assertEqual(run_log.step_seconds(log, 0), [0.5])

    def test_the_pace_is_given_in_samples(self):
        log = [STARTED, stepped(1, 1.0, seen=16), stepped(2, 3.0, seen=32), stepped(3, 5.0, seen=48)]
        self.assertEqual(run_log.samples_per_second(log, 0), 8.0)
        with self.assertRaisesRegex(run_log.Unreadable, "1 steps after the first 2"):
            run_log.samples_per_second(log, 2)

    def test_a_log_without_a_start_is_refused(self):
        with self.assertRaises(run_log.Unreadable):
            run_log.step_seconds([stepped(1, 1.0)], 0)

    def test_losses_are_compared_step_by_step_and_the_last_try_counts(self):
        one = run_log.losses([stepped(1, 1.0, loss=0.5), stepped(2, 2.0, loss=9.0), stepped(2, 2.0, loss=0.4)])
        other = run_log.losses([stepped(2, 1.0, loss=0.3), stepped(3, 2.0, loss=0.1)])
        apart, compared = run_log.worst_difference(one, other)
        self.assertAlmostEqual(apart, 0.25)
        self.assertEqual(compared, 1)
        with self.assertRaises(run_log.Unreadable):
            run_log.worst_difference(one, {})

    def test_a_loss_that_is_no_number_agrees_with_nothing(self):
        apart, _ = run_log.worst_difference({1: 0.5, 2: 0.5}, {1: None, 2: 0.5})
        self.assertEqual(apart, float("inf"))


if __name__ == "__main__":
    unittest.main()
