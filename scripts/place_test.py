"""Places libraries out of small wheels made here: complete, or not at all."""

import hashlib
import os
import stat
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))
import place
import wheels

TORCH = {
    "torch/include/torch/script.h": b"header",
    "torch/lib/libtorch_cpu.so": b"cpu",
    "torch/lib/libc10.so": b"c10",
    "torch/lib/libgomp-a34b3233.so.1": b"gomp",
    "torch/lib/libtorch_cuda.so": b"cuda",
    "torch/lib/libtorch.so": b"asks for cuda",
    "torch/nn/modules.py": b"python",
    "torch-2.4.1.dist-info/LICENSE": b"licence",
}
RUNTIME = {"nvidia/cuda_runtime/lib/libcudart.so.12": b"cudart", "nvidia/cuda_runtime/include/cuda.h": b"header"}
CUPTI = {"nvidia/cuda_cupti/lib/libcupti.so.12": b"cupti", "nvidia/cuda_cupti/lib/libnvperf_host.so": b"perf"}
PLACED = {
    ".complete",
    "include/torch/script.h",
    "lib/libtorch_cpu.so",
    "lib/libc10.so",
    "lib/libgomp-a34b3233.so.1",
    "lib/libgomp.so.1",
    "lib/libcudart.so.12",
    "lib/libcupti.so.12",
    "lib/libtorch.so",
    "licenses/LICENSE",
}


class Places(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.links, self.tools = Path(folder.name, "links"), Path(folder.name, "tools")
        self.pins, self.final = Path(folder.name, "pins.txt"), self.tools / "libtorch"
        self.links.mkdir()
        self.tools.mkdir()
        settings = {"PIP_FIND_LINKS": str(self.links), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
        for patch in (mock.patch.dict(os.environ, settings), mock.patch.object(place, "FREE_BYTES", 0)):
            patch.start()
            self.addCleanup(patch.stop)

    def place(self, *wheels_of, kind="libtorch"):
        lines = []
        for number, members in enumerate(wheels_of):
            path = self.links / f"part{number}-1.0-py3-none-any.whl"
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in members.items():
                    member = zipfile.ZipInfo(name)
                    member.external_attr = (0o755 if name.endswith("cpu.so") else 0o644) << 16
                    archive.writestr(member, data)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"part{number}==1.0 --hash=sha256:{digest}\n")
        self.pins.write_text("".join(lines))
        place.place(kind, [self.pins], self.final)

    def names(self, folder):
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}

    def test_libtorch_is_placed_without_its_cuda_half(self):
        self.place(TORCH, RUNTIME, CUPTI)
        self.assertEqual(self.names(self.final), PLACED)
        lib = self.final / "lib"
        self.assertEqual((lib / "libtorch.so").read_text(), "INPUT(libtorch_cpu.so libc10.so)\n")
        self.assertEqual(os.readlink(lib / "libgomp.so.1"), "libgomp-a34b3233.so.1")
        self.assertEqual(stat.S_IMODE((lib / "libtorch_cpu.so").stat().st_mode), 0o755)
        self.assertEqual(stat.S_IMODE((lib / "libc10.so").stat().st_mode), 0o644)
        self.assertEqual((self.final / ".complete").read_text().strip(), hashlib.sha256(self.pins.read_bytes()).hexdigest())

    def test_what_was_downloaded_and_unpacked_on_the_way_is_gone(self):
        self.place(TORCH, RUNTIME, CUPTI)
        self.assertEqual({path.split("/")[0] for path in self.names(self.tools)}, {"libtorch"})

    def test_a_wheel_that_lacks_a_library_leaves_the_old_one_in_place(self):
        self.place(TORCH, RUNTIME, CUPTI)
        with self.assertRaisesRegex(wheels.Refused, "the wheels lack a library"):
            self.place(TORCH, RUNTIME)
        self.assertEqual(self.names(self.final), PLACED)

    def test_a_new_version_replaces_the_old_one_whole(self):
        self.place({**TORCH, "torch/include/old.h": b""}, RUNTIME, CUPTI)
        self.place(TORCH, RUNTIME, CUPTI)
        self.assertEqual(self.names(self.final), PLACED)

    def test_a_member_that_climbs_out_is_refused(self):
        with self.assertRaisesRegex(wheels.Refused, "unsafe name"):
            self.place({"torch/include/../../../evil": b""})
        self.assertFalse(self.final.exists())

    def test_a_full_disk_is_refused_before_the_download(self):
        with mock.patch.object(place, "FREE_BYTES", 1 << 62):
            with self.assertRaisesRegex(wheels.Refused, "make room"):
                self.place(TORCH, RUNTIME, CUPTI)
        self.assertEqual(self.names(self.tools), set())

    def test_cmake_keeps_its_tree(self):
        self.final = self.tools / "cmake"
        self.place({"cmake/data/bin/cmake": b"cmake", "cmake/__init__.py": b""}, kind="cmake")
        self.assertEqual(self.names(self.final), {".complete", "bin/cmake"})

    def test_what_runs_on_a_gpu_keeps_the_layout_of_the_wheels_and_leaves_out_what_nothing_asks_for(self):
        halves = ("libc10_cuda.so", "libtorch_cuda_linalg.so", "libtorch_python.so", "libcusparseLt-f80c68d1.so.0")
        torch = {**TORCH, **{f"torch/lib/{name}": b"library" for name in halves}}
        solver = {"nvidia/cusolver/lib/libcusolver.so.11": b"", "nvidia/cusolver/lib/libcusolverMg.so.11": b""}
        licence = {"nvidia_cusolver_cu12-11.4.dist-info/License.txt": b"terms"}
        self.final = self.tools / "gpu"
        with mock.patch.dict(os.environ, {"FRAGUA_KEEP_WHEELS": "1"}):
            self.place(torch, RUNTIME, CUPTI, {**solver, **licence}, kind="cuda")
        torch_lib = {"libtorch_cpu.so", "libc10.so", "libtorch_cuda.so", "libgomp-a34b3233.so.1", "libgomp.so.1"}
        torch_lib |= {"libc10_cuda.so", "libtorch_cuda_linalg.so", "libcusparseLt-f80c68d1.so.0"}
        nvidia = {"cuda_runtime/lib/libcudart.so.12", "cuda_cupti/lib/libcupti.so.12", "cusolver/lib/libcusolver.so.11"}
        expected = {".complete", "licenses/LICENSE", "licenses/nvidia/cusolver_cu12-11.4.dist-info/License.txt"}
        expected |= {f"torch/lib/{name}" for name in torch_lib} | {f"nvidia/{name}" for name in nvidia}
        self.assertEqual(self.names(self.final), expected)
        self.assertEqual(len(list((self.tools / "downloads").iterdir())), 4)


if __name__ == "__main__":
    unittest.main()
