#!/usr/bin/env bash
# Installs the program for this machine: binary, libtorch, manual pages, completions, example configurations.
#     scripts/install.sh                       into /usr/local for root, into ~/.local for anybody else
#     scripts/install.sh --prefix DIR          into DIR
#     scripts/install.sh --uninstall [--prefix DIR]
# It sets up and builds first. Called again, it changes only what is not current. Everything new is complete before the
# link PREFIX/bin/fragua changes, so an interrupted call leaves the old program or the new one, and the next call cleans up.
# PREFIX/lib/fragua/manifest lists each file with its SHA-256; --uninstall removes these and nothing else.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'install: %s\n' "$*"; }
fail() { printf 'install: error: %s\n' "$1" >&2; exit "${2:-1}"; }
usage() { printf 'install: error: %s; usage: scripts/install.sh [--uninstall] [--prefix DIR]\n' "$1" >&2; exit 2; }

remove='' prefix=''
while (($# > 0)); do
  case $1 in
    --uninstall) remove=1; shift ;;
    --prefix) [[ -n ${2:-} ]] || usage "--prefix needs a folder"; prefix=$2; shift 2 ;;
    --prefix=?*) prefix=${1#*=}; shift ;;
    *) usage "unknown argument $1" ;;
  esac
done
if [[ -z $prefix ]]; then
  if ((EUID == 0)); then prefix=/usr/local; else prefix=${HOME:?}/.local; fi
fi
prefix=$(realpath -m -- "$prefix")
[[ $prefix != *$'\n'* ]] || usage "the prefix contains a line break"
home=$prefix/lib/fragua
manifest=$home/manifest

# The folders, from the outermost, that a call made and an uninstall may remove when they are empty.
FOLDERS=(bin lib share share/man share/man/man1 share/bash-completion share/bash-completion/completions share/zsh
  share/zsh/site-functions share/fish share/fish/vendor_completions.d share/fragua share/fragua/configs share/doc
  share/doc/fragua)

writable() {
  local above=$prefix
  while [[ ! -e $above ]]; do above=$(dirname "$above"); done
  [[ -d $above ]] || fail "$above is a file, not a folder: choose another --prefix" 73
  [[ -w $above ]] && return
  fail "$above is not writable by $(id -un): choose another --prefix, for example --prefix ~/.local, or use sudo" 73
}

# hashes FOLDER: "SHA-256  path" for each file below it, and "-> TARGET  path" for each link, sorted by path.
hashes() {
  (
    cd "$1"
    find . -type f -printf '%P\0' | sort -z | xargs -0 -r sha256sum --
    find . -type l -printf '%l\t%P\n' | sort | while IFS=$'\t' read -r target path; do printf -- '-> %s  %s\n' "$target" "$path"; done
  )
}

# entries MANIFEST: its paths below the prefix.
entries() { sed -n 's/^-> .*  \(.*\)$/\1/p; s/^[0-9a-f]\{64\}  \(.*\)$/\1/p' "$1"; }

# is_ours LINE: whether the file is as it was placed.
is_ours() {
  local line=$1 path
  if [[ $line == '-> '* ]]; then
    path=$prefix/${line##*  }
    [[ -L $path && "-> $(readlink "$path")  ${line##*  }" == "$line" ]]
  else
    path=$prefix/${line:66}
    [[ -f $path && ! -L $path && $(sha256sum <"$path" | cut -d ' ' -f 1) == "${line:0:64}" ]]
  fi
}

all_ours() {
  local line
  while IFS= read -r line; do is_ours "$line" || return 1; done <"$1"
}

# take_away MANIFEST: removes the listed files that nobody changed; prints those that stay.
take_away() {
  local line path
  while IFS= read -r line; do
    case $line in
      '-> '*) path=$prefix/${line##*  } ;;
      *) path=$prefix/${line:66} ;;
    esac
    [[ -e $path || -L $path ]] || continue
    if is_ours "$line"; then rm -f -- "$path"; else say "$path was changed since, so it stays"; fi
  done <"$1"
}

# sweep: removes folders that are empty now, innermost first.
sweep() {
  local at
  [[ ! -d $home ]] || find "$home" -mindepth 1 -depth -type d -empty -delete
  rmdir -- "$home" 2>/dev/null || true
  for ((at = ${#FOLDERS[@]} - 1; at >= 0; at--)); do
    ! grep -qxF -- "${FOLDERS[at]}" <<<"$made" || rmdir -- "$prefix/${FOLDERS[at]}" 2>/dev/null || true
  done
}

uninstall() {
  [[ -f $manifest ]] || fail "nothing is installed in $prefix: there is no $manifest; is it another --prefix?"
  writable
  exec 9<"$home"
  flock 9
  made=$(sed -n 's/^made //p' "$manifest")
  take_away <(grep -v '^made ' "$manifest")
  find "$home" -maxdepth 1 \( -name '.partial-*' -o -name '.manifest.*' \) -exec rm -rf -- {} +
  rm -f -- "$manifest"
  sweep
  say "removed fragua from $prefix; configurations, datasets and runs of your own were not touched"
}

build() {
  if ((EUID == 0)) && [[ $(stat -c %u "$root") != 0 ]]; then
    # Files of root in a user's checkout would break the next build.
    say "root installs what $(stat -c %U "$root") built; nothing is built now"
    [[ -x $root/target/debug/fragua ]] || fail "there is no $root/target/debug/fragua: call scripts/setup.sh and cargo build --locked without sudo first"
    return
  fi
  (
    cd "$root"
    scripts/setup.sh
    # The flags of .cargo/config.toml let the binary find its libraries; these would replace flags or folder.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR
    say "building the program; the first time takes minutes"
    cargo build --locked
  )
}

# stage FOLDER: everything as it will be below the prefix.
stage() {
  local new=$1 id=$2 library
  local inside=$new/lib/fragua/$id
  mkdir -p "$inside/bin" "$inside/lib" "$new/bin" "$new/share/"{man/man1,bash-completion/completions,zsh/site-functions} \
    "$new/share/"{fish/vendor_completions.d,fragua/configs,doc/fragua}
  cp "$root/target/debug/fragua" "$inside/bin/fragua"
  # libtorch.so is a text for the linker.
  for library in "$root"/.tools/libtorch/lib/*.so*; do
    [[ ${library##*/} == libtorch.so ]] || cp -P --reflink=auto "$library" "$inside/lib/"
  done
  ln -s "../lib/fragua/$id/bin/fragua" "$new/bin/fragua"
  local program=("$inside/bin/fragua")
  (cd / && env -i "${program[@]}" --version >/dev/null) || fail "the program does not start from its new folder; nothing was changed"
  "${program[@]}" man --output "$new/share/man/man1" >/dev/null
  "${program[@]}" completions bash >"$new/share/bash-completion/completions/fragua"
  "${program[@]}" completions zsh >"$new/share/zsh/site-functions/_fragua"
  "${program[@]}" completions fish >"$new/share/fish/vendor_completions.d/fragua.fish"
  cp "$root/config.yaml" "$new/share/fragua/"
  cp "$root"/configs/*.yaml "$new/share/fragua/configs/"
  cp "$root"/LICENSE-* "$new/share/doc/fragua/"
  if [[ -d $root/.tools/libtorch/licenses ]]; then
    for library in "$root"/.tools/libtorch/licenses/*; do cp "$library" "$new/share/doc/fragua/libtorch-${library##*/}"; done
  fi
  chmod -R u=rwX,go=rX "$new"
}

check_room() {
  local needed free above=$prefix
  needed=$(du -scL --block-size=1 "$root/target/debug/fragua" "$root/.tools/libtorch/lib" | tail -n 1 | cut -f 1)
  while [[ ! -e $above ]]; do above=$(dirname "$above"); done
  free=$(df --output=avail --block-size=1 "$above" | tail -n 1)
  say "into $prefix: $((needed / 1000000)) MB; $((free / 1000000)) MB are free there"
  ((free > needed + 10000000)) || fail "too little room in $above: make room, or choose a --prefix on another disk" 74
}

install() {
  local id new=$home/.partial-$$ folder made_now
  writable
  build
  check_room
  made_now=$(for folder in "${FOLDERS[@]}"; do [[ -d $prefix/$folder ]] || printf 'made %s\n' "$folder"; done)
  mkdir -p "$home"
  exec 9<"$home"
  flock --nonblock 9 || { say "another installation is running there; waiting for it"; flock 9; }
  [[ ! -f $manifest ]] || made_now=$(printf '%s\n' "$made_now"; grep '^made ' "$manifest" || true)
  find "$home" -maxdepth 1 -name '.partial-*' -exec rm -rf -- {} +
  trap 'rm -rf -- "$home/.partial-$$"' EXIT
  id=$(cat "$root/target/debug/fragua" "$root/.tools/libtorch/.complete" | sha256sum | cut -c 1-16)
  stage "$new" "$id"
  hashes "$new" >"$new.list"
  mv "$new.list" "$home/.manifest.new"
  if [[ -f $manifest ]] && diff -q <(grep -v '^made ' "$manifest") "$home/.manifest.new" >/dev/null \
    && all_ours "$home/.manifest.new"; then
    rm -f "$home/.manifest.new"
    say "fragua in $prefix is current; nothing to do"
    return
  fi
  place "$new" "$made_now"
  report
}

# place FOLDER MADE: moves the staged files to their places, the link to the program last, then removes what only the
# installation before had.
place() {
  local new=$1 made_now=$2 path
  # While files are moved, the manifest lists those of both installations, so that an interruption loses none.
  {
    printf '%s\n' "$made_now" | sort -u | sed '/^$/d'
    [[ ! -f $manifest ]] || grep -v '^made ' "$manifest" || true
    cat "$home/.manifest.new"
  } >"$home/.manifest.both"
  [[ ! -f $manifest ]] || cp "$manifest" "$home/.manifest.old"
  mv -f "$home/.manifest.both" "$manifest"
  while IFS= read -r path; do
    [[ $path != bin/fragua ]] || continue
    put "$new" "$path"
  done < <(entries "$home/.manifest.new")
  sync
  put "$new" bin/fragua
  { printf '%s\n' "$made_now" | sort -u | sed '/^$/d'; cat "$home/.manifest.new"; } >"$home/.manifest.done"
  if [[ -f $home/.manifest.old ]]; then
    take_away <(grep -v '^made ' "$home/.manifest.old" | grep -vxFf "$home/.manifest.new" | not_placed "$home/.manifest.new")
    find "$home" -mindepth 1 -depth -type d -empty -delete
  fi
  mv -f "$home/.manifest.done" "$manifest"
  rm -f "$home/.manifest.old" "$home/.manifest.new"
}

# not_placed MANIFEST: the lines whose paths the manifest does not list.
not_placed() {
  local line path now
  now=$(entries "$1")
  while IFS= read -r line; do
    if [[ $line == '-> '* ]]; then path=${line##*  }; else path=${line:66}; fi
    grep -qxF -- "$path" <<<"$now" || printf '%s\n' "$line"
  done
}

# put STAGED PATH: replaces one file in a single step. A configuration that somebody changed is kept beside the new one.
put() {
  local from=$1/$2 to=$prefix/$2
  mkdir -p "$(dirname "$to")"
  if [[ -e $to && ! -L $to ]] && ! grep -qxF -- "$(sha256sum <"$to" | cut -d ' ' -f 1)  $2" "$manifest"; then
    [[ ! -d $to ]] || fail "$to is a folder; move it away and call this again" 73
    mv -- "$to" "$to.before-fragua"
    say "$to was not placed by this script, or was changed since; it is now $to.before-fragua"
  fi
  # Within one file system a renaming replaces the file at once; the partial folder is in the same prefix.
  mv -fT -- "$from" "$to"
}

report() {
  local size
  size=$(du -scL --block-size=1 "$home" "$prefix/share/fragua" "$prefix/share/doc/fragua" | tail -n 1 | cut -f 1)
  say "placed $(entries "$manifest" | wc -l) files, $((size / 1000000)) MB; $manifest lists them"
  say "program: $prefix/bin/fragua ($("$prefix/bin/fragua" --version | head -n 1))"
  say "examples: $prefix/share/fragua; manual: man fragua; completions for bash, zsh and fish"
  case :$PATH: in
    *:"$prefix/bin":*) say "begin with: fragua doctor" ;;
    *) say "$prefix/bin is not in PATH; add this line to ~/.profile: export PATH=\"$prefix/bin:\$PATH\"" ;;
  esac
}

if [[ -n $remove ]]; then uninstall; else install; fi
