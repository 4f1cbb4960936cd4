"""How the benchmark's training rows read the output of programs."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "bench")]
import measure
import run  # noqa: F401  (its rows must be importable)
import train_rows
from run_log_test import STARTED, stepped


def trainee(name, seconds, peak, losses, wait=None):
    runs = [train_rows.Told(one, peak, losses, wait) for one in seconds]
    return train_rows.Trainee(name, None, None, runs)


class TrainRows(unittest.TestCase):
    def printed(self, function, *arguments):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            result = function(*arguments)
        return result, output.getvalue()

    def test_targets_are_held_against_medians(self):
        same = {1: 0.5, 2: 0.4}
        ran = [
            trainee("fragua bf16", [0.3, 0.5, 0.4], 800, same, 0.03),
            trainee("PyTorch fp32", [1.0, 1.0, 9.0], 2400, same),
            trainee("PyTorch bf16", [0.5], 1900, same),
            trainee("fragua fp32", [0.9], 1400, {1: 0.6, 2: 0.4}, 0.0),
        ]
        same_work, text = self.printed(train_rows.compare, {one.name: one for one in ran})
        verdicts = {line[:52].strip(): line[52:].split() for line in text.splitlines()[1:]}
        self.assertEqual(verdicts["time of a step, fragua bf16 to PyTorch fp32"], ["0.4", "0.6", "met"])
        self.assertEqual(verdicts["peak memory, fragua bf16 to PyTorch fp32"], ["0.333", "0.45", "met"])
        self.assertEqual(verdicts["share of time that waits for data, fragua bf16"], ["0.03", "0.02", "missed", "by", "50%"])
        self.assertEqual(verdicts["losses apart from PyTorch fp32's, fragua fp32"][0], "0.2")
        self.assertEqual(same_work, 3, "the contender with other losses did other work")

    def test_a_contender_that_failed_is_left_out(self):
        ran = {"fragua bf16": trainee("fragua bf16", [0.3], 800, {1: 0.5}, 0.0)}
        same_work, text = self.printed(train_rows.compare, ran)
        self.assertEqual(same_work, 0)
        self.assertEqual(len(text.splitlines()), 2)

    def test_pytorch_reports_in_lines(self):
        lines = [{"step": n, "loss": 0.5, "gradient_norm": 1.0, "seconds": s} for n, s in enumerate([9, 9, 9, 1, 3, 2], 1)]
        output = "\n".join(json.dumps(line) for line in [*lines, {"peak_mb": 100.0}])
        told = train_rows.own_lines(measure.Run(1.0, 1.0, 120.0, 0.0, output), None)
        self.assertEqual((told.seconds, told.peak_mb, len(told.losses)), (2, 120.0, 6))

    def test_the_pace_counts_the_checkpoints_between_the_steps(self):
        saving = lambda step: {"time": "2026-01-02T03:04:05Z", "event": "saving", "epoch": 0, "step": step}
        log = [STARTED]
        for step in range(1, 7):
            log += [stepped(step, step * 0.5), saving(step)]
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "run").mkdir()
            (Path(folder) / "run/log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in log))
            self.assertEqual(train_rows.pace(Path(folder)), (1.0, 2, 2))

    def test_a_command_that_fails_is_shown_with_its_last_lines_and_one_that_succeeds_with_its_output(self):
        run, failure = measure.measure(["sh", "-c", "echo one; echo two >&2; exit 3"])
        self.assertEqual((run, failure), (None, "exit 3: one | two"))
        run, failure = measure.measure(["sh", "-c", "echo $WORD"], {"WORD": "three"})
        self.assertEqual((run.output, failure), ("three\n", ""))


if __name__ == "__main__":
    unittest.main()
