"""Holds docs/remote.md and the files in docker/ against what they speak of: exit codes, commands, the sum of the disk."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs/remote.md").read_text()
COMPARED_AND_WORSE = 1


def exit_codes():
    """The codes that the program ends with, from where they are defined."""
    text = (ROOT / "crates/util/src/exit.rs").read_text()
    return {int(code) for code in re.findall(r"^    [A-Z]\w+ = (\d+),", text, re.M)}


def numbers(text):
    return {int(number) for number in re.findall(r"\d+", text)}


class Remote(unittest.TestCase):
    def test_the_guide_explains_every_exit_code(self):
        table = GUIDE[GUIDE.index("## By exit code"):]
        told = numbers(" ".join(re.findall(r"^\| ([\d, ]+) \|", table, re.M)))
        self.assertEqual(told - {137}, exit_codes() - {COMPARED_AND_WORSE})

    def test_kubernetes_gives_up_if_starting_again_does_not_help(self):
        text = (ROOT / "docker/kubernetes.yaml").read_text()
        fails, counts = (numbers(values) for values in re.findall(r"values: \[(.*)\]", text))
        self.assertEqual((fails, counts), ({2, 65, 71, 73, 76, 78}, {75}))
        self.assertLessEqual(fails | counts, exit_codes())

    def test_skypilot_recovers_from_try_again_later(self):
        self.assertIn("recover_on_exit_codes: [75]", (ROOT / "docker/skypilot.yaml").read_text())

    def test_the_disk_in_the_guide_is_what_the_script_says(self):
        said = subprocess.run([ROOT / "scripts/vast.sh", "disk", "--data-gb", "12"], capture_output=True, text=True, check=True).stdout
        self.assertIn(" ".join(said.split()), " ".join(GUIDE.split()))

    def test_every_command_of_the_guide_is_one(self):
        commands = re.findall(r"^ {4}scripts/vast\.sh (?:.*\\\n)*.*", GUIDE, re.M)
        self.assertGreaterEqual(len(commands), 8)
        for command in commands:
            words = shlex.split(command.replace("\\\n", " ").replace("OFFER", "77").replace("INSTANCE", "5"), comments=True)
            result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, f"{command}: {result.stderr}")

    def test_every_file_of_the_guide_exists(self):
        for name in set(re.findall(r"\b(?:docker|scripts|configs)/[\w./-]+\w", GUIDE)):
            self.assertTrue((ROOT / name).exists() or name == "docker/Dockerfile", name)

    def test_every_link_inside_the_guide_has_its_heading(self):
        headings = {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", GUIDE, re.M)}
        self.assertLessEqual(set(re.findall(r"\]\(#([^)]*)\)", GUIDE)), headings)

    @unittest.skipUnless(shutil.which("docker-compose"), "docker-compose is not installed")
    def test_compose_takes_its_file(self):
        with tempfile.TemporaryDirectory() as home:
            result = subprocess.run(
                ["docker-compose", "--file", ROOT / "docker/compose.yaml", "--profile", "train", "config", "--quiet"],
                capture_output=True, text=True, env=os.environ | {"HOME": home}
            )
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
