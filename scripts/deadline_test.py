"""Runs stand-ins for cargo test that hang, end late and fail."""

import io
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import deadline

LATE = "test slow::one has been running for over 60 seconds\\n"


class Deadline(unittest.TestCase):
    def run_script(self, script, seconds=0.2):
        out = io.StringIO()
        code = deadline.run(seconds, ["bash", "-c", script], out)
        return code, out.getvalue()

    def test_the_output_and_the_exit_code_are_those_of_the_command(self):
        code, output = self.run_script("printf 'test a ... ok\\n'; printf 'test result: FAILED'; exit 101", 60)
        self.assertEqual((code, output), (101, "test a ... ok\ntest result: FAILED"))

    def test_a_test_that_hangs_is_named_and_everything_is_ended(self):
        code, output = self.run_script(f"printf '{LATE}'; sleep 1000 & wait")
        self.assertEqual(code, 124)
        self.assertIn("these tests hang: slow::one\n", output)

    def test_a_test_that_is_late_and_ends_is_all_right(self):
        code, output = self.run_script(f"printf '{LATE}'; printf 'test slow::one ... ok\\n'; sleep 0.5; echo end")
        self.assertEqual((code, output.splitlines()[-1]), (0, "end"))

    def test_a_test_that_ends_is_no_other_test(self):
        watch = deadline.Watch(60)
        watch.hear("test a has been running for over 60 seconds\n", 100.0)
        watch.hear("test ab ... ok\n", 101.0)
        self.assertEqual((watch.hung(159.0), watch.hung(160.0)), ([], ["a"]))


if __name__ == "__main__":
    unittest.main()
