#!/usr/bin/env bash
# Builds the images and checks what the documentation promises, as far as that needs no GPU.
#     docker/test.sh              everything; docker/test.sh NAME... only the checks of these names
# Without an engine or a base image it says why and exits with 77; IMAGE_TEST_REQUIRED=1 makes that a failure.
#     IMAGE_TEST_BUILD=0          uses existing images (fragua:test, fragua:test-cpu, fragua:test-remote, fragua:test-dev)
#     IMAGE_TEST_CA=FILE          more certificates that the build must trust, in one file
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOCKER_BUILDKIT=1

IMAGE=fragua:test CPU_IMAGE=fragua:test-cpu REMOTE_IMAGE=fragua:test-remote DEV_IMAGE=fragua:test-dev
LABEL=fragua-image-test=$$
MOST_BYTES=4500000000 MOST_BYTES_CPU=700000000

say() { printf '%s\n' "$*"; }
skip() {
  say "image test: skipped: $*"
  [[ ${IMAGE_TEST_REQUIRED:-} != 1 ]] || exit 1
  exit 77
}
fail() { printf '    %s\n' "$@" >&2; return 1; }
now() { printf '%s' "$EPOCHREALTIME"; }
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# Docker's client has BuildKit in itself until 22, and from 23 on in a plugin.
can_build() {
  "$1" buildx version >/dev/null 2>&1 || (($("$1" version --format '{{.Client.Version}}' | cut -d. -f1) < 23))
}

find_engine() {
  local client
  for client in ${DOCKER:+"$DOCKER"} docker /usr/bin/docker; do
    if "$client" info >/dev/null 2>&1 && can_build "$client"; then
      docker=$client
      return
    fi
  done
  skip "no Docker engine answers that can build; start one, or install it: apt-get install docker.io (or docker-buildx-plugin)"
}
docker=''
find_engine
work=$(mktemp -d)
chmod 755 "$work"

remove_containers() {
  "$docker" ps --all --quiet --filter "label=$LABEL" | xargs --no-run-if-empty "$docker" rm --force --volumes >/dev/null
}

end() {
  remove_containers
  "$docker" volume ls --quiet --filter "label=$LABEL" | xargs --no-run-if-empty "$docker" volume rm --force >/dev/null
  rm -rf --one-file-system "$work"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- Building ------------------------------------------------------------------------------------------------------------

choose_base() {
  base=()
  local names image
  names=$(sed -n 's/^ARG \(CUDA_IMAGE_2_4\|UBUNTU_IMAGE\)=//p' docker/Dockerfile)
  for image in $names; do
    if ! { "$docker" image inspect "$image" || timeout 600 "$docker" pull "$image"; } >/dev/null 2>&1; then
      say "image test: $image can't be pulled; making an Ubuntu 22.04 instead"
      DOCKER=$docker docker/base.sh fragua-ubuntu:22.04 || skip "there is no base image"
      base=(--build-arg UBUNTU_IMAGE=fragua-ubuntu:22.04 --build-arg CUDA_IMAGE_2_4=fragua-ubuntu:22.04)
      return
    fi
  done
}

# build TARGET TAG ARGUMENT...
build() {
  local target=$1 tag=$2 began log=$work/build.log
  shift 2
  began=$(now)
  "$docker" build --file docker/Dockerfile --target "$target" --tag "$tag" --progress plain \
    ${IMAGE_TEST_CA:+--secret "id=ca_bundle,src=$IMAGE_TEST_CA"} \
    --build-arg VERSION="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" \
    --build-arg COMMIT="$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
    "${base[@]}" "$@" . >"$log" 2>&1 || { tail -n 60 "$log" >&2; exit 1; }
  say "built    $tag ($target) in $(since "$began") s: $("$docker" image inspect --format '{{.Size}}' "$tag") bytes"
}

# ---- What the checks are made of -----------------------------------------------------------------------------------------

# The dataset of the checks is prepared in a second; an epoch takes a few.
write_config() {
  cat >"$1/config.yaml" <<'YAML'
data:
  source:
    - synthetic: {events: 3, frames: 16, grid: 64, levels: 1}
task:
  nowcast:
    prepare: {size: [32, 32]}
    windows: {input_frames: 4, target_frames: 2, stride: 1}
    model: {hidden: [8, 8]}
train:
  epochs: 3
  micro_batch: 2
  accumulate: 1
  optimizer: {adamw: {lr: 1.0e-2}}
  checkpoint: {every_steps: 2}
YAML
}

# A new folder with a configuration and the mounted folders, owned by the image's user.
folder() {
  local path
  path=$(mktemp -d -p "$work")
  mkdir "$path/datasets" "$path/model_output"
  write_config "$path"
  chown -R 10001:10001 "$path" 2>/dev/null || chmod -R a+rwX "$path"
  chmod 755 "$path"
  printf '%s' "$path"
}

# start FOLDER OPTION... -- ARGUMENT...: a container of the image in the background; prints its name.
start() {
  local where=$1 options=()
  shift
  while (($#)) && [[ $1 != -- ]]; do options+=("$1"); shift; done
  (($#)) && shift
  "$docker" run --detach --label "$LABEL" --env OMP_NUM_THREADS=1 -v "$where/config.yaml:/app/config.yaml:ro" \
    -v "$where/datasets:/app/datasets" -v "$where/model_output:/app/model_output" "${options[@]}" "$IMAGE" "$@"
}

# run FOLDER OPTION... -- ARGUMENT...: waits for it; what it printed is in FOLDER/log, its exit code in `code`.
run() {
  local where=$1 name
  name=$(start "$@")
  code=$("$docker" wait "$name")
  "$docker" logs "$name" >"$where/out" 2>"$where/log"
  "$docker" rm --volumes "$name" >/dev/null
}

expect_code() {
  [[ $code == "$2" ]] || { tail -n 20 "$1/log" >&2; fail "got exit code $code, expected $2"; }
}

expect_text() {
  grep -qF -- "$2" "$1" || { tail -n 20 "$1" >&2; fail "no \"$2\" in the output"; }
}

running() { [[ $("$docker" inspect --format '{{.State.Running}}' "$1") == true ]]; }

# until_true SECONDS COMMAND...
until_true() {
  local last=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < last)) || return 1
    sleep 0.05
  done
}

seen() { grep -q "\"event\":\"$2\"" "$1"/model_output/storms/log.jsonl; }
told() { "$docker" logs "$1" 2>&1 | grep -qF -- "$2"; }
has_health() { [[ $("$docker" inspect --format '{{.State.Health.Status}}' "$1") == "$2" ]]; }
has_restarted_and_ended() { [[ $("$docker" inspect --format '{{.RestartCount}} {{.State.Status}}' "$1") == "1 exited" ]]; }
finished() { grep -q '"state": *"finished"' "$1"/model_output/storms/status.json; }
stage() { grep -q "\"stage\": *\"$2" "$1"/model_output/storms/status.json; }

# Whether there is a checkpoint, and the program can read it.
expect_checkpoint() {
  local manifests
  manifests=$(find "$1/model_output/storms/checkpoints" -mindepth 2 -maxdepth 2 -name manifest.json ! -path '*/.*' | wc -l)
  ((manifests > 0)) || fail "no checkpoint in $1/model_output/storms"
}

# Everything of a run that must not depend on what happened to it on the way.
bytes() {
  local last
  cd "$1/model_output/storms" || exit 1
  [[ -s weights/best.safetensors && -s history.json ]] || { echo "nothing in $1"; exit 1; }
  last=$(find checkpoints -mindepth 1 -maxdepth 1 -name 'e*' | sort | tail -n 1)
  sha256sum history.json results.csv weights/best.safetensors weights/last.safetensors "$last"/*
}

undisturbed() {
  if [[ ! -d $work/undisturbed ]]; then
    local where
    where=$(folder)
    run "$where" -- train
    expect_code "$where" 0
    mv "$where" "$work/undisturbed"
  fi
}

expect_undisturbed() {
  undisturbed
  diff <(bytes "$work/undisturbed") <(bytes "$1") >"$1/difference" || { cat "$1/difference" >&2; fail "the bytes differ"; }
}

# ---- The images ----------------------------------------------------------------------------------------------------------

check_sizes() {
  local size
  size=$("$docker" image inspect --format '{{.Size}}' "$IMAGE")
  ((size <= MOST_BYTES)) || fail "$IMAGE has $size bytes, more than $MOST_BYTES"
  size=$("$docker" image inspect --format '{{.Size}}' "$CPU_IMAGE")
  ((size < MOST_BYTES_CPU)) || fail "$CPU_IMAGE has $size bytes, more than $MOST_BYTES_CPU"
}

check_nothing_to_install_or_compile_with() {
  local image found
  for image in "$IMAGE" "$CPU_IMAGE"; do
    # shellcheck disable=SC2016 # for the shell inside
    found=$("$docker" run --rm --label "$LABEL" --user 0 --entrypoint /bin/sh "$image" -c '
      for tool in python python3 pip perl gcc cc c++ ld make cmake cargo rustc apt apt-get dpkg curl wget; do command -v $tool; done
      find / -xdev -type f -perm /6000; find / -xdev -name "*.a" -o -xdev -name "*.py"; true')
    [[ -z $found ]] || fail "$image holds:" "$found"
  done
}

check_metadata() {
  local read
  read=$("$docker" image inspect --format '{{.Config.User}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.StopSignal}} {{.Config.Volumes}} {{index .Config.Labels "org.opencontainers.image.revision"}}' "$IMAGE")
  [[ $read == '10001:10001 ["/opt/fragua/bin/fragua-enter","/usr/bin/tini","-g","--","/opt/fragua/bin/fragua"] ["train"] SIGTERM map[] '* ]] || fail "metadata: $read"
  [[ $read != *unknown ]] || [[ ! -d .git ]] || fail "no commit in the labels: $read"
}

check_bill_of_materials() {
  "$docker" run --rm --label "$LABEL" --entrypoint /bin/cat "$IMAGE" /opt/fragua/sbom.cdx.json >"$work/sbom.json"
  local name
  for name in '"CycloneDX"' '"tch"' '"torch"' '"nvidia-cudnn-cu12"'; do expect_text "$work/sbom.json" "$name"; done
}

check_one_binary_with_and_without_a_gpu() {
  local image
  for image in "$IMAGE" "$CPU_IMAGE"; do
    "$docker" run --rm --label "$LABEL" "$image" --version >"$work/version"
    expect_text "$work/version" "libtorch 2.4.1"
  done
  # The CUDA half loads with all of its symbols found; only a driver is not here.
  "$docker" run --rm --label "$LABEL" -e LD_BIND_NOW=1 -e LD_PRELOAD=/opt/fragua/torch/lib/libtorch_cuda.so \
    --entrypoint /opt/fragua/bin/fragua "$IMAGE" --version >"$work/version" || fail "libtorch_cuda.so does not load"
  # shellcheck disable=SC2016 # for the shell inside
  "$docker" run --rm --label "$LABEL" --user 0 --entrypoint /bin/sh "$IMAGE" -c '
    for library in /opt/fragua/torch/lib/*.so* /opt/fragua/nvidia/*/lib/*.so*; do
      LD_LIBRARY_PATH= ldd "$library" 2>/dev/null | grep "not found" | grep -v libcuda.so.1 && echo "$library"
    done; true' >"$work/missing"
  [[ ! -s $work/missing ]] || fail "libraries are missing:" "$(<"$work/missing")"
}

# ---- Starting ------------------------------------------------------------------------------------------------------------

check_default_command_trains() {
  local where
  undisturbed
  where=$work/undisturbed
  for file in weights/best.safetensors history.json report.html evaluation/metrics.json plots/loss.png; do
    [[ -s $where/model_output/storms/$file ]] || fail "no $file"
  done
  ! grep -q $'\r' "$where/log" || fail "carriage returns in a log that is no terminal"
  [[ $(stat -c %u "$where/model_output/storms/history.json") == 10001 ]] || fail "written by another user"
}

check_starts_fast_on_prepared_data() {
  local where began name
  where=$(folder)
  run "$where" -- prepare
  expect_code "$where" 0
  began=$(now)
  name=$(start "$where")
  until_true 60 seen "$where" stepped || fail "no step within a minute"
  say "    from docker run to the first training step: $(since "$began") s"
  "$docker" kill "$name" >/dev/null
}

check_configured_by_environment_and_other_commands() {
  local where
  where=$(folder)
  run "$where" -e FRAGUA__TRAIN__EPOCHS=1 -e FRAGUA__NAME=short -- train
  expect_code "$where" 0
  [[ -d $where/model_output/short ]] || fail "FRAGUA__NAME was not heard"
  run "$where" -- runs
  expect_code "$where" 0
  expect_text "$where/out" short
  run "$where" -- inspect
  expect_code "$where" 0
  run "$where" -e FRAGUA__TRAIN__EPOCHS=many -- train
  expect_code "$where" 78
  run "$where" -- doctor
  expect_code "$where" 0
}

check_hardened() {
  local where
  where=$(folder)
  run "$where" --read-only --cap-drop ALL --security-opt no-new-privileges --network none --tmpfs /tmp --pids-limit 256 -- train
  expect_code "$where" 0
  expect_undisturbed "$where"
}

check_any_user() {
  local where
  where=$(folder)
  chown -R 1234:1234 "$where/datasets" "$where/model_output"
  run "$where" --user 1234:1234 -- train
  expect_code "$where" 0
  [[ $(stat -c %u:%g "$where/model_output/storms/history.json") == 1234:1234 ]] || fail "written by another user"
}

# written_by FOLDER: the user and group of everything that training left in both folders, and of the folders themselves.
written_by() { find "$1/datasets" "$1/model_output" -printf '%U:%G\n' | sort -u; }

# The command without --user, as the owner of the folders types it; on a terminal, as with -it.
check_the_owner_of_the_folders_is_who_writes() {
  local where name owners root expected
  # Both folders exist, one of them, none: the engine creates what is missing, as root.
  for owners in "1234 1234" "1234 none" "none 1234" "none none" "0 0"; do
    where=$(folder)
    rm -r "$where/datasets" "$where/model_output"
    expected=0:0
    for root in datasets model_output; do
      name=${owners%% *} owners=${owners#* }
      [[ $name != none ]] || continue
      install -d -m 755 -o "$name" -g "$name" "$where/$root"
      expected=$name:$name
    done
    code=0
    script --quiet --return --command "'$docker' run -it --rm --label $LABEL --env OMP_NUM_THREADS=1 -v '$where/config.yaml:/app/config.yaml:ro' \
      -v '$where/model_output:/app/model_output' -v '$where/datasets:/app/datasets' '$IMAGE'" "$where/log" </dev/null >/dev/null || code=$?
    expect_code "$where" 0
    [[ $(written_by "$where") == "$expected" ]] || fail "expected everything to belong to $expected: $(written_by "$where" | xargs)"
    expect_undisturbed "$where"
    # The same folders again: their content is used.
    run "$where" -- train
    expect_code "$where" 0
    [[ $(written_by "$where") == "$expected" ]] || fail "the second start wrote as another user: $(written_by "$where" | xargs)"
  done
}

# The process that runs as the owner is the same command, has no capabilities, and can gain none.
check_the_owner_has_no_privileges() {
  local where name owner read
  for owner in 1234 0; do
    where=$(folder)
    sed -i 's/epochs: 3/epochs: 500/' "$where/config.yaml"
    chown -R "$owner:$owner" "$where/datasets" "$where/model_output"
    name=$(start "$where" --health-interval 1s --health-start-period 1s)
    until_true 60 has_health "$name" healthy || fail "the health check does not see the worker of user $owner"
    read=$(grep -E '^(Uid|CapEff|NoNewPrivs)' "/proc/$(worker_of "$name")/status" | awk '{ print $2 }' | xargs)
    # Root may still write into folders of others: CAP_DAC_OVERRIDE.
    [[ $read == "$owner 0000000000000000 1" || $read == "0 0000000000000002 1" ]] || fail "user, capabilities, no new privileges: $read"
    "$docker" exec "$name" fragua runs >"$where/out" || fail "docker exec fragua runs"
    "$docker" kill "$name" >/dev/null
  done
}

check_folders_of_others_are_told_with_the_remedy() {
  local where root
  for root in model_output datasets; do
    where=$(folder)
    chown -R 0:0 "$where/$root"
    chmod 755 "$where/$root"
    run "$where" --cap-drop ALL -- train
    expect_code "$where" 73
    ! grep -qE 'fetch|prepar|survey' "$where/log" || fail "told only after it had begun to work"
    expect_text "$where/log" "/app/$root"
    expect_text "$where/log" "sudo chown -R 10001:10001 $where/$root"
  done
  # The owner's own folder: being the owner is the better remedy.
  where=$(folder)
  chown -R 1234:1234 "$where/model_output"
  run "$where" --security-opt no-new-privileges -- train
  expect_code "$where" 73
  # shellcheck disable=SC2016 # expanded in the container
  expect_text "$where/log" 'docker run --user "$(id -u):$(id -g)"'
}

check_read_only_folder_is_told() {
  local where name
  where=$(folder)
  name=$("$docker" run --detach --label "$LABEL" -v "$where/config.yaml:/app/config.yaml:ro" -v "$where/datasets:/app/datasets" \
    -v "$where/model_output:/app/model_output:ro" "$IMAGE")
  code=$("$docker" wait "$name")
  "$docker" logs "$name" >"$where/log" 2>&1
  expect_code "$where" 73
  expect_text "$where/log" ":ro"
}

check_a_named_volume_works() {
  local where volume
  where=$(folder)
  volume=$("$docker" volume create --label "$LABEL")
  code=$("$docker" run --rm --label "$LABEL" --env OMP_NUM_THREADS=1 -v "$where/config.yaml:/app/config.yaml:ro" \
    -v "$volume:/app/model_output" "$IMAGE" train >"$where/out" 2>"$where/log" && echo 0 || echo $?)
  expect_code "$where" 0
}

# ---- Ending and going on -------------------------------------------------------------------------------------------------

# Large enough that every stage takes a second or more.
enlarge() {
  sed -i 's/events: 3, frames: 16, grid: 64, levels: 1/events: 6, frames: 40, grid: 500, levels: 4/; s/size: \[32, 32\]/size: [64, 64]/' "$1/config.yaml"
}

# stop_in FOLDER CONDITION...: starts, waits for the condition, stops.
stop_in() {
  local where=$1 name began
  shift
  name=$(start "$where")
  until_true 120 "$@" || { "$docker" logs "$name" 2>&1 | tail -n 5 >&2; fail "it did not come to: $*"; }
  running "$name" || fail "it had ended before it was stopped: $*"
  began=$(now)
  "$docker" stop "$name" >/dev/null
  code=$("$docker" inspect --format '{{.State.ExitCode}}' "$name")
  "$docker" logs "$name" >"$where/out" 2>"$where/log"
  say "    docker stop in ${*: -1}: $(since "$began") s, exit code $code"
  "$docker" rm --volumes "$name" >/dev/null
  expect_code "$where" 143
}

check_docker_stop_in_each_stage() {
  local where
  where=$(folder)
  enlarge "$where"
  stop_in "$where" stage "$where" fetch
  stop_in "$where" stage "$where" prepare
  stop_in "$where" seen "$where" stepped
  expect_checkpoint "$where"
  stop_in "$where" seen "$where" validation_started
  expect_checkpoint "$where"
  stop_in "$where" seen "$where" epoch_ended
  expect_checkpoint "$where"
  stop_in "$where" stage "$where" evaluate
  expect_checkpoint "$where"
  run "$where" -- train
  expect_code "$where" 0
  local twin
  twin=$(folder)
  enlarge "$twin"
  run "$twin" -- train
  expect_code "$twin" 0
  expect_text "$where/model_output/storms/history.json" '"epoch"'
  diff <(bytes "$where") <(bytes "$twin") >&2 || fail "the bytes differ from those of a run that nobody stopped"
}

check_killed_and_started_again() {
  local where name
  where=$(folder)
  name=$(start "$where")
  until_true 60 seen "$where" stepped || fail "no step"
  "$docker" kill "$name" >/dev/null
  code=$("$docker" wait "$name")
  [[ $code == 137 ]] || fail "docker kill: got exit code $code"
  "$docker" start "$name" >/dev/null
  code=$("$docker" wait "$name")
  "$docker" logs "$name" >"$where/log" 2>&1
  expect_code "$where" 0
  expect_undisturbed "$where"
}

# The process id of the program on the host.
worker_of() { "$docker" top "$1" -eo pid,comm | awk '$2 == "fragua" { print $1 }'; }

check_restart_on_failure() {
  local where name
  where=$(folder)
  name=$(start "$where" --restart on-failure:5)
  until_true 60 seen "$where" stepped || fail "no step"
  kill -KILL "$(worker_of "$name")"
  until_true 60 has_restarted_and_ended "$name" \
    || fail "restarts and state: $("$docker" inspect --format '{{.RestartCount}} {{.State.Status}}' "$name")"
  code=$("$docker" inspect --format '{{.State.ExitCode}}' "$name")
  "$docker" logs "$name" >"$where/log" 2>&1
  expect_code "$where" 0
  expect_undisturbed "$where"
}

check_out_of_memory() {
  local where name
  where=$(folder)
  enlarge "$where"
  sed -i 's/hidden: \[8, 8\]/hidden: [64, 64]/; s/micro_batch: 2/micro_batch: 8/; s/size: \[64, 64\]/size: [250, 250]/' "$where/config.yaml"
  run "$where" -- prepare
  expect_code "$where" 0
  name=$(start "$where" --memory 700m --memory-swap 700m)
  code=$("$docker" wait "$name")
  "$docker" logs "$name" >"$where/log" 2>&1
  say "    with 700 MB: exit code $code, killed by the system: $("$docker" inspect --format '{{.State.OOMKilled}}' "$name")"
  [[ $code == 137 || $code == 71 ]] || expect_code "$where" 137
  if [[ $code == 137 ]]; then
    name=$(start "$where")
    until_true 60 told "$name" "the last start was killed" || fail "the next start does not report it: $("$docker" logs "$name" 2>&1 | head -n 8)"
    "$docker" kill "$name" >/dev/null
  fi
}

# The machine is lost, and another one gets the same command and empty folders.
check_comes_back_from_a_mirror() {
  local where name mirror
  where=$(folder)
  mirror=$(mktemp -d -p "$work")
  chown 10001:10001 "$mirror"
  name=$(start "$where" -v "$mirror:/mirror" -e FRAGUA__OUTPUT__MIRROR=file:///mirror)
  until_true 60 eval "ls $mirror/storms/checkpoints/*/manifest.json" || fail "no checkpoint came to the mirror"
  "$docker" kill "$name" >/dev/null
  rm -rf "${where:?}"/model_output/* "$where"/model_output/.[!.]* "$where"/datasets/*
  run "$where" -v "$mirror:/mirror" -e FRAGUA__OUTPUT__MIRROR=file:///mirror -e FRAGUA_MIRROR_BEAT_SECONDS=1 -- train
  expect_code "$where" 0
  expect_text "$where/log" "restoring storms from the mirror"
  expect_undisturbed "$where"
  mkdir "$mirror/model_output"
  mv "$mirror/storms" "$mirror/model_output/"
  diff <(bytes "$where") <(bytes "$mirror") || fail "the mirror holds other bytes"
}

check_second_worker_is_refused() {
  local where name
  where=$(folder)
  enlarge "$where"
  name=$(start "$where")
  until_true 60 test -e "$where/model_output/storms/.lock" || fail "the first did not begin"
  run "$where" -- train
  expect_code "$where" 75
  "$docker" pause "$name" >/dev/null
  run "$where" -- train
  expect_code "$where" 75
  "$docker" unpause "$name" >/dev/null
  "$docker" kill "$name" >/dev/null
}

check_health() {
  local where name
  where=$(folder)
  sed -i 's/epochs: 3/epochs: 500/' "$where/config.yaml"
  name=$(start "$where" --health-interval 1s --health-start-period 1s --health-retries 1 \
    --health-cmd '/usr/local/bin/fragua health --max-age 4s')
  until_true 60 has_health "$name" healthy || fail "a worker that trains is not healthy"
  kill -STOP "$(worker_of "$name")"
  until_true 60 has_health "$name" unhealthy || fail "a stalled worker is not unhealthy"
  kill -CONT "$(worker_of "$name")"
  until_true 60 has_health "$name" healthy || fail "a worker that continues is not healthy"
  "$docker" kill "$name" >/dev/null
}

# ---- Entered by SSH, and developed in ------------------------------------------------------------------------------------

check_started_by_another_entry_point() {
  local where name
  for IMAGE in "$IMAGE" "$REMOTE_IMAGE"; do
    where=$(folder)
    name=$(start "$where" --user 0 --entrypoint /bin/bash -e FRAGUA_ONSTART_LOG=/app/model_output/onstart.log -- \
      -c 'fragua-onstart; fragua-onstart; exec sleep 300')
    until_true 60 seen "$where" stepped || { "$docker" logs "$name" >&2; fail "no step"; }
    [[ $(worker_of "$name" | wc -l) -eq 1 ]] || fail "it does not run once: $("$docker" top "$name" -eo pid,args)"
    # What a rented machine does: it stops, without asking.
    "$docker" kill "$name" >/dev/null
    "$docker" start "$name" >/dev/null
    until_true 90 finished "$where" \
      || { "$docker" logs "$name" 2>&1 | tail >&2; fail "it did not go on to the end"; }
    expect_undisturbed "$where"
    "$docker" kill "$name" >/dev/null
  done
}

check_supervised_by_the_on_start_script() {
  local where name
  where=$(folder)
  name=$(start "$where" --entrypoint /usr/local/bin/fragua-onstart -- --foreground)
  until_true 60 seen "$where" stepped || { "$docker" logs "$name" >&2; fail "no step"; }
  # The worker crashes; who watches it starts it again.
  kill -KILL "$(worker_of "$name")"
  code=$("$docker" wait "$name")
  "$docker" logs "$name" >"$where/log" 2>&1
  expect_code "$where" 0
  expect_text "$where/log" "again from the last checkpoint"
  expect_undisturbed "$where"
  where=$(folder)
  name=$(start "$where" --entrypoint /usr/local/bin/fragua-onstart -- --foreground)
  until_true 60 seen "$where" stepped || { "$docker" logs "$name" >&2; fail "no step"; }
  "$docker" stop "$name" >/dev/null
  code=$("$docker" inspect --format '{{.State.ExitCode}}' "$name")
  "$docker" logs "$name" >"$where/log" 2>&1
  expect_code "$where" 143
  expect_checkpoint "$where"
}

check_an_edit_runs() {
  local where name volume began
  where=$(folder)
  git ls-files -z --cached --others --exclude-standard | xargs -0 tar --create --ignore-failed-read 2>/dev/null | (mkdir "$where/src" && tar --extract --directory "$where/src")
  volume=$("$docker" volume create --label "$LABEL")
  name=$("$docker" run --detach --label "$LABEL" -v "$where/src:/src" -v "$volume:/cache/target" "$DEV_IMAGE" --version)
  began=$(now)
  until_true 1200 told "$name" "ended with exit code 0" || { "$docker" logs "$name" 2>&1 | tail -n 20 >&2; fail "it did not build"; }
  say "    first build of the mounted sources: $(since "$began") s"
  local round
  for round in 1 2 3; do
    # A visible edit deep in the library.
    sed -i "s|concat!(\"[^\"]*\", env!(\"CARGO_PKG_VERSION\"))|env!(\"CARGO_PKG_VERSION\")|; s|env!(\"CARGO_PKG_VERSION\")|concat!(\"edit $round of \", env!(\"CARGO_PKG_VERSION\"))|" "$where/src/src/native/versions.rs"
    began=$(now)
    until_true 600 told "$name" "edit $round of " || { "$docker" logs "$name" 2>&1 | tail -n 20 >&2; fail "the edit does not run"; }
    say "    from saving an edit to its output: $(since "$began") s"
    sleep 1
  done
  "$docker" stop "$name" >/dev/null
}

# ---- All of it -----------------------------------------------------------------------------------------------------------

CHECKS=(sizes nothing_to_install_or_compile_with metadata bill_of_materials one_binary_with_and_without_a_gpu
  default_command_trains starts_fast_on_prepared_data configured_by_environment_and_other_commands hardened any_user
  the_owner_of_the_folders_is_who_writes the_owner_has_no_privileges folders_of_others_are_told_with_the_remedy read_only_folder_is_told a_named_volume_works docker_stop_in_each_stage
  killed_and_started_again restart_on_failure comes_back_from_a_mirror out_of_memory second_worker_is_refused health
  started_by_another_entry_point supervised_by_the_on_start_script an_edit_runs)

say "image test: $("$docker" version --format '{{.Server.Version}}') on $(uname -sr)"
if [[ ${IMAGE_TEST_BUILD:-1} == 1 ]]; then
  choose_base
  build runtime "$IMAGE"
  build runtime "$CPU_IMAGE" --build-arg COMPUTE=cpu
  build remote "$REMOTE_IMAGE"
  build dev "$DEV_IMAGE"
fi

passed=0 failed=()
for name in "${@:-${CHECKS[@]}}"; do
  began=$(now)
  say "check    ${name//_/ }"
  # In a subshell that ends at the first failure. bash would continue after failures in a command followed by ||.
  set +e
  (set -e; "check_$name")
  status=$?
  set -e
  if ((status == 0)); then
    passed=$((passed + 1))
    say "passed   in $(since "$began") s"
  else
    failed+=("$name")
    say "FAILED   after $(since "$began") s"
  fi
  remove_containers
done
say "image test: $passed passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
((${#failed[@]} == 0))
