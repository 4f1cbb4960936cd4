#!/usr/bin/env bash
# From a fresh checkout to a trained model with one command: sets up, builds, and calls `fragua train`.
#     scripts/train.sh                                    config.yaml, in the checkout: synthetic storms, some minutes
#     scripts/train.sh --config my.yaml --epochs 3        with arguments, in the folder it is called from
# Called again after an interruption, the set-up and the training resume. Signals reach the program, and
# its exit code is that of the script.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A subshell: cargo has to be called in the checkout, the program in the caller's folder.
(
  cd "$root"
  scripts/setup.sh
  # The flags of .cargo/config.toml let the binary find libtorch from target/; these would replace flags or folder.
  unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR
  printf 'train: building the program; the first time takes minutes\n'
  cargo build --locked
)
(($# > 0)) || cd "$root"
printf 'train: fragua train%s, in %s\n' "${*:+ $*}" "$PWD"
exec "$root/target/debug/fragua" train "$@"
