#!/usr/bin/env bash
# Builds and runs the program from the mounted sources, and does so anew after every change that is saved:
#     docker run --rm -it -v "$PWD":/src -v fragua-target:/cache/target fragua:dev train
# What is running is stopped as `docker stop` would: it leaves a checkpoint, and its successor goes on from there.
#     -e FRAGUA_DEV_ONCE=1   builds and runs once, and ends with the exit code of the program
#     sh, bash, cargo ...    as the first word: that is run instead
set -euo pipefail
cd /src

case "${1:-}" in
  sh | bash | cargo) exec "$@" ;;
esac

say() { printf 'dev: %s\n' "$*" >&2; }
[[ -f Cargo.toml && -d src ]] || { say "no sources at /src; mount the checkout: -v \"\$PWD\":/src"; exit 78; }

# An empty volume gets what the image has compiled already.
if [[ ! -d $CARGO_TARGET_DIR/debug && -d /cache/seed ]]; then
  mkdir -p "$CARGO_TARGET_DIR"
  cp -a /cache/seed/. "$CARGO_TARGET_DIR/" || exit 74
fi

program=$CARGO_TARGET_DIR/debug/fragua
worker='' watcher=''

# What decides about the program; the editor's own files do not.
watch() {
  inotifywait --quiet --recursive --event close_write,move,create,delete \
    --exclude '(/\.|~$|\.sw.$|/4913$|/__pycache__)' src build.rs Cargo.toml Cargo.lock config.yaml
}

build() {
  local began=$EPOCHREALTIME
  cargo build --bin fragua || return
  say "built in $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
}

# Until the program has ended by itself, or was told to.
end_worker() {
  [[ -n $worker ]] || return 0
  kill -TERM "$worker" 2>/dev/null || true
  local status=0
  wait "$worker" || status=$?
  worker=''
  return "$status"
}

leave() {
  local status=0
  trap '' TERM INT
  [[ -z $watcher ]] || kill "$watcher" 2>/dev/null || true
  end_worker || status=$?
  exit "$status"
}
trap leave TERM INT

if [[ -n ${FRAGUA_DEV_ONCE:-} ]]; then
  build
  "$program" "$@" &
  worker=$!
  wait "$worker"
  exit
fi

while true; do
  # Watching begins before the build reads: a change that is saved meanwhile is not missed.
  watch >/dev/null &
  watcher=$!
  if build; then
    "$program" "$@" &
    worker=$!
  else
    say "does not build; waiting for a change"
  fi
  # Either the sources change, or the program ends.
  while true; do
    status=0
    wait -n "$watcher" ${worker:+"$worker"} || status=$?
    if kill -0 "$watcher" 2>/dev/null; then
      worker=''
      say "ended with exit code $status; waiting for a change"
    else
      say "the sources changed"
      end_worker || true
      # An editor or a checkout writes many files at once.
      sleep 0.2
      break
    fi
  done
done
