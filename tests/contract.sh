#!/bin/sh
# What the program says of itself is what is checked in: a change of a name
# that others rely on is a diff of tests/contract/, made by `make contract`.
# usage: contract.sh [PROGRAM DIR]
set -u
program=${1:-./reachd}
dir=${2:-$srcdir/tests/contract}

failed=0 count=0
for file in "$dir"/*; do
  name=${file##*/}
  name=${name%.*}
  count=$((count + 1))
  "$program" print "$name" | diff -u "$file" - || {
    echo "contract: $name has changed; if that is meant: make contract"
    failed=1
  }
done
# Nothing that can be printed goes unchecked.
for name in $("$program" print --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
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
