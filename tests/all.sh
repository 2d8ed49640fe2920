#!/usr/bin/env bash
# Every test, in two lanes at once: what needs no lab is written down beside what needs it, because most of a roll is waiting.
set -euo pipefail
cd "$(dirname "$0")/.."

here=(unit lint sanity importer aws system)
lab=(lab molecule)
logs=build/test
rm -rf "$logs"
mkdir -p "$logs"

say() { # say target status seconds
  [ "$2" = 0 ] && printf '\n== %s passed in %d s\n' "$1" "$3" || printf '\n== %s failed after %d s, see %s\n' "$1" "$3" "$logs/$1.log"
}

written_down() {
  local target status started
  for target in "${here[@]}"; do
    started=$SECONDS status=0
    make -s "$target" >"$logs/$target.log" 2>&1 || { status=$?; echo "$target" >>"$logs/failed"; }
    say "$target" "$status" "$((SECONDS - started))"
  done
}

set -m
written_down &
beside=$!
set +m
trap 'kill -- -$beside 2>/dev/null || true' EXIT

for target in "${lab[@]}"; do
  started=$SECONDS status=0
  make -s "$target" 2>&1 | tee "$logs/$target.log" || { status=$?; echo "$target" >>"$logs/failed"; }
  say "$target" "$status" "$((SECONDS - started))"
done
wait "$beside"
trap - EXIT

[ -e "$logs/failed" ] || { printf '\nEverything passed in %d s.\n' "$SECONDS"; exit 0; }
while read -r target; do
  printf '\n== the end of %s, which failed:\n' "$logs/$target.log"
  tail -n 100 "$logs/$target.log"
done <"$logs/failed"
exit 1
