#!/usr/bin/env bash
# Trains in a rented container whose entry point was replaced, and restarts training if necessary: Vast.ai's SSH and Jupyter
# modes run only an on-start script of the image, as root, at every start of the container. In the image this script is
# fragua-onstart.
#     fragua-onstart                                  fragua train, in the background; returns at once, so that SSH comes up
#     fragua-onstart --config /workspace/my.yaml      arguments of `fragua train`; without any, those of FRAGUA_ARGS
#     fragua-onstart --foreground                     stays, as a container's only process does; its exit code is that of training
#     fragua-onstart --stop                           asks the one in the background to save a checkpoint and end
# A second call does not start a second training. Nothing here is part of training: all that must survive is
# in the run folder.
#
# It starts training again if that may help, but not for ever: after 75 (try again later) up to 110 times without a new
# checkpoint in between, with waits that grow to 15 minutes: 27 hours, in which a quota of Google Drive is renewed; after 70, 74
# (a disk or the GPU failed) and deaths by a signal up to 5 times. All other codes end it, and so does SIGTERM or SIGINT, which
# it passes on.
#
#     FRAGUA_ARGS                arguments of `fragua train`, quoted as in a shell: "--epochs 3 --set 'name=two words'"
#     FRAGUA_ON_FINISH           stop | destroy: what becomes of the Vast.ai instance after exit code 0, and only then; unset is
#                                nothing. stop keeps the disk, which is billed on, and may lose the GPU to others. destroy deletes
#                                everything: it is done only where FRAGUA__OUTPUT__MIRROR, or a --set, which wins over it, is an
#                                s3://, gs:// or az:// address, and else becomes a stop
#     FRAGUA_WORKSPACE           /workspace: where this folder exists, data and runs go there, unless FRAGUA__DATA__ROOT and
#                                FRAGUA__OUTPUT__ROOT say otherwise
#     FRAGUA_ONSTART_LOG         fragua-onstart.log in that folder, or in /var/log; the older half is beside it with .1
#     FRAGUA_ONSTART_LOG_BYTES   10000000: the size at which a new log begins, so that both together take twice that
# For tests: FRAGUA_ONSTART_STATE (lock and marks), FRAGUA_ONSTART_INIT (what /proc/1 is), FRAGUA_ONSTART_SECOND (milliseconds).
set -uo pipefail

readonly RESTARTS=5 TRIES=110 CRASH_SECONDS=10 CRASH_LIMIT_SECONDS=300 AGAIN_SECONDS=30 AGAIN_LIMIT_SECONDS=900
state=${FRAGUA_ONSTART_STATE:-/var/lib/fragua}
init=${FRAGUA_ONSTART_INIT:-/proc/1}
second=${FRAGUA_ONSTART_SECOND:-1000}
self=$(readlink -f "${BASH_SOURCE[0]}")
worker='' stopping='' root='' mirror=''

say() { TZ=UTC printf '%(%FT%TZ)T fragua-onstart: %s\n' -1 "$*"; }

# The environment of a container reaches its first process, but not an SSH shell. Variables that are set here already are
# kept.
import_environment() {
  local entry name
  [[ -r $init/environ ]] || return 0
  while IFS= read -r -d '' entry; do
    name=${entry%%=*}
    [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
    case $name in
      FRAGUA_* | AWS_* | GOOGLE_* | AZURE_* | NVIDIA_* | CUDA_* | OMP_* | RUST_* | CONTAINER_ID | CONTAINER_API_KEY | VAST_CONTAINERLABEL | \
        LD_LIBRARY_PATH | SSL_CERT_* | TZ | HTTP_PROXY | HTTPS_PROXY | NO_PROXY | http_proxy | https_proxy | no_proxy)
        [[ -v $name ]] || export "${entry?}" ;;
    esac
  done 2>/dev/null <"$init/environ"
}

choose_folders() {
  local workspace=${FRAGUA_WORKSPACE:-/workspace}
  if [[ -d $workspace ]]; then
    export FRAGUA__OUTPUT__ROOT=${FRAGUA__OUTPUT__ROOT:-$workspace/model_output}
    export FRAGUA__DATA__ROOT=${FRAGUA__DATA__ROOT:-$workspace/datasets}
    log=${FRAGUA_ONSTART_LOG:-$workspace/fragua-onstart.log}
  else
    log=${FRAGUA_ONSTART_LOG:-/var/log/fragua-onstart.log}
  fi
}

# What YAML reads of a text: the same without space around it, or without quotes.
plain() {
  local text=$1
  text=${text#"${text%%[![:space:]]*}"} text=${text%"${text##*[![:space:]]}"}
  case $text in
    \"*\" | \'*\') text=${text:1:-1} ;;
  esac
  printf %s "$text"
}

# read_outputs ARGUMENTS...: where runs and their copies go, as the program decides it: the environment, overridden by the last
# --set, overridden by --output in any position.
read_outputs() {
  local option key output=''
  root=$(plain "${FRAGUA__OUTPUT__ROOT:-model_output}") mirror=$(plain "${FRAGUA__OUTPUT__MIRROR:-}")
  while (($# > 0)); do
    option=$1
    shift
    case $option in
      --set | --output) (($# > 0)) || break; option+="=$1"; shift ;;
    esac
    key=${option#--set=}
    case $option in
      --output=*) output=${option#--output=} ;;
      --set=output.root=*) root=$(plain "${key#*=}") ;;
      --set=output.mirror=*) mirror=$(plain "${key#*=}") ;;
      # The whole section is replaced: its content is not parsed, so nothing is known.
      --set=output=*) mirror='' ;;
    esac
  done
  root=${output:-$root}
}

# The values that must not appear in a log.
secret_values() {
  local name value
  while IFS= read -r name; do
    case $name in
      *KEY* | *SECRET* | *TOKEN* | *PASSWORD* | *CREDENTIAL* | *CONNECTION_STRING*)
        value=${!name}
        # What is shorter would hide half of every log.
        ((${#value} < 8)) || printf '%s\0' "$value" ;;
    esac
  done < <(compgen -e)
}

# keep_log FILE SHOWN: copies lines to the log and to descriptor SHOWN. It must outlive the processes whose lines it copies, and a
# full disk must not affect them.
keep_log() {
  local file=$1 shown=$2 line secret size limit=${FRAGUA_ONSTART_LOG_BYTES:-10000000}
  trap '' TERM INT HUP PIPE
  mapfile -d '' -t secrets < <(secret_values)
  size=$(stat -c %s "$file" 2>/dev/null) || size=0
  while IFS= read -r line || [[ -n $line ]]; do
    for secret in ${secrets[@]+"${secrets[@]}"}; do line=${line//"$secret"/[hidden]}; done
    ((size + ${#line} < limit)) || { mv -f "$file" "$file.1" || : >"$file"; size=0; } 2>/dev/null
    size=$((size + ${#line} + 1))
    { printf '%s\n' "$line" >>"$file"; } 2>/dev/null
    { printf '%s\n' "$line" >&"$shown"; } 2>/dev/null
  done
}

# Opens what people watch as descriptor 8: the output of the container's first process, which `vastai logs` shows.
open_shown() {
  local output=$init/fd/1
  # Opening a pipe that nobody reads would block for ever.
  # shellcheck disable=SC2016 # expanded by the inner shell
  if [[ -e $output ]] && timeout 2 bash -c ': >>"$1"' _ "$output" 2>/dev/null; then
    exec 8>>"$output"
  else
    exec 8>/dev/null
  fi
}

on_signal() {
  stopping=$1
  [[ -z $worker ]] || kill -s "$1" "$worker" 2>/dev/null
}

# pause SECONDS: a wait that a signal ends.
pause() {
  local milliseconds=$(($1 * second)) sleeper
  [[ -z $stopping ]] || return 0
  sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))" 9>&- &
  sleeper=$!
  wait "$sleeper"
  kill "$sleeper" 2>/dev/null
  wait "$sleeper" 2>/dev/null
}

# train ARGUMENTS...: one start of the program; its exit code is in `code`.
train() {
  # It must not get the key of the instance, nor hold the lock.
  (unset CONTAINER_API_KEY && exec "$program" train "$@") </dev/null 8>&- 9>&- &
  worker=$!
  [[ -z $stopping ]] || kill -s "$stopping" "$worker" 2>/dev/null
  # A signal ends the wait, not the program: it is then saving.
  while wait -f "$worker"; code=$?; kill -0 "$worker" 2>/dev/null; do :; done
  worker=''
}

# kind CODE: the code, or the word signal if a signal killed the program: 137, 139, 134, not 129, 130 and 143.
kind() { (($1 > 128 && $1 != 129 && $1 != 130 && $1 != 143)) && echo signal || echo "$1"; }

# The checkpoints there are: a change is progress.
checkpoints() {
  local folder=$root
  # An argument that begins with a dash is not an option.
  [[ $folder == /* ]] || folder=./$folder
  find "$folder/" -mindepth 3 -maxdepth 3 -path '*/checkpoints/e*' 2>/dev/null | sort | cksum
}

# supervise ARGUMENTS...: trains, after read_outputs, until a restart is pointless; returns the last exit code.
supervise() {
  local left=$RESTARTS tries=$TRIES again=$AGAIN_SECONDS crash=$CRASH_SECONDS before after
  before=$(checkpoints)
  while :; do
    say "starting fragua train${*:+ $*}"
    train "$@"
    after=$(checkpoints)
    [[ $after == "$before" ]] || { left=$RESTARTS tries=$TRIES again=$AGAIN_SECONDS crash=$CRASH_SECONDS before=$after; }
    [[ -z $stopping ]] || { say "asked to end by SIG$stopping; fragua ended with $code"; return "$code"; }
    case $(kind "$code") in
      75)
        ((tries > 0)) || { say "fragua ended with 75 (try again later) again after $TRIES restarts without a new checkpoint in between; giving up"; return "$code"; }
        tries=$((tries - 1))
        say "fragua says: try again later (75); again in $again s"
        pause "$again"
        again=$((again * 2 < AGAIN_LIMIT_SECONDS ? again * 2 : AGAIN_LIMIT_SECONDS)) ;;
      70 | 74 | signal)
        ((left > 0)) || { say "fragua ended with $code, $RESTARTS times without a new checkpoint in between; giving up"; return "$code"; }
        left=$((left - 1))
        say "fragua ended with $code; again from the last checkpoint in $crash s, $left more after that"
        pause "$crash"
        crash=$((crash * 2 < CRASH_LIMIT_SECONDS ? crash * 2 : CRASH_LIMIT_SECONDS)) ;;
      0) say "fragua is done"; return 0 ;;
      *) say "fragua ended with $code; starting again would not help, see the lines above"; return "$code" ;;
    esac
    [[ -z $stopping ]] || { say "asked to end by SIG$stopping while waiting"; return "$([[ $stopping == INT ]] && echo 130 || echo 143)"; }
  done
}

# instance stop|destroy: through the client if it is installed, else by HTTP; the key is never an argument, because
# everybody can see those.
instance() {
  local request='request = "PUT"' body='{\"state\": \"stopped\"}'
  if command -v vastai >/dev/null; then
    case $1 in
      stop) VAST_API_KEY=$CONTAINER_API_KEY vastai stop instance "$CONTAINER_ID" ;;
      destroy) VAST_API_KEY=$CONTAINER_API_KEY vastai destroy instance "$CONTAINER_ID" --yes ;;
    esac
    return
  fi
  [[ $1 == stop ]] || request='request = "DELETE"' body='{}'
  curl --fail --silent --show-error --max-time 60 --retry 5 --output /dev/null --config - <<END
url = "https://console.vast.ai/api/v0/instances/$CONTAINER_ID/"
$request
header = "Authorization: Bearer $CONTAINER_API_KEY"
header = "Content-Type: application/json"
data = "$body"
END
}

# Stops or destroys the instance after success. With a mirror, 0 means that the whole run is in it: if training is done but the
# copy is incomplete, fragua exits with 75. So a mirror off this machine is enough to delete it.
finish() {
  local action=${FRAGUA_ON_FINISH:-} mark=$state/finished result
  case $action in
    '') [[ -z ${CONTAINER_ID:-} ]] || say "this instance is still rented; FRAGUA_ON_FINISH=stop or destroy would have ended that"; return ;;
    stop | destroy) ;;
    *) say "FRAGUA_ON_FINISH is '$action', which is neither stop nor destroy: doing nothing"; return ;;
  esac
  [[ -n ${CONTAINER_ID:-} && -n ${CONTAINER_API_KEY:-} ]] || { say "no CONTAINER_ID or CONTAINER_API_KEY, so this is no instance of Vast.ai: doing nothing"; return; }
  if [[ $action == destroy && ! $mirror =~ ^(s3|gs|az)://. ]]; then
    say "destroying would lose the only copy, as the mirror has to be at s3://, gs:// or az://, and is ${mirror:-not set}: stopping instead"
    action=stop
  fi
  # A stopped instance is started again to fetch its files.
  result=$(checkpoints)
  [[ $(cat "$mark" 2>/dev/null) != "$result" ]] || { say "this result has ended the instance once: leaving it on"; return; }
  printf '%s\n' "$result" >"$mark"
  say "asking Vast.ai to $action this instance"
  instance "$action" || { rm -f "$mark"; say "that failed: the instance is still rented; $action it by hand"; }
}

# lead ARGUMENTS...: the whole life of the one that holds the lock, with its output in the log.
lead() {
  local logger
  printf '%s\n' "$$" >"$state/pid"
  trap '' HUP
  trap 'on_signal TERM' TERM
  trap 'on_signal INT' INT
  exec > >(exec 9>&- && keep_log "$log" 8) 2>&1
  logger=$!
  # Children get their own process groups: Ctrl-C reaches them once, through this script, and they don't ignore it.
  set -m
  read_outputs "$@"
  supervise "$@"
  code=$?
  ((code != 0)) || finish
  exec >&- 2>&-
  wait "$logger"
  exit "$code"
}

# Asks the one that holds the lock to end, and waits until it has.
stop() {
  local pid
  pid=$(cat "$state/pid")
  # At the moment when it starts, its process id may still be that of another process.
  grep -q onstart "/proc/${pid:-none}/cmdline" 2>/dev/null || { say "it is about to start: call again"; exit 75; }
  say "asking process $pid to end; see $log"
  kill -s TERM "$pid" && flock 9 && say "it has ended"
  exit
}

# split_words MODE: the arguments in FRAGUA_ARGS, as `words`.
split_words() {
  local problem
  # xargs understands quotes and, unlike eval, runs nothing. If it can't split the text, fail: fewer arguments would train
  # something else.
  if ! problem=$(xargs --no-run-if-empty printf '%s\0' <<<"$FRAGUA_ARGS" 2>&1 >/dev/null); then
    [[ $1 != background ]] || open_shown
    problem=$(say "FRAGUA_ARGS can't be split into words: $(head -n 1 <<<"${problem#xargs: }" | cut -d ';' -f 1). Nothing is started")
    printf '%s\n' "$problem" >&2
    { printf '%s\n' "$problem" >>"$log"; } 2>/dev/null
    [[ $1 != background ]] || { printf '%s\n' "$problem" >&8; } 2>/dev/null
    exit 2
  fi
  mapfile -d '' -t words < <(xargs --no-run-if-empty printf '%s\0' <<<"$FRAGUA_ARGS")
}

main() {
  local mode=background words
  case ${1:-} in
    --foreground | --stop | --led) mode=${1#--}; shift ;;
    -h | --help) sed -n '2,/^set /{/^# \{0,1\}/s///p}' "$self"; exit ;;
  esac
  [[ ${1:-} != train ]] || shift
  import_environment
  choose_folders
  program=$(command -v fragua) || program=/usr/local/bin/fragua
  mkdir -p "$(dirname "$log")"
  # After hours of rent it would be too late to say so.
  if [[ $mode != stop && ! ${FRAGUA_ON_FINISH:-} =~ ^(stop|destroy)?$ ]]; then
    say "FRAGUA_ON_FINISH is '$FRAGUA_ON_FINISH'; it may be stop or destroy, or be left out" >&2
    exit 2
  fi
  # Stopping needs no arguments of a training.
  if (($# == 0)) && [[ -n ${FRAGUA_ARGS:-} && $mode != stop ]]; then
    split_words "$mode"
    set -- "${words[@]}"
  fi
  # Without root, the lock is in a world-writable folder; nobody else enters such a container.
  mkdir -p "$state" 2>/dev/null && [[ -w $state ]] || state=${TMPDIR:-/tmp}/fragua-onstart-$UID
  mkdir -p "$state" || { say "$state can't be written" >&2; exit 73; }
  [[ $mode != led ]] || lead "$@"
  exec 9>>"$state/lock"
  if ! flock --nonblock 9; then
    [[ $mode != stop ]] || stop
    say "already at work as process $(cat "$state/pid"); see $log"
    [[ $mode == background ]] || exit 75
    exit 0
  fi
  [[ $mode != stop ]] || { say "nothing is running"; exit 0; }
  : >"$state/pid"
  # Relative paths of configurations, and config.yaml itself, are those of the image.
  [[ ! -d ${FRAGUA_HOME:-/app} ]] || cd "${FRAGUA_HOME:-/app}" || exit 73
  if [[ $mode == foreground ]]; then
    exec 8>&1
    lead "$@"
  fi
  say "training in the background; see $log"
  open_shown
  # Descriptor 9 keeps the lock.
  setsid "$BASH" "$self" --led "$@" </dev/null >/dev/null 2>&1 &
}

main "$@"
