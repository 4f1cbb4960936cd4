#!/usr/bin/env bash
# Sets up below .tools/ what cargo and the tests need, pinned and verified; does nothing where it is in place.
# A download that was interrupted goes on where it stopped. Nothing outside the checkout is touched,
# but for the Rust toolchain that rust-toolchain.toml names, which rustup keeps.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

OLDEST_PYTHON=3.11
OLDEST_RUST=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
RUST=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

# in_place FOLDER PINS: whether the folder was completed from these very pins.
in_place() { [[ -f .tools/$1/.complete && $(<".tools/$1/.complete") == "$(key "$2")" ]]; }
key() { sha256sum <"$1" | cut -d' ' -f1; }
python_in_place() { in_place python scripts/requirements.txt && .tools/python/bin/python -c 'import numpy' 2>/dev/null; }
at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info < (${OLDEST_PYTHON/./, }))" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Names everything that is missing at once, each with the command that brings it.
check_machine() {
  local missing=() sudo=""
  ((EUID == 0)) || sudo="sudo "
  [[ $(uname -sm) == "Linux x86_64" ]] || fail "$(uname -sm): only Linux on x86-64 has the libtorch that this builds against"
  command -v git >/dev/null || missing+=("git: ${sudo}apt-get install git")
  if ! { command -v c++ && command -v cc && command -v make; } >/dev/null; then
    missing+=("a C++ compiler and make: ${sudo}apt-get install build-essential")
  fi
  if ! command -v cargo >/dev/null; then
    missing+=("Rust: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh")
  elif ! command -v rustup >/dev/null && ! at_least "$OLDEST_RUST" "$(cargo --version | cut -d' ' -f2)"; then
    missing+=("Rust $OLDEST_RUST ($(cargo --version) is too old): curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh")
  fi
  if ! python_in_place; then
    if ! PYTHON=$(find_python); then
      missing+=("Python $OLDEST_PYTHON or newer: ${sudo}apt-get install python$OLDEST_PYTHON python$OLDEST_PYTHON-venv")
    elif ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && ! "$PYTHON" -c 'import pip, venv' 2>/dev/null; then
      missing+=("Python's venv: ${sudo}apt-get install python$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv")
    fi
  fi
  ((${#missing[@]} == 0)) && return
  printf 'setup: missing: %s\n' "${missing[@]}" >&2
  exit 1
}

check_rust() {
  command -v rustup >/dev/null || return 0
  rustup run "$RUST" cargo --version >/dev/null 2>&1 && return
  say "Rust $RUST: installing it with rustup"
  rustup toolchain install "$RUST" --profile minimal --component rustfmt --component clippy
}

# Made beside the old one, which is removed last. A virtual environment writes its own path into its scripts, so the
# partial name is replaced in them before the renaming.
make_python() {
  local new=.tools/python.partial old=.tools/python.old
  say "python: a virtual environment with numpy, xarray, netCDF4, moto, linters and others for the tests, 150 MB to download, 660 MB on disk"
  rm -rf "$new" "$old"
  # What a user may have set for pip at large would lead the packages elsewhere.
  unset PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV PYTHONHOME PYTHONPATH
  export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
  local install=(-m pip install --quiet --only-binary=:all: --no-deps --require-hashes)
  if "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
    "$PYTHON" -m venv "$new"
    "$new/bin/python" "${install[@]}" -r scripts/pins/pip.txt
  else # Debian keeps ensurepip in a package of its own; the system's pip can fill the environment as well.
    "$PYTHON" -m venv --without-pip "$new"
    "$PYTHON" "${install[@]}" --target "$("$new/bin/python" -c 'import site; print(site.getsitepackages()[0])')" \
      -r scripts/pins/pip.txt
  fi
  "$new/bin/python" "${install[@]}" -r scripts/requirements.txt
  grep -rlI 'python\.partial' "$new/bin" "$new/pyvenv.cfg" | xargs -r sed -i 's|python\.partial|python|g'
  key scripts/requirements.txt >"$new/.complete"
  sync
  [[ ! -e .tools/python ]] || mv .tools/python "$old"
  mv "$new" .tools/python
  rm -rf "$old"
}

check_machine
check_rust
mkdir -p .tools
exec 9>.tools/.lock
if ! flock --nonblock 9; then
  say "another set-up is at work here; waiting for it"
  flock 9
fi

if python_in_place && in_place cmake scripts/pins/cmake.txt && in_place libtorch scripts/pins/libtorch-2.4.txt; then
  say "everything is in place below .tools"
  exit
fi
python_in_place || make_python
if ! in_place cmake scripts/pins/cmake.txt; then
  say "cmake: 28 MB to download, 77 MB on disk"
  .tools/python/bin/python scripts/place.py cmake scripts/pins/cmake.txt .tools/cmake
fi
if ! in_place libtorch scripts/pins/libtorch-2.4.txt; then
  say "libtorch 2.4.1: 812 MB to download, 550 MB on disk"
  .tools/python/bin/python scripts/place.py libtorch scripts/pins/libtorch-2.4.txt .tools/libtorch
fi
rmdir .tools/downloads 2>/dev/null || true
say "done: everything is in place below .tools"
