#!/bin/sh
# The rooms: prefixes and the direction of calls, as nm sees them.
# usage: rooms.sh [LIST OBJDIR OBJECT...]; under make the three come from it.
set -eu
export LC_ALL=C
if [ $# -eq 0 ]; then
  set -- "$srcdir/tests/rooms.list" . $CHECK_OBJECTS
fi
list=$1 dir=$2
shift 2

# Lines for awk: "listed FILE NAMES", "built OBJECT", "sym OBJECT NAME TYPE".
facts() {
  sed -e 's/#.*//' "$list" | awk 'NF { $1 = "listed " $1; print }'
  for object; do
    echo "built $object"
    symbols=$("${NM:-nm}" -gP "$dir/$object") || echo "unread $object"
    echo "$symbols" | awk -v o="$object" 'NF { print "sym", o, $1, $2 }'
  done
}

facts "$@" | awk '
function bad(text) { print "rooms: " text; failed = 1 }
function object_of(file) { sub(/\.c$/, ".o", file); return file }
function base_of(file) { sub(/.*\//, "", file); sub(/\.[co]$/, "", file); return file }

# What the compiler adds by itself is reserved: it is no name of ours.
function is_reserved(name) { return name ~ /^(__|_[A-Z])/ }

function is_allowed(name, object,   i) {
	for (i = 1; i <= prefixes[object]; i++) {
		if (name == prefix[object, i])
			return 1
		if (index(name, prefix[object, i] "_") == 1)
			return 1
	}
	return 0
}

$1 == "listed" {
	object = object_of($2)
	if (object in place)
		bad($2 " is listed twice")
	if (base_of(object) in bases)
		bad($2 " has the name of " bases[base_of(object)])
	bases[base_of(object)] = $2
	place[object] = ++places
	for (i = 3; i <= NF; i++)
		prefix[object, i - 2] = $i
	prefixes[object] = NF - 2
	if (NF == 2) {
		prefixes[object] = 1
		prefix[object, 1] = base_of(object)
	}
	next
}

$1 == "built" {
	built[$2] = 1
	if (!($2 in place))
		bad($2 " is not in rooms.list: give it a line above its callers")
	next
}

$1 == "unread" {
	bad($2 " cannot be read")
	next
}

is_reserved($3) || !($2 in place) { next }

$4 == "U" || $4 == "w" || $4 == "v" {
	wanted[++wants] = $3
	wanter[wants] = $2
	next
}

{
	symbols++
	if ($3 in definer)
		bad($3 " is defined by " definer[$3] " and by " $2)
	definer[$3] = $2
	if (!is_allowed($3, $2))
		bad($2 " exports " $3 ", which is not named after it")
}

END {
	for (object in place)
		if (!(object in built))
			bad(object " is in rooms.list and not built")
	for (i = 1; i <= wants; i++) {
		if (!(wanted[i] in definer))
			continue
		by = definer[wanted[i]]
		if (place[by] > place[wanter[i]])
			bad(wanter[i] " calls up to " wanted[i] " of " by)
	}
	if (places == 0 || symbols == 0)
		bad("nothing was seen: no list or no objects")
	if (!failed)
		print "rooms: " places " objects, " symbols " symbols"
	exit failed
}'
