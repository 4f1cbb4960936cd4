#!/usr/bin/env bash
# Puts PyTorch 2.4.1 for .tools/python into .tools/python-torch, once: the benchmark's contender. 820 MB to download, 1.7 GB
# on disk. Importing the published wheel needs 2 GB more of CUDA libraries. On a CPU none of their functions is ever called,
# so empty libraries replace them, and train_in_python.py uses lazy binding. The libraries that compute are the published
# ones, the same that the program is linked to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

pins=scripts/bench/torch.txt final=.tools/python-torch new=.tools/python-torch.partial
EMPTY=(libcublas.so.12 libcublasLt.so.12 libcudnn.so.9 libcufft.so.11 libcurand.so.10 libcusparse.so.12 libnccl.so.2)

key() { cat "$pins" <(.tools/python/bin/python --version) | sha256sum | cut -d' ' -f1; }

if [[ -f $final/.complete && $(<"$final/.complete") == "$(key)" ]]; then exit; fi
if ! .tools/python/bin/python -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))'; then
  printf 'torch: error: PyTorch 2.4.1 needs Python 3.11 or 3.12, .tools/python is %s; remove it and call PYTHON=python3.12 scripts/setup.sh --tests\n' \
    "$(.tools/python/bin/python --version)" >&2
  exit 1
fi
printf 'torch: PyTorch 2.4.1 for the benchmark: 820 MB to download, 1.7 GB on disk\n'
rm -rf "$new"
unset PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
.tools/python/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
  --target "$new" -r "$pins"
for name in "${EMPTY[@]}"; do
  cc -shared -Wl,-soname,"$name" -o "$new/torch/lib/$name" -x c /dev/null
done
PYTHONPATH=$new .tools/python/bin/python -c 'import os, sys; sys.setdlopenflags(os.RTLD_LAZY); import torch, torchmetrics, torchvision'
key >"$new/.complete"
sync
rm -rf "$final"
mv "$new" "$final"
