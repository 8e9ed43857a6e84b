#!/bin/sh
# The guards themselves: each must fail on what it is there for. Small trees
# that break one rule each are made and compiled.
set -eu
tests=$(cd "$srcdir/tests" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS TEXT COMMAND...: how it ends, and what it says. It runs in
# pipelines too, so what it found is kept in files.
expect() {
  status=$1 text=$2 got=0
  shift 2
  echo "$text" >>"$work/cases"
  "$@" >"$work/out" 2>&1 || got=1
  if [ "$got" -ne "$status" ] || ! grep -qF -- "$text" "$work/out"; then
    echo "guards: $*: ended with $got, wanted $status and '$text':"
    sed 's/^/    /' "$work/out"
    echo "$text" >>"$work/failed"
  fi
}

# object FILE: compiles standard input as that file.
object() {
  mkdir -p "$work/$(dirname "$1")"
  cat >"$work/$1"
  ${CC:-cc} -c -o "$work/${1%.c}.o" "$work/$1"
}

object base/clock.c <<'C'
int clock_now(void);
int clock_now(void) { return 1; }
C
object model/window.c <<'C'
int clock_now(void);
int window_of(void);
int puts(const char *);
int window_of(void) { return clock_now() + puts(""); }
C
object base/upward.c <<'C'
int window_of(void);
int upward(void);
int upward(void) { return window_of(); }
C
object base/named.c <<'C'
int windowsill(void);
int windowsill(void) { return 2; }
C
object base/table.c <<'C'
extern const int bare_table[];
const int bare_table[] = { 1 };
C
object base/weak.c <<'C'
int weak_clock_now(void);
int __attribute__((weak)) clock_now(void);
int weak_clock_now(void) { return clock_now(); }
C
object base/again.c <<'C'
int clock_now(void);
int clock_now(void) { return 3; }
C
object model/clock.c <<'C'
int clock_then(void);
int clock_then(void) { return 4; }
C

# rooms STATUS TEXT LIST OBJECT...
rooms() {
  status=$1 text=$2
  printf '%b' "$3" >"$work/rooms.list"
  shift 3
  expect "$status" "$text" "$tests/rooms.sh" "$work/rooms.list" "$work" "$@"
}

good='base/clock.c\n# why\nmodel/window.c # who\n'
rooms 0 "2 objects, 2 symbols" "$good" base/clock.o model/window.o
rooms 1 "model/window.o calls up to clock_now of base/clock.o" \
  'model/window.c\nbase/clock.c\n' base/clock.o model/window.o
rooms 1 "base/upward.o calls up to window_of of model/window.o" \
  "base/upward.c\n$good" base/upward.o base/clock.o model/window.o
rooms 1 "base/weak.o calls up to clock_now" \
  'base/weak.c\nbase/clock.c\n' base/weak.o base/clock.o
rooms 1 "base/named.o exports windowsill" \
  'base/named.c window\n' base/named.o
rooms 0 "1 objects" 'base/named.c window windowsill\n' base/named.o
rooms 1 "base/table.o exports bare_table" 'base/table.c\n' base/table.o
rooms 0 "1 objects" 'base/table.c bare\n' base/table.o
rooms 1 "base/clock.o is not in rooms.list" 'model/window.c\n' \
  model/window.o base/clock.o
rooms 1 "model/window.o is in rooms.list and not built" "$good" base/clock.o
rooms 1 "base/clock.c is listed twice" "$good"'base/clock.c\n' \
  base/clock.o model/window.o
rooms 1 "model/clock.c has the name of base/clock.c" \
  'base/clock.c\nmodel/clock.c\n' base/clock.o model/clock.o
rooms 1 "clock_now is defined by base/clock.o and by base/again.o" \
  'base/clock.c\nbase/again.c clock\n' base/clock.o base/again.o
rooms 1 "nothing was seen" '' base/clock.o
rooms 1 "base/gone.o cannot be read" "$good"'base/gone.c\n' \
  base/clock.o model/window.o base/gone.o
rooms 1 "not built" "$good"

# header TEXT: standard input is a header that must not pass.
header() {
  rm -rf "$work/h"
  mkdir "$work/h"
  cat >"$work/h/x.h"
  expect "$1" "$2" "$tests/headers.sh" "$work/h"
}

header 0 "1 compile alone" <<'C'
#ifndef X_H
#define X_H
#include <stdint.h>
uint32_t x(void);
#endif
C
header 1 "does not compile alone" <<'C'
#ifndef X_H
#define X_H
uint32_t x(void);
#endif
C
header 1 "does not compile alone" <<'C'
struct x { int y; };
C
header 1 "does not compile alone" <<'C'
#include "nowhere.h"
C
header 1 "includes a library's header" <<'C'
#ifndef X_H
#define X_H
#include <openssl/ssl.h>
#endif
C
rm -rf "$work/h"
mkdir "$work/h"
expect 1 "none found" "$tests/headers.sh" "$work/h"

# style STATUS TEXT: standard input is a C file.
style() {
  rm -rf "$work/s"
  mkdir "$work/s"
  cat >"$work/s/x.c"
  expect "$1" "$2" "$tests/style.sh" "$work/s"
}

lines() {
  awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) print text }'
}

style 0 "1 functions" <<'C'
/* Banned words in comments // and strings are fine: atoi(), gets(). */
static const char *const url = "http://example.net/ sprintf(\"x\")";
static const char quote = '"', slash = '/'; /* strcpy() */

int
snprintf_like(int a, int (*b)(int, int, int), int c, int d, int e)
{
	return my_gets(a) + strtok_r(b) + c + d + e;
}
C
for call in strcpy strcat sprintf vsprintf strtok atoi atol atof gets alloca
do
  printf 'int\nx(char *a)\n{\n\treturn 1 + %s(a);\n}\n' "$call" |
    style 1 "x.c:4: banned call"
done
echo 'int x; // why' | style 1 "x.c:1: // comment"
echo 'char x[] = "a"; // "b' | style 1 "x.c:1: // comment"
printf '/* a\n// b\n*/\nint x;\n' | style 0 "1 files"
# A function's lines count from its name to its last brace.
{ printf 'int\nx(void)\n{\n' && lines 57 '	y();' && echo '}'; } |
  style 0 "1 functions"
{ printf 'int\nx(void)\n{\n' && lines 58 '	y();' && echo '}'; } |
  style 1 "x.c:62: function of 61 lines"
lines 600 'int x;' | style 0 "1 files"
lines 601 'int x;' | style 1 "x.c:601: file of more than 600 lines"
{ printf '/* ' && lines 1 "$(lines 74 x | tr -d '\n') */"; } |
  style 0 "1 files"
{ printf '/* ' && lines 1 "$(lines 75 x | tr -d '\n') */"; } |
  style 1 "x.c:1: line of 81 columns"
{ printf '\t/* ' && lines 1 "$(lines 67 x | tr -d '\n') */"; } |
  style 1 "line of 81 columns"
{ printf '/* ' && lines 1 "$(lines 74 '\303\251' | tr -d '\n') */"; } |
  style 0 "1 files"
printf 'int\nx(int a, int b, int c, int d, int e,\n    int f)\n{\n}\n' |
  style 1 "function of more than 5 parameters"
printf '%s\nint\nx(int a, int b, int c, int d, int e,\n    int f)\n{\n}\n' \
  "/* The signature is libx's. */" | style 0 "1 functions"
printf 'int\nx(void)\n{\n%s\n}\n' 'if (a) { if (b) { if (c) { d(); } } }' |
  style 0 "1 functions"
printf 'int\nx(void)\n{\n%s\n}\n' \
  'if (a) { if (b) { if (c) { if (d) { e(); } } } }' |
  style 1 "nesting of more than 3"
for vendor in Webex CISCO zoom Teams; do
  echo "/* as $vendor does */" | style 1 "x.c:1: a vendor's name"
done
echo 'int zoomed, teamsters;' | style 0 "1 files"
echo 'typedef struct x y;' | style 1 "typedef of a struct"
echo '/* TODO: x */' | style 1 "unfinished"
echo 'int x; ' | style 1 "space at the end"
rm -rf "$work/s"
mkdir "$work/s"
expect 1 "no files found" "$tests/style.sh" "$work/s"

# A checkout of three files and lists that name some of them.
if command -v git >/dev/null; then
  mkdir -p "$work/d/data/deep"
  (cd "$work/d" && touch main.c data/a data/deep/b .gitignore &&
    git init -q && git add .)
  expect 0 "dist: 4 files" "$tests/dist.sh" "$work/d" main.c data
  expect 0 "dist: 4 files" "$tests/dist.sh" "$work/d" "$work/d/main.c" \
    data/a data/deep/b
  expect 1 "dist: main.c is in no" "$tests/dist.sh" "$work/d" data
  expect 1 "dist: data/deep/b is in no" "$tests/dist.sh" "$work/d" main.c \
    data/a
fi
object base/theirs.c <<'C'
int puts(const char *text);
int puts(const char *text) { return text[0]; }
C
printf 'int main(void) { return 0; }\n' | object base/main.c
${CC:-cc} -o "$work/program" "$work/base/main.o"
expect 0 "symbols: 1 of ours" "$tests/symbols.sh" "$work/program" \
  "$work/base/clock.o" "$work/base/main.o"
expect 1 "too: puts" "$tests/symbols.sh" "$work/program" "$work/base/theirs.o"

# What window.c exports only a test can want here.
mkdir -p "$work/users/unit" "$work/none"
echo 'int f(void) { return window_of(); }' >"$work/users/unit/test_window.c"
expect 0 "unused: none of 2 symbols" "$tests/unused.sh" "$work/users" \
  "$work/base/clock.o" "$work/model/window.o"
expect 1 "model/window.o exports window_of for nobody" "$tests/unused.sh" \
  "$work/none" "$work/base/clock.o" "$work/model/window.o"
expect 1 "unused: nothing was seen" "$tests/unused.sh" "$work/users"

# kit STATUS TEXT: of the files for network management systems.
kit() {
  expect "$1" "$2" "$tests/kit.sh" "$work/kit" \
    "$srcdir/mibs/REACHD-MIB.txt" "$srcdir/tests/contract/events.md"
}

if command -v python3 >/dev/null; then
  cp -r "$srcdir/deploy/snmp" "$work/kit"
  chmod -R u+w "$work/kit"
  kit 0 "those of the module"
  echo "# by hand" >>"$work/kit/snmpd.conf"
  kit 1 "make contract"
  cp "$srcdir/deploy/snmp/snmpd.conf" "$work/kit"
  touch "$work/kit/forgotten.yml"
  kit 1 "make contract"
fi
mkdir "$work/t"
expect 0 "no checkout" "$tests/dist.sh" "$work/t" main.c

count=$(wc -l <"$work/cases")
if [ -e "$work/failed" ]; then
  echo "guards: $(wc -l <"$work/failed") of $count cases failed"
  exit 1
fi
echo "guards: $count cases"
