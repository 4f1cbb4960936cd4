"""Calls setup.sh in a tree of stand-ins, with packages made here: what it installs for training and for tests."""

import hashlib
import os
import shutil
import subprocess
import sys
import unittest
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from stand_ins import Tree

SCRIPT = Path(__file__).with_name("setup.sh")
# Replaces place.py: prints its arguments and its Python, and completes the folder.
PLACE = """import hashlib, pathlib, sys
kind, pins, final = sys.argv[1:]
print("placed", kind, "with", pathlib.Path(sys.prefix).name)
pathlib.Path(final).mkdir()
pathlib.Path(final, ".complete").write_text(hashlib.sha256(pathlib.Path(pins).read_bytes()).hexdigest() + "\\n")
"""


class SetUp(Tree):
    def setUp(self):
        super().setUp()
        self.put("scripts/place.py", PLACE)
        self.put("Cargo.toml", 'rust-version = "1.0"\n')
        self.put("rust-toolchain.toml", 'channel = "1.0"\n')
        self.put("bin/rustup", "#!/bin/sh\n")
        self.put("scripts/pins/pip.txt", self.package("tiny"))
        self.put("scripts/requirements.txt", self.package("numpy"))
        self.put("scripts/pins/cmake.txt", "cmake")
        self.put("scripts/pins/libtorch-2.4.txt", "libtorch")
        shutil.copy(SCRIPT, self.root / "scripts/setup.sh")

    def package(self, name):
        """Makes a wheel, and the pin that names it."""
        path = self.root / f"links/{name}-1.0-py3-none-any.whl"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{name}.py", "")
            archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
        return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def call(self, *arguments, **environment):
        own = {"PIP_FIND_LINKS": (self.root / "links").as_uri(), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
        own["PATH"] = f"{self.root / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            [self.root / "scripts/setup.sh", *arguments], env=os.environ | own | environment, text=True, timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return done.returncode, done.stdout

    def brought(self):
        return sorted(path.name for path in (self.root / ".tools").iterdir() if path.name != ".lock")

    def test_training_gets_libtorch_and_cmake_and_the_tests_get_the_packages_beside_them(self):
        code, output = self.call()
        self.assertEqual((code, self.brought()), (0, ["cmake", "libtorch", "pip"]), output)
        self.assertIn("placed libtorch with pip\n", output)
        code, output = self.call("--tests")
        self.assertEqual((code, self.brought()), (0, ["cmake", "libtorch", "pip", "python"]), output)
        self.assertNotIn("placed", output)
        for arguments in ((), ("--tests",)):
            self.assertEqual(self.call(*arguments), (0, "setup: everything is in place below .tools\n"))
        self.assertFalse([path for path in (self.root / ".tools/python/bin").iterdir() if b"python.partial" in path.read_bytes()])

    def test_other_pins_bring_it_again(self):
        self.assertEqual(self.call()[0], 0)
        self.put("scripts/pins/cmake.txt", "newer")
        shutil.rmtree(self.root / ".tools/cmake")
        code, output = self.call()
        self.assertEqual((code, output.count("placed")), (0, 1), output)
        self.assertIn("placed cmake", output)

    def test_what_is_missing_is_named_at_once(self):
        for name in ("git", "c++", "cc", "make", "cargo", "rustup", "python3"):
            (self.root / "bin" / name).unlink(missing_ok=True)
        tools = ("bash", "dirname", "sed", "uname", "sort", "head", "sha256sum", "cut")
        for tool in tools:
            (self.root / "bin" / tool).symlink_to(shutil.which(tool))
        code, output = self.call(PATH=str(self.root / "bin"), PYTHON="")
        self.assertEqual(code, 1)
        for what in ("git", "a C++ compiler and make", "Rust", "Python 3.9 or newer"):
            self.assertIn(f"setup: missing: {what}: ", output)
        self.assertIn("Python 3.11 or newer", self.call("--tests", PATH=str(self.root / "bin"), PYTHON="")[1])

    def test_other_arguments_are_refused(self):
        self.assertEqual(self.call("--test")[0], 2)
        self.assertEqual(self.call("--tests", "more")[0], 2)


if __name__ == "__main__":
    unittest.main()
