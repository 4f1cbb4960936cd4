"""Calls supply_chain.sh with a stand-in for cargo: its calls, and its behaviour if something is missing."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).with_name("supply_chain.sh")

CARGO = """#!/bin/sh
echo "$*" >>"${0%/*}/calls"
case "$*" in *"${REFUSED:-none}"*) exit 1 ;; esac
[ "$2" != --config ] || grep -A2 '^.advisories.' "$3" >>"${0%/*}/calls"
"""
TOOLS = ("bash", "dirname", "git", "mktemp", "rm", "sed", "grep", "sh")


class SupplyChain(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for tool in TOOLS:
            (self.root / tool).symlink_to(shutil.which(tool))

    def install(self):
        for name, text in (("cargo", CARGO), ("cargo-deny", "")):
            (self.root / name).write_text(text)
            (self.root / name).chmod(0o755)

    def call(self, **more):
        environment = {name: value for name, value in os.environ.items() if name not in ("FRAGUA_ADVISORY_DB", "SUPPLY_CHAIN_REQUIRED")}
        result = subprocess.run([SCRIPT], env=environment | {"PATH": str(self.root)} | more, capture_output=True, text=True)
        calls = self.root / "calls"
        return result.returncode, result.stdout + result.stderr, calls.read_text().splitlines() if calls.exists() else []

    def database(self):
        path = self.root / "advisory db"
        author = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "init", "--quiet", path], check=True)
        subprocess.run(["git", "-C", path, *author, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
        return str(path)

    def test_what_is_missing_is_named_with_the_command_and_is_a_failure_only_on_demand(self):
        code, text, _ = self.call()
        self.assertEqual(code, 77)
        self.assertIn("cargo install --locked cargo-deny", text)
        self.assertEqual(self.call(SUPPLY_CHAIN_REQUIRED="1")[0], 1)

    def test_without_a_database_all_but_advisories_is_checked(self):
        self.install()
        code, text, calls = self.call()
        self.assertEqual((code, calls), (77, ["deny --offline --config deny.toml check licenses bans sources"]))
        self.assertIn("FRAGUA_ADVISORY_DB", text)
        self.assertEqual(self.call(SUPPLY_CHAIN_REQUIRED="1")[0], 1)

    def test_with_a_database_everything_is_checked_and_nothing_is_left_behind(self):
        self.install()
        code, text, calls = self.call(FRAGUA_ADVISORY_DB=self.database(), TMPDIR=str(self.root))
        self.assertEqual(code, 0, text)
        self.assertTrue(calls[1].endswith("fetch db"), calls)
        self.assertTrue(calls[-1].endswith("check advisories"), calls)
        self.assertIn('db-urls = ["https://advisories.invalid/advisory-db"]', calls)
        self.assertFalse(list(self.root.glob("tmp.*")))

    def test_a_refusal_is_a_failure(self):
        self.install()
        self.assertEqual(self.call(REFUSED="licenses")[0], 1)
        self.assertEqual(self.call(REFUSED="check advisories", FRAGUA_ADVISORY_DB=self.database())[0], 1)


if __name__ == "__main__":
    unittest.main()
