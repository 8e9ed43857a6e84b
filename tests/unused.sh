#!/bin/sh
# What a file exports, another one uses, or a test does: the rest is static,
# or nobody needs it.
# usage: unused.sh [TESTS OBJECT...]; without, the daemon's objects.
set -eu
export LC_ALL=C
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- "$srcdir/tests" $CHECK_OBJECTS
tests=$1
shift

# Lines for awk: "word NAME" of the tests, "sym OBJECT NAME TYPE".
facts() {
  find "$tests" -name '*.[ch]' -exec grep -ohE '[A-Za-z_][A-Za-z0-9_]*' {} + |
    sort -u | sed 's/^/word /'
  for object; do
    "${NM:-nm}" -gP "$object" |
      awk -v o="$object" 'NF { print "sym", o, $1, $2 }'
  done
}

facts "$@" | awk '
$1 == "word" { used[$2] = 1; next }
$3 ~ /^(__|_[A-Z])/ || $3 == "main" { next }
$4 == "U" || $4 == "w" || $4 == "v" { used[$3] = 1; next }
{ definer[$3] = $2; symbols++ }
END {
	for (name in definer) {
		if (name in used)
			continue
		print "unused: " definer[name] " exports " name " for nobody"
		failed = 1
	}
	if (symbols == 0) {
		print "unused: nothing was seen: no objects"
		failed = 1
	}
	if (!failed)
		print "unused: none of " symbols " symbols"
	exit failed
}'
