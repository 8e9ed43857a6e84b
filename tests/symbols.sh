#!/bin/sh
# No symbol of ours has the name of one in a library that is linked, too: the
# library would call ours instead of its own.
# usage: symbols.sh [PROGRAM OBJECT...]; without, the daemon and its objects.
set -eu
program=${1:-./reachd}
[ $# -eq 0 ] || shift
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $CHECK_OBJECTS
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Sanitizers stand in for the C library on purpose.
ldd "$program" | awk '$2 == "=>" && $3 !~ /san\.so/ { print $3 }' >"$work/libs"
xargs "${NM:-nm}" -D --defined-only <"$work/libs" 2>/dev/null |
  awk '$2 ~ /^[TDBRVW]$/ { sub(/@.*/, "", $3); print $3 }' |
  sort -u >"$work/theirs"
"${NM:-nm}" --defined-only "$@" |
  awk '$2 ~ /^[TDBR]$/ && $3 != "main" { print $3 }' | sort -u >"$work/ours"
if [ ! -s "$work/theirs" ] || [ ! -s "$work/ours" ]; then
  echo "symbols: nothing was seen: no libraries or no objects"
  exit 1
fi
comm -12 "$work/ours" "$work/theirs" >"$work/both"
if [ -s "$work/both" ]; then
  sed 's/^/symbols: a library has this name, too: /' "$work/both"
  exit 1
fi
echo "symbols: $(wc -l <"$work/ours") of ours, $(wc -l <"$work/theirs") of libraries"
