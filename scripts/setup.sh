#!/usr/bin/env bash
# Sets up below .tools/ what building and training need, pinned and verified; does nothing if it is in place.
#     scripts/setup.sh            libtorch, cmake, and the pip that fetches them: 842 MB to download, 650 MB on disk
#     scripts/setup.sh --tests    also the Python packages and programs of scripts/test.sh: 160 MB, 700 MB on disk
# An interrupted download continues where it stopped. Nothing outside the checkout changes,
# except the Rust toolchain that rust-toolchain.toml names, which rustup keeps.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$*" in
  '') tests='' oldest_python=3.9 ;;
  --tests) tests=1 oldest_python=3.11 ;;
  *) printf 'setup: error: unknown arguments: %s; usage: scripts/setup.sh [--tests]\n' "$*" >&2; exit 2 ;;
esac
OLDEST_RUST=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
RUST=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

# in_place FOLDER PINS: whether the folder was completed from these very pins.
in_place() { [[ -f .tools/$1/.complete && $(<".tools/$1/.complete") == "$(key "$2")" ]]; }
key() { sha256sum <"$1" | cut -d' ' -f1; }
# environment_in_place FOLDER PINS MODULE: the same for a virtual environment, whose Python may have been removed since.
environment_in_place() { in_place "$1" "$2" && ".tools/$1/bin/python" -c "import $3" 2>/dev/null; }
pip_in_place() { environment_in_place pip scripts/pins/pip.txt pip; }
python_in_place() { [[ -z $tests ]] || environment_in_place python scripts/requirements.txt numpy; }
cmake_in_place() { in_place cmake scripts/pins/cmake.txt; }
libtorch_in_place() { in_place libtorch scripts/pins/libtorch-2.4.txt; }
at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9; do
    if "$candidate" -c "import sys; sys.exit(sys.version_info < (${oldest_python/./, }))" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Names everything that is missing at once, each with the command that installs it.
check_machine() {
  local missing=() sudo=""
  ((EUID == 0)) || sudo="sudo "
  [[ $(uname -sm) == "Linux x86_64" ]] || fail "$(uname -sm): only Linux on x86-64 is supported, as libtorch 2.4.1 with CUDA exists for nothing else here"
  command -v git >/dev/null || missing+=("git: ${sudo}apt-get install git")
  if ! { command -v c++ && command -v cc && command -v make; } >/dev/null; then
    missing+=("a C++ compiler and make: ${sudo}apt-get install build-essential")
  fi
  if ! command -v cargo >/dev/null; then
    missing+=("Rust: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh")
  elif ! command -v rustup >/dev/null && ! at_least "$OLDEST_RUST" "$(cargo --version | cut -d' ' -f2)"; then
    missing+=("Rust $OLDEST_RUST ($(cargo --version) is too old): curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh")
  fi
  if ! pip_in_place || ! python_in_place; then
    if ! PYTHON=$(find_python); then
      missing+=("Python $oldest_python or newer: ${sudo}apt-get install python3.11 python3.11-venv")
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

# make_environment FOLDER PINS [MORE_PINS]: a virtual environment with the pinned pip, and with MORE_PINS if given; PINS is
# the file that shows whether it is current. It is made beside the old one, which is removed last. A virtual environment
# writes its own path into its scripts, so the partial name is replaced in them before the renaming.
make_environment() {
  local name=$1 new=.tools/$1.partial old=.tools/$1.old
  rm -rf "$new" "$old"
  # A user's general settings for pip could put the packages elsewhere.
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
  [[ -z ${3:-} ]] || "$new/bin/python" "${install[@]}" -r "$3"
  grep -rlI "$name\.partial" "$new/bin" "$new/pyvenv.cfg" | xargs -r sed -i "s|$name\.partial|$name|g"
  key "$2" >"$new/.complete"
  sync
  [[ ! -e .tools/$name ]] || mv ".tools/$name" "$old"
  mv "$new" ".tools/$name"
  rm -rf "$old"
}

check_machine
check_rust
mkdir -p .tools
exec 9>.tools/.lock
if ! flock --nonblock 9; then
  say "another set-up is running here; waiting for it"
  flock 9
fi

if pip_in_place && cmake_in_place && libtorch_in_place && python_in_place; then
  say "everything is in place below .tools"
  exit
fi
if ! pip_in_place; then
  say "pip: an environment of its own, 2 MB to download, 16 MB on disk"
  make_environment pip scripts/pins/pip.txt
fi
if ! cmake_in_place; then
  say "cmake: 28 MB to download, 77 MB on disk"
  .tools/pip/bin/python scripts/place.py cmake scripts/pins/cmake.txt .tools/cmake
fi
if ! libtorch_in_place; then
  say "libtorch 2.4.1: 812 MB to download, 550 MB on disk"
  .tools/pip/bin/python scripts/place.py libtorch scripts/pins/libtorch-2.4.txt .tools/libtorch
fi
if ! python_in_place; then
  say "python: numpy, xarray, netCDF4, moto, cargo-nextest, linters and others for the tests, 160 MB to download, 700 MB on disk"
  make_environment python scripts/requirements.txt scripts/requirements.txt
fi
rmdir .tools/downloads 2>/dev/null || true
say "done: everything is in place below .tools"
