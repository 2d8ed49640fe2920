#!/usr/bin/env bash
# Every test, in two lanes at once: what needs no lab is written down beside what needs it, because most of a roll is waiting.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=build/test
rm -rf "$logs"
mkdir -p "$logs"

lane() { # what keeps the output of each target, and the targets
  local keep=$1 target started
  shift
  for target in "$@"; do
    started=$SECONDS
    if make -s "$target" 2>&1 | "$keep" "$logs/$target.log"; then
      printf '\n== %s passed in %d s\n' "$target" "$((SECONDS - started))"
    else
      echo "$target" >>"$logs/failed"
      printf '\n== %s failed after %d s, see %s\n' "$target" "$((SECONDS - started))" "$logs/$target.log"
    fi
  done
}
quietly() { cat >"$1"; }

set -m
lane quietly unit plays lint sanity importer aws system &
beside=$!
set +m
trap 'kill -- -$beside 2>/dev/null || true' EXIT

lane tee lab molecule
wait "$beside"
trap - EXIT

[ -e "$logs/failed" ] || { printf '\nEverything passed in %d s.\n' "$SECONDS"; exit 0; }
while read -r target; do
  printf '\n== the end of %s, which failed:\n' "$logs/$target.log"
  tail -n 100 "$logs/$target.log"
done <"$logs/failed"
# By name, and last, because a log is often seen from its end.
printf '\n== What failed:\n'
while read -r target; do
  grep -aE '^(FAILED|ERROR) ' "$logs/$target.log" | sed "s/^/$target: /" || echo "$target: see $logs/$target.log"
done <"$logs/failed"
exit 1
