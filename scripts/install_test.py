"""Calls install.sh in a tree of stand-ins: what it places, what a second call changes, and what an uninstall leaves."""

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
# version VERSION
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
case $1 in
  --version) [[ -f $here/../lib/libtorch_cpu.so ]] && echo 'fragua VERSION' ;;
  man) printf '.TH FRAGUA 1\\n' >"$3/fragua.1"; [[ VERSION != 1 ]] || printf '.TH OLD 1\\n' >"$3/fragua-old.1" ;;
  completions) printf 'completions for %s\\n' "$2" ;;
  *) pwd ;;
esac
"""
PLACED = {
    "bin/fragua", "share/man/man1/fragua.1", "share/bash-completion/completions/fragua", "share/zsh/site-functions/_fragua",
    "share/fish/vendor_completions.d/fragua.fish", "share/fragua/config.yaml", "share/fragua/configs/radar.yaml",
    "share/doc/fragua/LICENSE-MIT", "share/doc/fragua/libtorch-NOTICE", "lib/fragua/manifest",
}


class Install(Tree):
    def setUp(self):
        super().setUp()
        self.prefix = self.folder / "a prefix"
        self.put("scripts/setup.sh", '#!/bin/sh\necho "set-up in $PWD"\nexit "${SETUP:-0}"\n')
        self.put("tools/cargo", '#!/bin/sh\necho "cargo $* in $PWD, flags ${RUSTFLAGS-none}"\nexit "${BUILD:-0}"\n')
        self.put(".tools/libtorch/.complete", "pins")
        for name in ("libtorch_cpu.so", "libc10.so", "libcudart.so.12", "libgomp-1.so.1", "libtorch.so"):
            self.put(f".tools/libtorch/lib/{name}", name)
        (self.root / ".tools/libtorch/lib/libgomp.so.1").symlink_to("libgomp-1.so.1")
        self.put(".tools/libtorch/licenses/NOTICE", "notice")
        for name in ("config.yaml", "configs/radar.yaml", "LICENSE-MIT"):
            self.put(name, name)
        self.program("1")
        shutil.copy(Path(__file__).with_name("install.sh"), self.root / "scripts/install.sh")

    def program(self, version):
        self.put("target/debug/fragua", PROGRAM.replace("VERSION", version))

    def call(self, *arguments, **environment):
        environment = {"PATH": f"{self.root / 'tools'}:{os.environ['PATH']}", "RUSTFLAGS": "-C something"} | environment
        done = subprocess.run(
            [self.root / "scripts/install.sh", *arguments], env=os.environ | environment, text=True, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
        )
        return done.returncode, done.stdout

    def install(self):
        code, output = self.call("--prefix", str(self.prefix))
        self.assertEqual(code, 0, output)
        return output

    def files(self, below=None):
        below = below or self.prefix
        return {str(path.relative_to(below)) for path in below.rglob("*") if path.is_symlink() or not path.is_dir()}

    def test_everything_is_placed_and_the_program_runs_elsewhere(self):
        output = self.install()
        self.assertIn(f"cargo build --locked in {self.root}, flags none", output)
        self.assertIn(" MB are free there", output)
        self.assertIn("is not in PATH", output)
        self.assertLessEqual(PLACED, self.files())
        libraries = {path.rsplit("/", 1)[1] for path in self.files() if ".so" in path}
        self.assertEqual(libraries, {"libtorch_cpu.so", "libc10.so", "libcudart.so.12", "libgomp-1.so.1", "libgomp.so.1"})
        shutil.rmtree(self.root)
        run = subprocess.run([self.prefix / "bin/fragua", "where"], cwd="/", text=True, stdout=subprocess.PIPE, check=True)
        self.assertEqual(run.stdout, "/\n")

    def test_a_second_call_changes_nothing_and_a_new_program_replaces_the_old_one(self):
        self.install()
        before = {path: (self.prefix / path).lstat().st_mtime_ns for path in self.files()}
        self.assertIn("is current; nothing to do", self.install())
        self.assertEqual(before, {path: (self.prefix / path).lstat().st_mtime_ns for path in self.files()})
        (self.prefix / "share/man/man1/fragua.1").unlink()
        self.install()
        self.assertEqual(set(before), self.files(), "what was lost is placed again")
        self.program("2")
        self.assertIn("(fragua 2)", self.install())
        self.assertEqual(len([path for path in self.files() if path.endswith("bin/fragua")]), 2, "the link and one program")
        self.assertNotIn("share/man/man1/fragua-old.1", self.files())

    def test_an_uninstall_removes_what_was_placed_and_nothing_else(self):
        others = ("bin/other", "share/man/man1/other.1", "lib/fragua/mine.txt", "share/fragua/configs/mine.yaml")
        for name in others:
            path = self.prefix / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("mine")
        self.install()
        changed = self.prefix / "share/fragua/config.yaml"
        changed.write_text("changed")
        code, output = self.call("--uninstall", "--prefix", str(self.prefix))
        self.assertEqual(code, 0, output)
        self.assertIn("config.yaml was changed since, so it stays", output)
        self.assertEqual(self.files(), {*others, "share/fragua/config.yaml"})
        self.assertTrue((self.prefix / "share/man/man1").is_dir(), "it was there before")
        self.assertFalse((self.prefix / "share/zsh").exists(), "it was made by the installation")
        code, output = self.call("--uninstall", "--prefix", str(self.prefix))
        self.assertEqual(code, 1)
        self.assertIn("nothing is installed in", output)

    def test_files_of_somebody_else_are_kept(self):
        path = self.prefix / "bin/fragua"
        path.parent.mkdir(parents=True)
        path.write_text("another program")
        self.assertIn("is now", self.install())
        self.assertEqual((self.prefix / "bin/fragua.before-fragua").read_text(), "another program")

    def test_whatever_ends_it_the_next_call_completes_it_and_an_uninstall_still_finds_everything(self):
        self.install()
        self.program("2")
        # Each call ends itself at another renaming.
        self.put("tools/mv", """#!/usr/bin/env bash
count=$(($(cat "$COUNTER") + 1)); echo "$count" >"$COUNTER"
((count < LAST)) || kill -KILL $PPID
exec /bin/mv "$@"
""")
        counter = self.root / "counter"
        for last in (1, 2, 3, 8, 12):
            counter.write_text("0")
            code, _ = self.call("--prefix", str(self.prefix), COUNTER=str(counter), LAST=str(last))
            self.assertEqual(code, -signal.SIGKILL, last)
            version = subprocess.run([self.prefix / "bin/fragua", "--version"], text=True, stdout=subprocess.PIPE, check=True)
            self.assertIn(version.stdout, ("fragua 1\n", "fragua 2\n"))
        (self.root / "tools/mv").unlink()
        code, output = self.call("--uninstall", "--prefix", str(self.prefix))
        self.assertEqual((code, self.files()), (0, set()), output)
        self.install()
        self.assertLessEqual(PLACED, self.files())

    def test_a_failed_build_or_a_program_that_does_not_start_changes_nothing(self):
        self.install()
        before = self.files()
        for failure in ({"SETUP": "4"}, {"BUILD": "4"}):
            self.assertEqual(self.call("--prefix", str(self.prefix), **failure)[0], 4)
        self.put("target/debug/fragua", "#!/bin/sh\nexit 1\n")
        code, output = self.call("--prefix", str(self.prefix))
        self.assertEqual(code, 1)
        self.assertIn("nothing was changed", output)
        self.assertEqual(self.files(), before)

    def test_wrong_arguments_and_places_are_refused(self):
        self.assertEqual(self.call("--prefx")[0], 2)
        self.assertEqual(self.call("--prefix")[0], 2)
        self.put("file", "no folder")
        code, output = self.call("--prefix", str(self.root / "file/below"))
        self.assertEqual(code, 73)
        self.assertIn("is a file, not a folder", output)


if __name__ == "__main__":
    unittest.main()
