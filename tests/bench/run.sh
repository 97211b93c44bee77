#!/bin/bash
# run.sh [options]    how fast is istio-fix, beside everything that could be meant instead
#
# Makes a tree with ../shared/bench/gen_tree.py and measures, in one run: reading it (cat), searching it (grep),
# libfyaml's bare event parse, istio-fix, and the rivals that are installed. Prints one markdown table and the
# start-up figures. Slow is not an error: the exit code is 0 unless it cannot measure at all.
#
#   --files N   files in the tree (default 2000)      --runs N   best of N (default 7; slow rivals run once)
#   --quick     no ruamel, no yq                      --slow     kubectl and the jq pipeline too (minutes)
#   --corpus    the same for ../shared/corpus         --work D   work below D (default: /dev/shm, else TMPDIR)
#
# Environment: ISTIO_FIX (default build/release/istio-fix), ISTIO_FIX_SHARED, PYTHON (with PyYAML; ruamel is looked
# for in /usr/bin/python3 too), PEERS_DIR (node_modules and built Go drivers, see shared/bench/peers/README.md), CC.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
shared=${ISTIO_FIX_SHARED:-$root/../shared}
tool=${ISTIO_FIX:-$root/build/release/istio-fix}
[ -f "$shared/bench/gen_tree.py" ] || { echo "skip: no $shared/bench/gen_tree.py (set ISTIO_FIX_SHARED)"; exit 77; }
[ -x "$tool" ] || { echo "skip: $tool is not built (set ISTIO_FIX)"; exit 77; }

files=2000 base= rest=()
while [ $# -gt 0 ]; do
  case $1 in
    --files) files=$2; shift 2 ;;
    --work) base=$2; shift 2 ;;
    *) rest+=("$1"); shift ;;
  esac
done
if [ -z "$base" ]; then
  base=${TMPDIR:-/tmp}
  [ -w /dev/shm ] && [ "$(df -Pm /dev/shm | awk 'NR==2{print $4}')" -gt 600 ] && base=/dev/shm
fi
work=$(mktemp -d "$base/ifx-bench.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
py=${PYTHON:-python3}

"$py" "$shared/bench/gen_tree.py" "$work/tree" --files "$files" > "$work/totals.json" || exit 1
fy=
if "${CC:-cc}" -O2 -o "$work/fyparse" "$here/fyparse.c" $(pkg-config --cflags --libs libfyaml 2>/dev/null || echo -lfyaml) 2> "$work/cc.log"; then
  fy=$work/fyparse
else
  echo "missing: libfyaml's bare parse does not build: $(head -1 "$work/cc.log")"
fi
"$py" "$here/bench.py" --tool "$(cd "$(dirname "$tool")" && pwd)/$(basename "$tool")" --shared "$shared" --work "$work" --fyparse "$fy" "${rest[@]}"
