"""What sbom.py makes of a small tree of crates and a few pins, and that the real Cargo.lock and pins come out whole."""

import json
import os
import random
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import sbom

ROOT = Path(__file__).resolve().parent.parent
LOCK = {
    "package": [
        {"name": "program", "version": "0.1.0"},
        {"name": "used", "version": "1.0.0", "checksum": "a" * 64},
        {"name": "built", "version": "2.0.0", "checksum": "b" * 64},
        {"name": "tested", "version": "3.0.0", "checksum": "c" * 64},
    ]
}


def package(name, version, licence=None, file=None):
    return {"id": f"{name} {version}", "name": name, "version": version, "license": licence, "license_file": file}


def node(identity, *needs):
    deps = [{"pkg": needed, "dep_kinds": [{"kind": kind} for kind in kinds]} for needed, kinds in needs]
    return {"id": identity, "deps": deps}


METADATA = {
    "packages": [
        package("program", "0.1.0", "MIT"), package("used", "1.0.0", "MIT/Apache-2.0"), package("built", "2.0.0", None, "COPYING"),
        package("tested", "3.0.0", "MIT"),
    ],
    "resolve": {
        "root": "program 0.1.0",
        "nodes": [
            node("program 0.1.0", ("used 1.0.0", [None, "dev"]), ("built 2.0.0", ["build"]), ("tested 3.0.0", ["dev"])),
            node("used 1.0.0"), node("built 2.0.0"), node("tested 3.0.0"),
        ],
    },
}


class Bill(unittest.TestCase):
    def setUp(self):
        self.program, self.crates, self.graph = sbom.from_metadata(METADATA, LOCK, {})
        self.by_name = {entry["name"]: entry for entry in self.crates}

    def test_what_only_tests_need_is_left_out_and_what_only_builds_is_marked(self):
        self.assertEqual(set(self.by_name), {"used", "built"})
        self.assertEqual(self.by_name["built"]["scope"], "excluded")
        self.assertNotIn("scope", self.by_name["used"])

    def test_a_crate_has_its_address_its_licence_and_its_hash(self):
        used = self.by_name["used"]
        self.assertEqual(used["purl"], "pkg:cargo/used@1.0.0")
        self.assertEqual(used["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        self.assertEqual(used["hashes"], [{"alg": "SHA-256", "content": "a" * 64}])

    def test_a_licence_that_is_only_a_file_is_named_by_it_until_somebody_has_read_it(self):
        self.assertEqual(self.by_name["built"]["licenses"], [{"license": {"name": "COPYING"}}])
        _, crates, _ = sbom.from_metadata(METADATA, LOCK, {"built": "BSD-3-Clause"})
        self.assertIn([{"expression": "BSD-3-Clause"}], [entry["licenses"] for entry in crates])

    def test_the_graph_names_only_what_is_listed(self):
        wheels = sbom.from_pins(f"torch==2.4.1 --hash=sha256:{'d' * 64}\n", "pins")
        bill = sbom.document(self.program, self.crates, self.graph, wheels)
        listed = {bill["metadata"]["component"]["bom-ref"], *(entry["bom-ref"] for entry in bill["components"])}
        self.assertEqual({entry["ref"] for entry in bill["dependencies"]}, listed)
        root = next(entry for entry in bill["dependencies"] if entry["ref"] == "pkg:cargo/program@0.1.0")
        self.assertEqual(root["dependsOn"], ["pkg:cargo/built@2.0.0", "pkg:cargo/used@1.0.0", "pkg:pypi/torch@2.4.1"])

    def test_the_order_of_the_input_does_not_matter(self):
        expected = sbom.document(self.program, self.crates, self.graph, [])
        shuffled = json.loads(json.dumps(METADATA))
        random.Random(1).shuffle(shuffled["packages"])
        shuffled["resolve"]["nodes"].reverse()
        self.assertEqual(sbom.document(*sbom.from_metadata(shuffled, LOCK, {}), []), expected)

    def test_time_and_serial_number_are_there_only_when_given(self):
        bare = sbom.document(self.program, self.crates, self.graph, [])
        self.assertNotIn("timestamp", bare["metadata"])
        self.assertNotIn("serialNumber", bare)
        full = sbom.document(self.program, self.crates, self.graph, [], 0, "urn:uuid:1")
        self.assertEqual((full["metadata"]["timestamp"], full["serialNumber"]), ("1970-01-01T00:00:00Z", "urn:uuid:1"))


class Pins(unittest.TestCase):
    def test_a_wheel_has_its_address_its_hash_and_if_known_its_licence(self):
        text = f"# a comment\n\nNvidia_cuDNN.cu12==9.1.0.70 \\\n    --hash=sha256:{'e' * 64}  # and one more\nother==1 --hash=sha256:{'f' * 64}\n"
        cudnn, other = sbom.from_pins(text, "pins")
        self.assertEqual(cudnn["purl"], "pkg:pypi/nvidia-cudnn-cu12@9.1.0.70")
        self.assertEqual(cudnn["hashes"][0]["content"], "e" * 64)
        self.assertEqual(cudnn["licenses"], [sbom.NVIDIA])
        self.assertNotIn("licenses", other)

    def test_a_line_that_pins_nothing_is_refused_with_its_place(self):
        for line in ("torch>=2", "torch==2.4.1", f"torch==2.4.1 --hash=md5:{'a' * 32}"):
            with self.assertRaisesRegex(sbom.Refused, "pins:2: "):
                sbom.from_pins(f"# pins\n{line}\n", "pins")


class Program(unittest.TestCase):
    def call(self, *arguments, **environment):
        words = [sys.executable, ROOT / "scripts/sbom.py", *arguments]
        return subprocess.run(words, capture_output=True, text=True, env=os.environ | environment)

    def test_the_real_lock_and_pins_come_out_whole_and_the_same_twice(self):
        arguments = ("--wheels", ROOT / "scripts/pins/libtorch-2.4.txt")
        first = self.call(*arguments, SOURCE_DATE_EPOCH="1700000000")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout, self.call(*arguments, SOURCE_DATE_EPOCH="1700000000").stdout)
        bill = json.loads(first.stdout)
        purls = {entry["purl"] for entry in bill["components"]}
        crates = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
        self.assertEqual(len([purl for purl in purls if purl.startswith("pkg:cargo/")]), len(crates) - 1)
        self.assertIn("pkg:pypi/torch@2.4.1", purls)
        self.assertEqual(bill["metadata"]["timestamp"], "2023-11-14T22:13:20Z")

    def test_a_wrong_input_is_reported_in_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            pins = Path(folder, "pins.txt")
            pins.write_text("torch\n")
            for arguments in (("--wheels", pins), ("--lock", Path(folder, "none")), ("--metadata", pins)):
                result = self.call(*arguments)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertRegex(result.stderr, r"\Asbom: [^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()
