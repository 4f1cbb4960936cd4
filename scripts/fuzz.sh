#!/usr/bin/env bash
# Reads damaged files of a format, and counts crashes, hangs over 10 s and times over 1 GB of memory, and
# how often the separate process that runs the HDF5 library ended on a file, which the program survives.
#     scripts/fuzz.sh --cases 100000 netcdf4      one format
#     scripts/fuzz.sh                             1000 cases of every format
#     scripts/fuzz.sh --first 4711 --cases 1 zip  one case again
# Formats: classic netcdf4 zip tar tar.gz tar.zst png jpeg bmp webp tiff gif idx npz csv run status history manifest safetensors
# pth pickle frames landmarks ts parquet config index shard.
set -euo pipefail
cd "$(dirname "$0")/.."

format=all cases=1000 first=0
while [[ $# -gt 0 ]]; do
  case $1 in
    --cases) cases=$2; shift 2 ;;
    --first) first=$2; shift 2 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "fuzz.sh: unknown option $1; see --help" >&2; exit 2 ;;
    *) format=$1; shift ;;
  esac
done

FRAGUA_FUZZ="$format $first $cases" exec cargo test --locked --package fragua --test suite -- \
  --exact fuzz::damaged_files_do_no_harm --nocapture
