#!/usr/bin/env bash
# Kills real trainings at random moments, a given number of times, and compares the results byte by byte.
#     scripts/kill_training.sh            a thousand kills, some 25 minutes
#     scripts/kill_training.sh 50
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
FRAGUA_KILLS=${1:-1000} cargo test --locked --test suite -- --nocapture killed_training
