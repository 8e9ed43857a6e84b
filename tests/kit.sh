#!/bin/sh
# The files for network management systems are those that the checked-in
# module and events make: a change of either changes them, by `make contract`.
# usage: kit.sh [FOLDER MODULE EVENTS]
set -u
kit=${1:-$srcdir/deploy/snmp}
module=${2:-$srcdir/mibs/REACHD-MIB.txt}
events=${3:-$srcdir/tests/contract/events.md}

made=$(mktemp -d) || exit 1
trap 'rm -rf "$made"' EXIT
"$kit/generate" "$module" "$events" "$made" || exit 1
cp "$kit/generate" "$made" || exit 1
diff -ru "$kit" "$made" || {
  echo "kit: $kit is not what the module makes: make contract"
  exit 1
}
echo "kit: the files are those of the module"
