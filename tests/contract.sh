#!/bin/sh
# What the program says of itself is what is checked in: a change of a name
# that others rely on is a diff of tests/contract/ or of mibs/, made by
# `make contract`.
# usage: contract.sh [PROGRAM DIR MIBS COMPLETION]
set -u
program=${1:-./reachd}
dir=${2:-$srcdir/tests/contract}

mibs=${3:-$srcdir/mibs}
completion=${4:-$srcdir/deploy/completion}

# The root of the MIB is the builder's: it is compared but for that line.
rootless() { sed '/^reachdMIB MODULE-IDENTITY/,/::=/ s/::= .*/::= ROOT/'; }

checked=$(mktemp) || exit 1
trap 'rm -f "$checked"' EXIT
failed=0 count=0
for file in "$dir"/* "$mibs"/*; do
  name=${file##*/}
  name=${name%.*}
  case $name in
  REACHD-MIB) name=mib ;;
  REACHD-CAPABILITY-MIB) name=capability ;;
  esac
  count=$((count + 1))
  rootless <"$file" >"$checked" || exit 1
  "$program" print "$name" | rootless | diff -u "$checked" - || {
    echo "contract: $name has changed; if that is meant: make contract"
    failed=1
  }
done
for file in "$completion"/reachd.*; do
  count=$((count + 1))
  "$program" print "completion-${file##*.}" | diff -u "$file" - || {
    echo "contract: options have changed; if that is meant: make contract"
    failed=1
  }
done
# Nothing that can be printed goes unchecked.
for name in $("$program" print --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
  # Compared above, or in the manual by test_option; the profile is data that
  # is read, not what the program says of itself.
  case $name in mib | capability | manual | profile) continue ;; esac
  ls "$dir/$name".* >/dev/null 2>&1 || {
    echo "contract: $name is not checked in: make contract"
    failed=1
  }
done
"$program" print nonsense >/dev/null 2>&1
if [ $? -ne 2 ]; then
  echo "contract: what does not exist is no mistake"
  failed=1
fi
if [ "$count" -eq 0 ]; then
  echo "contract: nothing is checked in"
  failed=1
fi
[ "$failed" -ne 0 ] || echo "contract: $count references are as checked in"
exit "$failed"
