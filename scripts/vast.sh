#!/usr/bin/env bash
# Prints the commands that train on Vast.ai, or with --run executes them by the `vastai` client (`pip install vastai`).
#     scripts/vast.sh disk --data-gb 12                              adds up the disk space needed
#     scripts/vast.sh search --data-gb 12 --gpu-ram 24 --price 0.50  offers that suffice, the cheapest first
#     scripts/vast.sh search --data-gb 12 --cuda 13                  the same for an image built with --build-arg TORCH=2.11
#     scripts/vast.sh create OFFER --image IMAGE --data-gb 12 -- --config configs/radar-gpu.yaml
#     scripts/vast.sh create OFFER --image IMAGE-remote --data-gb 12 --ssh -- --epochs 40
#     scripts/vast.sh logs ID        show ID        copy-back ID FOLDER [--ssh]        destroy ID
# docs/remote.md goes through them one by one. It does not manage accounts: log in with the client first.
#
# Disk, all in GB:      --data-gb N (unpacked)  --archive-gb N (as --data-gb)  --prepared-gb N (as --data-gb)  --image-gb 4.6
#                       --checkpoint-gb 0.1  --keep 6 (keep_last + keep_best + the one being written)  or all of it: --disk N
# Search:               --gpu-ram 16  --gpu RTX_4090  --price DOLLARS_AN_HOUR  --days 1  --reliability 0.98  --interruptible
#                       --cuda 12 | 13: that of the image; 13 is for newer GPUs, and for those from compute capability 7.5 on
# Create:               --image IMAGE  --bid DOLLARS_AN_HOUR (interruptible)  --ssh | --jupyter (an image with an SSH server)
#                       --supervise: args mode that starts again after crashes and exit code 75; without it, what ended has ended
#                       --mirror URL  --on-finish stop|destroy (with --ssh or --jupyter)
#                       --env NAME: a variable of this shell that the instance gets; its value is never printed
# What follows -- are arguments of `fragua train`.
set -euo pipefail

usage() { sed -n '2,/^set /{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
refuse() { printf 'vast: %s\n' "$1" >&2; exit 2; }

# A sum that only awk can do: bash knows no fractions.
disk_table() {
  awk -v image="$image_gb" -v archive="${archive_gb:-$data_gb}" -v data="$data_gb" -v prepared="${prepared_gb:-$data_gb}" \
    -v checkpoint="$checkpoint_gb" -v keep="$keep" '
    function row(name, value) { printf "%10.1f GB  %s\n", value, name; sum += value }
    BEGIN {
      row("image", image)
      row("archive, while it is being unpacked", archive)
      row("data, unpacked", data)
      row("data, prepared", prepared)
      row(sprintf("%d checkpoints of %s GB", keep, checkpoint), keep * checkpoint)
      row("pictures, films, logs", 1)
      row("margin, a fifth", sum / 5)
      whole = int(sum); if (whole < sum) whole++
      if (whole < 10) whole = 10
      printf "%10d GB  --disk, which stays what it is for the life of the instance\n", whole
    }'
}

disk_size() {
  [[ -z $disk ]] || { echo "$disk"; return; }
  [[ -n $data_gb ]] || refuse "say how large the unpacked data is, --data-gb N, or the whole disk, --disk N"
  disk_table | awk 'END { print $1 }'
}

# call WORDS...: prints a command as a shell reads it, and executes it with --run.
call() {
  local word line=''
  for word; do
    # A word from the environment is printed as its name, so that secrets are in no terminal, and pasting the line works.
    if [[ $word == *@env@* ]]; then
      line+=" \"${word//@env@/\$}\""
    elif [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]]; then
      line+=" $word"
    else
      line+=" '${word//\'/\'\\\'\'}'"
    fi
  done
  printf '%s\n' "${line# }"
  [[ -n $run ]] || return 0
  command -v vastai >/dev/null || { printf 'vast: there is no vastai; install it: pip install vastai\n' >&2; exit 1; }
  local words=()
  for word; do
    while [[ $word =~ @env@([A-Za-z_][A-Za-z0-9_]*) ]]; do word=${word/"${BASH_REMATCH[0]}"/"${!BASH_REMATCH[1]}"}; done
    words+=("$word")
  done
  "${words[@]}"
}

search() {
  local size
  size=$(disk_size)
  # The image's libtorch 2.4 is built for compute capabilities 5.0 to 9.0, with CUDA 12.1; libtorch 2.11 from 7.5 on, with CUDA 13.0.
  local needed="cuda_vers>=12.1 compute_cap>=500 compute_cap<=900"
  [[ $cuda != 13 ]] || needed="cuda_vers>=13.0 compute_cap>=750"
  local query="num_gpus=1 cpu_arch=amd64 $needed gpu_ram>=$gpu_ram"
  query+=" disk_space>=$size reliability>=$reliability duration>=$days${price:+ dph<=$price}${gpu:+ gpu_name=$gpu}"
  call vastai search offers "$query" --storage "$size" --order dph --limit 20 ${interruptible:+--interruptible}
}

create() {
  local size offer=${positional[0]:-} environment='' name command
  [[ $offer =~ ^[0-9]+$ && -n $image ]] || refuse "create needs the number of an offer and --image"
  size=$(disk_size)
  [[ -z $mirror ]] || environment+=" -e FRAGUA__OUTPUT__MIRROR=$mirror"
  [[ -z $on_finish ]] || environment+=" -e FRAGUA_ON_FINISH=$on_finish"
  for name in ${names[@]+"${names[@]}"}; do
    [[ -n ${!name:-} ]] || refuse "$name is not set in this shell"
    [[ ${!name} != *[[:space:]\'\"]* ]] || refuse "$name has spaces or quotes, which the client would cut"
    environment+=" -e $name=@env@$name"
  done
  local words=(vastai create instance "$offer" --image "$image" --disk "$size" --label fragua --cancel-unavail)
  [[ -z $bid ]] || words+=(--bid_price "$bid")
  [[ -z $environment ]] || words+=(--env "${environment# }")
  if [[ -z $mode ]]; then
    [[ -z $on_finish ]] || refuse "--on-finish needs --ssh or --jupyter: without them nothing but the program runs"
    # What follows --args reaches the entry point, and has to come last.
    if [[ -n $supervise ]]; then
      call "${words[@]}" --entrypoint /usr/local/bin/fragua-onstart --args --foreground --yes "${arguments[@]}"
    else
      call "${words[@]}" --args train --yes "${arguments[@]}"
    fi
  else
    command="mkdir -p /workspace && fragua-onstart"
    ((${#arguments[@]} == 0)) || command+=$(printf ' %q' "${arguments[@]}")
    call "${words[@]}" "--$mode" --direct --onstart-cmd "$command"
  fi
}

# The folder of the runs on an instance.
runs() { [[ -n $mode ]] && echo /workspace/model_output || echo /app/model_output; }

known() { [[ ${positional[0]:-} =~ ^[0-9]+$ ]] || refuse "$verb needs the number of an instance: vastai show instances"; }

verb=${1:-}
shift || true
run='' mode='' data_gb='' archive_gb='' prepared_gb='' image_gb=4.6 checkpoint_gb=0.1 keep=6 disk='' gpu_ram=16 gpu='' price='' days=1
reliability=0.98 cuda=12 interruptible='' image='' bid='' mirror='' on_finish='' supervise='' names=() positional=()
arguments=()
while (($# > 0)); do
  case $1 in
    --run) run=yes; shift; continue ;;
    --ssh | --jupyter) mode=${1#--}; shift; continue ;;
    --interruptible) interruptible=yes; shift; continue ;;
    --supervise) supervise=yes; shift; continue ;;
    --) shift; arguments=("$@"); break ;;
    -*) (($# > 1)) || refuse "$1 needs a value" ;;
    *) positional+=("$1"); shift; continue ;;
  esac
  case $1 in
    --data-gb | --archive-gb | --prepared-gb | --image-gb | --checkpoint-gb | --keep | --disk | --gpu-ram | --price | --days | --reliability | --bid)
      [[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || refuse "$1 needs a number, not '$2'"
      name=${1#--}; printf -v "${name//-/_}" %s "$2" ;;
    --mirror)
      [[ $2 =~ ^(s3|gs|az)://[A-Za-z0-9._/-]+$ ]] \
        || refuse "--mirror takes s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; credentials go into the account's variables"
      mirror=$2 ;;
    --gpu | --image) [[ $2 != *[[:space:]\'\"]* ]] || refuse "$1 can't have spaces or quotes"; printf -v "${1#--}" %s "$2" ;;
    --cuda) [[ $2 == 12 || $2 == 13 ]] || refuse "--cuda is 12 or 13, that of the image"; cuda=$2 ;;
    --on-finish) [[ $2 == stop || $2 == destroy ]] || refuse "--on-finish is stop or destroy"; on_finish=$2 ;;
    --env) [[ $2 =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || refuse "--env takes the name of a variable, never its value"; names+=("$2") ;;
    *) refuse "$1 is not known; scripts/vast.sh help" ;;
  esac
  shift 2
done

case $verb in
  disk) [[ -n $data_gb ]] || refuse "disk needs --data-gb N: the size of the unpacked data"; disk_table ;;
  search) search ;;
  create) [[ -n $disk || -z $data_gb ]] || disk_table >&2; create ;;
  show) known && call vastai show instance "${positional[0]}" ;;
  logs) known && call vastai logs "${positional[0]}" --tail 100 ;;
  copy-back) known && call vastai copy "C.${positional[0]}:$(runs)/" "local:${positional[1]:-model_output}/" ;;
  destroy) known && call vastai destroy instance "${positional[0]}" ;;
  help | --help | -h | '') usage ;;
  *) refuse "$verb is not known; scripts/vast.sh help" ;;
esac
