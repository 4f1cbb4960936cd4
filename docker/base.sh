#!/usr/bin/env bash
# Makes the Ubuntu 22.04 base of the images if no image registry can be reached: by debootstrap, from the archive of Ubuntu
# packages, as the image NAME [default: fragua-ubuntu:22.04]. Needs root, debootstrap and a Docker engine.
#     docker/base.sh && docker build -f docker/Dockerfile --build-arg UBUNTU_IMAGE=fragua-ubuntu:22.04 \
#         --build-arg CUDA_IMAGE_2_4=fragua-ubuntu:22.04 -t fragua .
set -euo pipefail

name=${1:-fragua-ubuntu:22.04}
archive=${UBUNTU_ARCHIVE:-http://archive.ubuntu.com/ubuntu}
docker=${DOCKER:-docker}

say() { printf 'base: %s\n' "$*"; }
fail() { printf 'base: error: %s\n' "$*" >&2; exit 1; }

"$docker" info >/dev/null 2>&1 || fail "no Docker engine answers"
if "$docker" image inspect "$name" >/dev/null 2>&1; then
  say "$name is here"
  exit
fi
((EUID == 0)) || fail "debootstrap needs root: sudo docker/base.sh"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
say "$name: debootstrap from $archive"
debootstrap --variant=minbase --components=main,universe jammy "$root" "$archive" >"$root.log" 2>&1 || {
  tail -n 20 "$root.log" >&2
  fail "debootstrap failed"
}
rm -f "$root.log"
printf 'deb %s %s main universe\n' "$archive" jammy "$archive" jammy-updates "$archive" jammy-security >"$root/etc/apt/sources.list"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/*
tar --create --directory "$root" --numeric-owner . | "$docker" import --change 'CMD ["/bin/bash"]' - "$name" >/dev/null
say "$name: made"
