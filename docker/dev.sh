#!/usr/bin/env bash
# Builds and runs the program from the mounted sources, and again after every saved change:
#     docker run --rm -it -v "$PWD":/src -v fragua-target:/cache/target fragua:dev train
# A running program is stopped as by `docker stop`: it saves a checkpoint, and the new one resumes from there.
#     -e FRAGUA_DEV_ONCE=1   builds and runs once, and ends with the exit code of the program
#     sh, bash, cargo ...    as the first argument: runs that command instead
# For tests: FRAGUA_DEV_SOURCES (where the sources are).
set -euo pipefail
cd "${FRAGUA_DEV_SOURCES:-/src}"

case "${1:-}" in
  sh | bash | cargo) exec "$@" ;;
esac

say() { printf 'dev: %s\n' "$*" >&2; }
[[ -f Cargo.toml && -d src ]] || { say "no sources at /src; mount the checkout: -v \"\$PWD\":/src"; exit 78; }

# An empty volume gets the compiled dependencies of the image.
if [[ ! -d $CARGO_TARGET_DIR/debug && -d /cache/seed ]]; then
  mkdir -p "$CARGO_TARGET_DIR"
  cp -a /cache/seed/. "$CARGO_TARGET_DIR/" || exit 74
fi

program=$CARGO_TARGET_DIR/debug/fragua
worker='' watcher='' asked=''

# The files that the program is built from, not the editor's own. Many editors replace the file, which inotify reports only for
# the old one.
watch() {
  exec inotifywait --quiet --recursive --event close_write,move,create,delete,delete_self,move_self \
    --exclude '(/\.|~$|\.sw.$|/4913$|/__pycache__)' src crates build.rs Cargo.toml Cargo.lock config.yaml
}

build() {
  local began=$EPOCHREALTIME
  # A signal ends a wait at once, and a program in the foreground not before that has ended.
  cargo build --bin fragua &
  wait "$!" || return
  say "built in $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
}

# Until the program has ended, by itself or on request.
end_worker() {
  [[ -n $worker ]] || return 0
  local status=0
  # A second signal would end it without a checkpoint.
  [[ $asked == "$worker" ]] || { kill -TERM "$worker" 2>/dev/null || true; asked=$worker; }
  wait "$worker" || status=$?
  worker=''
  return "$status"
}

leave() {
  local status=0 process
  trap '' TERM INT
  # What was started just now is in no variable yet.
  for process in $(jobs -p); do [[ $process == "$worker" ]] || kill "$process" 2>/dev/null || true; done
  end_worker || status=$?
  exit "$status"
}
trap leave TERM INT

# Waits until the watcher or the worker has ended: which one is in `ended`, its exit code in `status`.
wait_for_one() {
  ended=''
  while [[ -z ${ended:-} ]]; do
    status=0
    # `wait -n` does not always report a process that has already ended.
    for ended in "$watcher" $worker; do
      kill -0 "$ended" 2>/dev/null || { wait "$ended" || status=$?; return 0; }
    done
    wait -n -p ended "$watcher" ${worker:+"$worker"} || status=$?
  done
}

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
    wait_for_one
    if [[ $ended != "$watcher" ]]; then
      worker=''
      say "ended with exit code $status; waiting for a change"
    elif ((status != 0)); then
      end_worker || true
      say "the sources can't be watched: inotifywait ended with $status, see above. Where the limit of watches is reached, raise it" \
        "on the host: sysctl fs.inotify.max_user_watches=524288"
      exit 1
    else
      say "the sources changed"
      end_worker || true
      # An editor or a checkout writes many files at once.
      sleep 0.2
      break
    fi
  done
done
