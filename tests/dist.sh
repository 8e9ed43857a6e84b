#!/bin/sh
# The tarball has every file of the tree: what git knows is in some list of a
# Makefile.inc. A tarball has no git and is taken as it is.
# usage: dist.sh [DIR FILE...]; under make both come from it.
set -u
export LC_ALL=C
if [ $# -eq 0 ]; then
  set -- "$srcdir" $CHECK_DISTFILES
fi
dir=$1
shift
if [ ! -e "$dir/.git" ] || ! command -v git >/dev/null; then
  echo "dist: no checkout"
  exit 0
fi
tree=$(git -c safe.directory='*' -C "$dir" ls-files) || exit 1

# Directories in the lists stand for all that is in them.
missing=$(
  {
    printf 'listed %s\n' "$@"
    echo "$tree" | sed -e '/^\.git/d' -e '/^\.ci\//d' -e 's/^/file /'
  } | awk -v dir="$dir/" '
    $1 == "listed" {
      if (index($2, dir) == 1)
        $2 = substr($2, length(dir) + 1)
      listed[$2]
      next
    }
    {
      name = $2
      while (!(name in listed))
        if (!sub(/\/[^\/]*$/, "", name)) {
          print $2
          next
        }
    }'
)
if [ -n "$missing" ]; then
  printf 'dist: %s is in no Makefile.inc\n' $missing
  exit 1
fi
echo "dist: $(echo "$tree" | wc -l) files"
