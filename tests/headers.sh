#!/bin/sh
# Every header compiles alone, and twice; every table expands to nothing.
# usage: headers.sh [DIR...]; without, the headers of the tree.
set -u
if [ $# -eq 0 ]; then
  set -- "$srcdir/include" "$srcdir/daemon" "$srcdir/collectors"
fi

failed=0 count=0
for header in $(find "$@" -name '*.h' -o -name '*.def' | sort); do
  count=$((count + 1))
  # The flags are lists of words.
  # shellcheck disable=SC2086
  printf '#include "%s"\n#include "%s"\nextern int headers;\n' \
      "${header##*/}" "${header##*/}" |
    ${CC:-cc} ${CHECK_CPPFLAGS:-} -iquote "${header%/*}" ${CHECK_CFLAGS:-} \
      -Werror -fsyntax-only -x c - || {
    echo "headers: $header does not compile alone"
    failed=1
  }
  if grep -nE '^#[ \t]*include[ \t]*<(uv|ares|yaml|jansson|microhttpd|openssl/.*|curl/.*|zlib)(\.h)?>' "$header"
  then
    echo "headers: $header includes a library's header: only a .c file may"
    failed=1
  fi
done
if [ "$count" -eq 0 ]; then
  echo "headers: none found"
  failed=1
fi
[ "$failed" -ne 0 ] || echo "headers: $count compile alone"
exit "$failed"
