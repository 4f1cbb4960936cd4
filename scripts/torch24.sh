#!/usr/bin/env bash
# Builds the program for newer GPUs: tch 0.24 and libtorch 2.11 (CUDA 13), in a copy of the tree below .tools/torch24
# that has its own libtorch, Cargo.lock and target folder.
#     scripts/torch24.sh                   the program, in .tools/torch24/target/debug
#     scripts/torch24.sh check             its unit tests, on the CPU
#     scripts/torch24.sh test --test suite any other call of cargo
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-build} in
  build) scripts/setup.sh ;;
  *) scripts/setup.sh --tests ;;
esac

pins=scripts/pins/libtorch-2.11.txt
copy=.tools/torch24
mkdir -p "$copy/.tools"
exec 9>"$copy/.tools/.lock"
flock 9

# The sources as they are now, with their times, so that cargo builds only what changed.
find "$copy" -mindepth 1 -maxdepth 1 ! -name .tools ! -name target -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [[ -f $file ]]; then printf '%s\0' "$file"; fi
done | tar --create --null --no-recursion --files-from - | tar --extract --directory "$copy"
ln -sfn ../../cmake "$copy/.tools/cmake"
ln -sfn ../../python "$copy/.tools/python"

if [[ $(cat "$copy/.tools/libtorch/.complete" 2>/dev/null) != "$(sha256sum <"$pins" | cut -d' ' -f1)" ]]; then
  printf 'torch24: libtorch 2.11.0: 544 MB to download, 520 MB on disk\n'
  .tools/pip/bin/python scripts/place.py libtorch "$pins" "$copy/.tools/libtorch"
  rmdir "$copy/.tools/downloads"
fi

# The copy is not a repository.
FRAGUA_COMMIT=$(git describe --always --dirty --abbrev=12 --exclude='*')
export FRAGUA_COMMIT
cd "$copy"
# This libtorch is built with the new C++ interface of the standard library; the flags are those of the copy.
export LIBTORCH_CXX11_ABI=1
unset LIBTORCH RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR
cargo update --quiet tch --precise 0.24.0
if [[ ${1:-} == check ]]; then
  set -- test --locked --package fragua --lib "${@:2}"
fi
cargo "${@:-build}"
printf 'torch24: done in %s\n' "$PWD"
