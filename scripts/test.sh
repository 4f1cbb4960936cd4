#!/usr/bin/env bash
# Sets up what is missing and runs every check of the project. The first failure ends it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# step NAME COMMAND...: announces a check, runs it with unchanged output, and prints how long it took.
step() {
  local name=$1 began=$SECONDS status=0
  shift
  printf '== %s: %s\n' "$name" "$*"
  "$@" || status=$?
  if ((status != 0)); then
    printf '== %s: failed with status %d after %d s\n' "$name" "$status" $((SECONDS - began)) >&2
    exit "$status"
  fi
  printf '== %s: passed in %d s\n' "$name" $((SECONDS - began))
}

step set-up scripts/setup.sh --tests
# The flags of .cargo/config.toml let the binary find libtorch from target/; these would replace the flags or the folder.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR
python=.tools/python/bin/python
step scripts "$python" -m unittest discover --start-directory scripts --pattern "*_test.py"
step shell .tools/python/bin/shellcheck scripts/*.sh scripts/bench/*.sh docker/*.sh .ci/run
step Dockerfile .tools/python/bin/hadolint docker/Dockerfile docker/tensorboard.Dockerfile
step format cargo fmt --all --check
step lints cargo clippy --locked --workspace --all-targets -- -D warnings
step documentation env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
step "documentation tests" cargo test --locked --workspace --doc
# Each test has a limit. Those of cargo-nextest are processes of their own; .config/nextest.toml says why the unit tests of the
# package fragua are not.
step "unit tests" "$python" scripts/deadline.py 240 cargo test --locked --package fragua --lib --bins
step "other tests" .tools/python/bin/cargo-nextest nextest run --locked --workspace --no-tests fail \
  --filterset 'not (package(=fragua) & (kind(lib) | kind(bin)))'
