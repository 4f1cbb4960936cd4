#!/usr/bin/env bash
# Times the program and the usual tools on the same data and disk; prints medians and ratios.
#     scripts/bench.sh                    all rows, three rounds
#     scripts/bench.sh --rows classic,gzip --rounds 5 --frames 120
#     scripts/bench.sh --rows step,checkpoint,first,default          training; step brings PyTorch (820 MB) into .tools
#     scripts/bench.sh --rows classifier                             the classifier beside PyTorch
#     scripts/bench.sh --rows signs                                  the recurrent classifier of sequences beside PyTorch
#     scripts/bench.sh --rows strokes --strokes strokes.npz           how well unseen writers are read, beside PyTorch (a round is a seed)
#     scripts/bench.sh --rows moving,motion [--threads 1]            the nowcast in moving coordinates: a step beside PyTorch, the motion
#     scripts/bench.sh --rows before --before OTHER/target/debug/fragua      another build of the program, such as an older one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh --tests
cargo build --locked
.tools/python/bin/python scripts/bench/run.py "$@"
