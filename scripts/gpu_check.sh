#!/usr/bin/env bash
# Checks the program on a machine with an NVIDIA GPU: that it finds the GPU, that training there agrees with the CPU in
# every precision, that runs move between both, and how fast it is. Needs only Python 3.11 or newer.
#     scripts/gpu_check.sh                                target/debug/fragua
#     FRAGUA=/app/bin/fragua scripts/gpu_check.sh         another one; LD_LIBRARY_PATH stays as it is
#     scripts/gpu_check.sh --only agree,resume            some of its checks
#     scripts/gpu_check.sh --on cpu                       a rehearsal: the same steps, tiny, on the CPU alone
# Exits with 0 if all is well, 1 if a check failed, 2 for wrong arguments, 3 if there is no GPU.
exec python3 "$(dirname "${BASH_SOURCE[0]}")/gpu_check.py" "$@"
