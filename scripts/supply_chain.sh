#!/usr/bin/env bash
# Checks what the program is made of against deny.toml: licences, sources, doubtful versions, and known vulnerabilities. Needs no
# network and installs nothing.
#     scripts/supply_chain.sh                                          licences, bans, sources
#     FRAGUA_ADVISORY_DB=/path/to/advisory-db scripts/supply_chain.sh  advisories too, from a copy of RustSec's git repository
# Exits with 0 if all was checked and is well, 1 if something is not, 77 if something could not be checked. With
# SUPPLY_CHAIN_REQUIRED=1 that is a failure: 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skipped=0
skip() {
  printf 'supply chain: skipped: %s\n' "$*" >&2
  skipped=1
}

finish() {
  ((skipped)) || { printf 'supply chain: all is well\n'; exit 0; }
  [[ ${SUPPLY_CHAIN_REQUIRED:-} != 1 ]] || { printf 'supply chain: not all was checked, and SUPPLY_CHAIN_REQUIRED is 1\n' >&2; exit 1; }
  exit 77
}

if ! command -v cargo-deny >/dev/null; then
  skip "everything: cargo-deny is missing; install it: cargo install --locked cargo-deny"
  finish
fi

# deny CONFIGURATION CHECK...: cargo-deny without a network; crates that are not here are fetched by `cargo fetch --locked`.
deny() { cargo deny --offline --config "$1" check "${@:2}" || { printf 'supply chain: refused, see above\n' >&2; exit 1; }; }

deny deny.toml licenses bans sources

database=${FRAGUA_ADVISORY_DB:-}
if [[ -z $database ]]; then
  skip "advisories: FRAGUA_ADVISORY_DB names no database; get one: git clone https://github.com/rustsec/advisory-db"
  finish
fi
newest=$(git -C "$database" log -1 --format=%cs) || { skip "advisories: $database is no git repository"; finish; }
printf 'supply chain: the newest advisory is of %s\n' "$newest"

# cargo-deny clones its database from an address. This one does not exist; git is configured to use the copy instead.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
address=https://advisories.invalid/advisory-db
sed "s|^\[advisories\]|&\ndb-path = \"$work/db\"\ndb-urls = [\"$address\"]|" deny.toml >"$work/deny.toml"
database=$(cd "$database" && pwd)
GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0="url.$database.insteadOf" GIT_CONFIG_VALUE_0=$address \
  GIT_CONFIG_KEY_1=safe.directory GIT_CONFIG_VALUE_1='*' cargo deny --config "$work/deny.toml" fetch db
deny "$work/deny.toml" advisories
finish
