"""Calls train.sh in a tree of stand-ins: the programs that it calls, their folders, exit codes and signals."""

import os
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from stand_ins import Tree

PROGRAM = """#!/usr/bin/env bash
printf 'program in %s:' "$PWD"
printf ' <%s>' "$@"
printf '\\n'
trap 'exit 143' TERM
for word; do [[ $word != --wait ]] || { printf 'waiting\\n'; while :; do sleep 0.02; done; }; done
exit "${CODE:-0}"
"""


class Train(Tree):
    def setUp(self):
        super().setUp()
        self.elsewhere = self.folder / "elsewhere"
        self.elsewhere.mkdir()
        self.put("scripts/setup.sh", '#!/bin/sh\necho "set-up in $PWD"\nexit "${SETUP:-0}"\n')
        self.put("bin/cargo", '#!/bin/sh\necho "cargo $* in $PWD, flags ${RUSTFLAGS-none}"\nexit "${BUILD:-0}"\n')
        self.put("target/debug/fragua", PROGRAM)
        shutil.copy(Path(__file__).with_name("train.sh"), self.root / "scripts/train.sh")

    def start(self, *arguments, **environment):
        environment |= {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "RUSTFLAGS": "-C something"}
        return subprocess.Popen(
            [self.root / "scripts/train.sh", *arguments], cwd=self.elsewhere, env=os.environ | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def call(self, *arguments, **environment):
        process = self.start(*arguments, **environment)
        output, _ = process.communicate()
        return process.returncode, output.splitlines()

    def test_it_sets_up_and_builds_in_the_checkout_and_trains_where_it_is_called(self):
        code, lines = self.call("--set", "name=two words")
        self.assertEqual(code, 0)
        self.assertEqual(lines[0], f"set-up in {self.root}")
        self.assertEqual(lines[2], f"cargo build --locked in {self.root}, flags none")
        self.assertEqual(lines[-1], f"program in {self.elsewhere}: <train> <--set> <name=two words>")

    def test_without_arguments_it_trains_the_default_in_the_checkout(self):
        _, lines = self.call()
        self.assertEqual(lines[-1], f"program in {self.root}: <train>")

    def test_a_failed_set_up_or_build_ends_it(self):
        for failure in ({"SETUP": "4"}, {"BUILD": "4"}):
            code, lines = self.call(**failure)
            self.assertEqual(code, 4)
            self.assertNotIn("program", lines[-1])

    def test_the_exit_code_is_that_of_the_program(self):
        self.assertEqual(self.call(CODE="76")[0], 76)

    def test_a_signal_reaches_the_program(self):
        process = self.start("--wait")
        for line in process.stdout:
            if line == "waiting\n":
                break
        process.send_signal(signal.SIGTERM)
        process.communicate()
        self.assertEqual(process.returncode, 143)


if __name__ == "__main__":
    unittest.main()
