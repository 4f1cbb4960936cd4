"""How the benchmark's training rows read the output of programs."""

import contextlib
import io
import json
import pickle
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "bench")]
import before_rows
import classify_rows
import measure
import moving_rows
import pickle_rows
import run  # noqa: F401  (its rows must be importable)
import strokes_in_python
import strokes_rows
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

    def test_memory_of_a_command_is_that_of_all_processes_that_it_starts(self):
        holds = "import time; held = bytearray(40 << 20); time.sleep(1)"
        script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {holds!r}])"
        run, failure = measure.measure([sys.executable, "-c", f"held = bytearray(30 << 20); {script}"])
        self.assertEqual(failure, "")
        self.assertGreater(run.family_mb, 70)
        self.assertLess(run.peak_mb, 70)

    def test_the_time_of_what_a_command_leaves_behind_is_counted(self):
        works = "import time; began = time.process_time()\nwhile time.process_time() - began < 0.3: pass"
        leaves = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {works!r}])"
        run, failure = measure.measure([sys.executable, "-c", leaves])
        self.assertEqual(failure, "")
        self.assertGreater(run.cpu, 0.3)

    def test_another_build_is_compared_by_the_ratios_of_its_rounds(self):
        _, text = self.printed(before_rows.show, "a step", [1.0, 2.0, 4.0], [1.0, 2.5, 4.0])
        self.assertEqual(text.split()[2:], ["2.000", "2.500", "1.000", "1.00..1.25", "met"])
        _, text = self.printed(before_rows.show, "a step", [1.0, 1.0, 1.0], [1.0, 1.1, 1.2])
        self.assertTrue(text.rstrip().endswith("slower by 10.0%"), text)

    def test_steps_in_moving_coordinates_are_compared_by_pairs_and_only_if_both_sides_do_the_same(self):
        def side(name, seconds, losses):
            runs = [train_rows.Told(one, 300, losses, None, one / 2) for one in seconds]
            return train_rows.Trainee(name, None, None, runs)

        timed = [side("U-Net, fragua bf16", [1.0, 2.0, 4.0], {}), side("U-Net, PyTorch bf16", [2.0, 2.0, 5.0], {})]
        for loss, is_same in ((0.5, True), (0.51, False)):
            checked = [side("fragua", [1.0], {1: 0.5}), side("PyTorch", [1.0], {1: loss})]
            same, text = self.printed(moving_rows.judge, "U-Net", checked, timed)
            self.assertEqual(same, is_same)
            self.assertIn("0.8         1  met; by pairs 0.50..1.00, fastest steps 0.50", text)

    def test_the_motion_is_timed_by_what_the_program_says(self):
        said = "prepared: 30 frames in 1 event\nmotion of 30 frames found in 1.2 s\n"
        self.assertAlmostEqual(moving_rows.frames_a_second(said), 25)
        self.assertIsNone(moving_rows.frames_a_second("prepared: 30 frames in 1 event, nothing new"))

    def test_the_classifier_is_compared_with_both_ways_of_pytorch(self):
        def ran(name, rate, family, loss):
            told = classify_rows.Told(rate, family, 1.5, [9.0] + [loss] * classify_rows.LAST, 20.0, family)
            return train_rows.Trainee(name, None, None, [told])

        trainees = [ran("fragua", 2000, 200, 2.0), ran("PyTorch folder", 800, 600, 2.1), ran("PyTorch memory", 1600, 500, 3.0)]
        same_work, text = self.printed(classify_rows.judge, {one.name: one for one in trainees})
        verdicts = {line[:56].strip(): line[56:].split() for line in text.splitlines()[1:]}
        self.assertEqual(verdicts["images/s, PyTorch with folder and 2 workers to fragua"], ["0.4", "0.5", "met"])
        self.assertEqual(verdicts["images/s, PyTorch in memory to fragua"][0], "0.8")
        self.assertEqual(verdicts["peak memory with all processes, fragua to folder"], ["0.333", "0.5", "met"])
        self.assertEqual(same_work, 2, "the contender with another loss learned something else")

    def test_the_pickles_of_signs_are_a_dataset_in_the_layout_of_its_list(self):
        with tempfile.TemporaryDirectory() as scratch, unittest.mock.patch.object(pickle_rows, "SEQUENCES", 3):
            folder = Path(scratch) / "pickles"
            self.assertGreater(pickle_rows.pickles(folder), 0.01)
            words = json.loads((folder / "dict.json").read_text())
            paths = [instance["keypoints_path"] for word in words.values() for instance in word["instances"]]
            frames = [pickle.loads((folder / path).read_bytes()) for path in paths]
        self.assertEqual(len(frames), 3)
        self.assertEqual({name: len(part["x"]) for name, part in frames[0][0].items()}, pickle_rows.PARTS)

    def test_a_command_that_fails_is_shown_with_its_last_lines_and_one_that_succeeds_with_its_output(self):
        run, failure = measure.measure(["sh", "-c", "echo one; echo two >&2; exit 3"])
        self.assertEqual((run, failure), (None, "exit 3: one | two"))
        run, failure = measure.measure(["sh", "-c", "echo $WORD; echo four >&2"], {"WORD": "three"})
        self.assertEqual((run.output, run.errors, failure), ("three\n", "four\n", ""))


class StrokesRows(unittest.TestCase):
    def test_the_last_four_writers_of_each_alphabet_are_held_out(self):
        unseen = strokes_in_python.held_out([0, 15, 16, 19, 20, 36, 99])
        self.assertEqual(unseen.tolist(), [False, False, True, True, False, True, True])

    def test_the_accuracy_is_that_of_the_last_epoch(self):
        with tempfile.TemporaryDirectory() as folder:
            history = Path(folder) / "run/history.json"
            history.parent.mkdir()
            history.write_text(json.dumps({"epochs": [{"scores": {"accuracy": 0.5}}, {"scores": {"accuracy": 0.25}}]}))
            self.assertEqual(strokes_rows.own_history(None, Path(folder)).accuracy, 0.25)
            history.write_text(json.dumps({"epochs": []}))
            with self.assertRaises(strokes_rows.run_log.Unreadable):
                strokes_rows.own_history(None, Path(folder))


if __name__ == "__main__":
    unittest.main()
