"""Runs the checks against a stand-in for the program that writes given logs, and the arithmetic alone."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))
import gpu_check

# Behaves like `fragua train` in its log: a run of that name resumes, otherwise a new one starts.
STAND_IN = '''#!/usr/bin/env python3
import json, os, pathlib, re, sys
flags = dict(zip(sys.argv[3::2], sys.argv[4::2]))
text = pathlib.Path(flags["--config"]).read_text()
name, precision = re.search("^name: (.*)$", text, re.M)[1], re.search("^precision: (.*)$", text, re.M)[1]
root = re.search("^  root: (.*/runs)$", text, re.M)[1]
if os.environ.get("FAIL") == name:
    sys.exit("no memory left")
run = pathlib.Path(root, name)
run.mkdir(parents=True, exist_ok=True)
device = os.environ.get("SAYS", flags["--device"])
(run / "run.json").write_text(json.dumps({"used": {"device": device}}))
log = run / "log.jsonl"
lines = log.read_text().splitlines() if log.exists() else []
done = sum('"stepped"' in line for line in lines)
time = "2026-01-02T03:04:%09.6fZ"
lines.append(json.dumps({"time": time % 0, "event": "started", "step": done}))
for step in range(done + 1, int(flags["--max-steps"]) + 1):
    loss = 1 / step + float(os.environ.get("OFF_" + precision, 0))
    cost = {"seconds": step * 0.5, "data_wait": 0.01}
    lines.append(json.dumps({"time": time % step, "event": "stepped", "epoch": 0, "step": step, "seen": 2 * step,
                             "parts": [["loss", loss]], "micro_batch": 2, "cost": cost}))
log.write_text("\\n".join(lines) + "\\n")
'''


class Checks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        program = self.folder / "fragua"
        program.write_text(STAND_IN)
        program.chmod(0o755)
        self.check = gpu_check.Check(str(program), "cpu", self.folder, rehearsal=True)

    def run_check(self, name, **environment):
        printed = io.StringIO()
        with mock.patch.dict(os.environ, environment), contextlib.redirect_stdout(printed):
            getattr(self.check, name)()
        return printed.getvalue()

    def test_runs_with_the_same_losses_agree(self):
        printed = self.run_check("agree")
        self.assertEqual(self.check.failures, [], printed)
        self.assertIn("fp16: losses of 24 steps within 0.0e+00, allowed 2.0e-03; 0 steps left out", printed)

    def test_a_precision_that_is_too_far_off_fails_alone(self):
        self.run_check("agree", OFF_bf16="0.005")
        self.assertEqual(len(self.check.failures), 1)
        self.assertTrue(self.check.failures[0].startswith("bf16: losses of 24 steps within 1.2e-01"), self.check.failures)

    def test_a_program_that_silently_takes_another_device_fails(self):
        self.check.device = "cuda:1"
        printed = self.run_check("agree", SAYS="cpu")
        self.assertEqual(len(self.check.failures), 3, printed)
        self.assertIn("fp32: the run says that it computed on cpu", self.check.failures)

    def test_a_program_that_fails_is_shown_with_its_last_lines_and_the_others_continue(self):
        self.run_check("agree", FAIL="agree-fp32")
        self.assertEqual(len(self.check.failures), 1)
        self.assertRegex(self.check.failures[0], r"fp32: train --yes --config .* ended with 1:\n  no memory left")

    def test_a_run_that_moves_is_held_against_one_that_stayed(self):
        printed = self.run_check("resume")
        self.assertEqual(self.check.failures, [], printed)
        self.assertIn("on cpu it resumes after step 8", printed)

    def test_speed_is_a_line_for_each_size_and_precision(self):
        printed = self.run_check("speed")
        self.assertEqual(self.check.failures, [], printed)
        lines = [line.split() for line in printed.splitlines() if " to 7 " in line]
        self.assertEqual(len(lines), 6)
        self.assertEqual(lines[0][-5:], ["4.00", "0.500", "1.0%", "-", "-"])


class Arithmetic(unittest.TestCase):
    def test_a_line_of_nvidia_smi_is_read_and_one_without_numbers_is_none(self):
        self.assertEqual(gpu_check.parse_sample("1234, 97\n"), (1234.0, 97.0))
        self.assertIsNone(gpu_check.parse_sample("1234, [N/A]\n"))
        self.assertIsNone(gpu_check.parse_sample("\n"))

    def test_memory_is_the_peak_above_the_start_and_utilisation_that_of_the_steps(self):
        samples = [(0.0, 500.0, 0.0), (1.0, 900.0, 80.0), (2.0, 1500.0, 100.0), (3.0, 700.0, 0.0)]
        self.assertEqual(gpu_check.summary(samples, 1.0, 2.0), ("1000", "90%"))
        self.assertEqual(gpu_check.summary(samples, 4.0, 5.0), ("1000", "-"))
        self.assertEqual(gpu_check.summary([], 0.0, 1.0), ("-", "-"))

    def test_the_ends_are_quarters(self):
        self.assertEqual(gpu_check.ends({step: step for step in range(8, 0, -1)}), ([1, 2], [7, 8]))
        self.assertEqual(gpu_check.ends({1: 5.0}), ([5.0], [5.0]))

    def test_without_a_gpu_nothing_is_done_and_the_exit_code_says_so(self):
        errors = io.StringIO()
        nowhere = mock.patch.dict(os.environ, {"PATH": "/nowhere"})
        arguments = mock.patch.object(sys, "argv", ["gpu_check.py"])
        with nowhere, arguments, contextlib.redirect_stderr(errors):
            self.assertEqual(gpu_check.main(), gpu_check.NO_GPU)
        self.assertIn("finds no GPU", errors.getvalue())


if __name__ == "__main__":
    unittest.main()
