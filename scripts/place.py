"""Puts a library or tool that ships inside wheels under its final name, complete or not at all.

    place.py libtorch PINS... DESTINATION     a libtorch that cargo links to, without its CUDA half
    place.py cmake    PINS... DESTINATION     cmake as it lies in its wheel
    place.py cuda     PINS... DESTINATION     libtorch with its CUDA half and the libraries that this needs, to run with

PINS are files of `name==version --hash=sha256:...` lines; what has been placed carries their hash as `.complete`.
With FRAGUA_KEEP_WHEELS set, the wheels stay in `downloads` beside the destination, for the next call.
"""

import fnmatch
import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

import wheels

# Where the members of a wheel go: the first matching pattern decides; members without one stay in the wheel.
LIBTORCH = [
    ("torch/include/*", "include"),
    ("torch/lib/libtorch_cpu.so", "lib"),
    ("torch/lib/libc10.so", "lib"),
    ("torch/lib/libgomp*.so*", "lib"),
    ("nvidia/*/lib/libcudart.so.*", "lib"),
    ("nvidia/*/lib/libcupti.so.*", "lib"),
    ("torch-*/LICENSE*", "licenses"),
    ("torch-*/NOTICE*", "licenses"),
]
# The layout of the wheels is kept: the libraries find each other by relative paths. Unused libraries stay in the wheel:
# multi-GPU solvers, profilers, drop-in replacements for other libraries, Python's half of torch.
CUDA = [
    ("nvidia/*/lib/libcusolverMg.so*", None),
    ("nvidia/*/lib/libcufftw.so*", None),
    ("nvidia/*/lib/libnvblas.so*", None),
    ("nvidia/*/lib/libnvrtc*.alt.so*", None),
    ("nvidia/*/lib/libcheckpoint.so*", None),
    ("nvidia/*/lib/libnvperf_*.so*", None),
    ("nvidia/*/lib/libpcsamplingutil.so*", None),
    ("nvidia/*/lib/*.so*", "nvidia"),
    ("torch/lib/libtorch_python.so", None),
    ("torch/lib/libtorch_global_deps.so", None),
    ("torch/lib/libtorch.so", None),
    ("torch/lib/libshm.so", None),
    ("torch/lib/*.so*", "torch/lib"),
    ("torch-*/LICENSE*", "licenses"),
    ("torch-*/NOTICE*", "licenses"),
    ("nvidia_*/License.txt", "licenses/nvidia"),
]
FREE_BYTES = 2_500_000_000


def libtorch(paths, folder):
    """The half of libtorch that runs everywhere.

    `libtorch.so` of the wheel asks for `libtorch_cuda.so`, so a linker script stands in its place. The bundled OpenMP
    calls itself `libgomp.so.1`; under that name too, or the system's would be loaded as a second one.
    """
    for path in paths:
        unpack(path, folder, LIBTORCH, ("torch/include/", "torch/lib/"))
    lib = folder / "lib"
    (lib / "libtorch.so").write_text("INPUT(libtorch_cpu.so libc10.so)\n")
    needed = [lib / "libtorch_cpu.so", lib / "libc10.so", *lib.glob("libcudart.so.*"), *lib.glob("libcupti.so.*")]
    if len(needed) != 4 or not all(path.is_file() for path in needed):
        raise wheels.Refused(f"the wheels lack a library: {names(lib)}")
    one_openmp(lib)


def cuda(paths, folder):
    """All of libtorch that a program in C++ or Rust runs with, and NVIDIA's libraries where it looks for them."""
    for path in paths:
        unpack(path, folder, CUDA, ("torch/lib/", "nvidia/", "nvidia_"))
    lib = folder / "torch/lib"
    needed = [lib / f"lib{name}.so" for name in ("torch_cpu", "c10", "torch_cuda", "c10_cuda", "torch_cuda_linalg")]
    if not all(path.is_file() for path in needed):
        raise wheels.Refused(f"the wheels lack a library: {names(lib)}")
    one_openmp(lib)


def one_openmp(lib):
    """The bundled OpenMP under the name that it gives itself."""
    gomp = sorted(lib.glob("libgomp*.so*"))
    if len(gomp) != 1:
        raise wheels.Refused(f"the wheels lack a library: {names(lib)}")
    if gomp[0].name != "libgomp.so.1":
        (lib / "libgomp.so.1").symlink_to(gomp[0].name)


def names(folder):
    """The names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def cmake(paths, folder):
    """The wheel's own tree of cmake."""
    unpack(paths[0], folder, [("cmake/data/*", "")], ("cmake/data/",))


def unpack(path, folder, rules, strip):
    """Unpacks the members that a rule names; keeps the executable bits, which `zipfile` forgets."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            target = destination(member.filename, rules, strip)
            if member.is_dir() or target is None:
                continue
            final = folder / target
            final.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, open(final, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            final.chmod(0o755 if member.external_attr >> 16 & 0o100 else 0o644)


def destination(name, rules, strip):
    """Where a member goes below the destination, or None. `zipfile` is not asked to join paths, so `..` is refused."""
    if ".." in name.split("/") or name.startswith("/"):
        raise wheels.Refused(f"a wheel holds the unsafe name {name}")
    for pattern, folder in rules:
        if fnmatch.fnmatchcase(name, pattern):
            if folder is None:
                return None
            kept = next((name[len(prefix) :] for prefix in strip if name.startswith(prefix)), name.rsplit("/", 1)[-1])
            return os.path.join(folder, kept)
    return None


def place(kind, pins_paths, final):
    """Fetches, unpacks under a partial name, and renames; what stood there before goes last."""
    pins = [pin for path in pins_paths for pin in wheels.read_pins(path)]
    partial, old = final.with_name(final.name + ".partial"), final.with_name(final.name + ".old")
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    if (free := shutil.disk_usage(final.parent).free) < FREE_BYTES:
        raise wheels.Refused(f"{final.parent}: {free >> 20} MiB free, {FREE_BYTES >> 20} MiB needed; make room")
    paths = wheels.fetch(pins, final.parent / "downloads")
    {"libtorch": libtorch, "cmake": cmake, "cuda": cuda}[kind](paths, partial)
    key = hashlib.sha256(b"".join(Path(path).read_bytes() for path in pins_paths)).hexdigest()
    (partial / ".complete").write_text(key + "\n")
    os.sync()
    if final.exists():
        final.rename(old)
    partial.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    if "FRAGUA_KEEP_WHEELS" not in os.environ:
        for path in paths:
            path.unlink()


if __name__ == "__main__":
    try:
        place(sys.argv[1], sys.argv[2:-1], Path(sys.argv[-1]).absolute())
    except wheels.Refused as refused:
        sys.exit(f"error: {refused}")
