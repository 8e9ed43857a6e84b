#!/bin/sh
# The style that a machine can hold; CONTRIBUTING.md has the rest.
# usage: style.sh [DIR...]; without, the C files of the tree.
set -u
export LC_ALL=C
tree=
if [ $# -eq 0 ]; then
  tree=yes
  set -- "$srcdir/include" "$srcdir/daemon" "$srcdir/collectors" \
    "$srcdir/tests"
fi
self=$(dirname "$0")

files=$(find "$@" \( -name '*.c' -o -name '*.h' \) | sort)
if [ -z "$files" ]; then
  echo "style: no files found"
  exit 1
fi
# shellcheck disable=SC2086
awk -f "$self/style.awk" ${tree:+-v tree=1} $files
