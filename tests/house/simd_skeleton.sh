#!/usr/bin/env bash
# simd_skeleton.sh INCLUDE_FOLDER GTEST GTEST_MAIN COMPILE...: the operation and the test that simd/README.md gives to copy compile and pass.
# Catches a skeleton that the dispatch has moved away from.
set -euo pipefail
include=$1 gtest=$2 gtest_main=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bitgauge/simd/portable" "$work/bitgauge/simd/x86/avx2"
# a block of code belongs to the file that the text before it names first
awk -v work="$work" '
  /^```cpp/ { inside = 1; next }
  /^```/ { inside = 0; next }
  inside { print > (work "/" file); next }
  match($0, /^`[a-z0-9_\/]+\.[ch]pp`/) {
    file = substr($0, 2, RLENGTH - 2)
    file = file ~ /cpp$/ ? "test.cpp" : "bitgauge/simd/" file
  }' "$include/bitgauge/simd/README.md"
"$@" -I"$work" "$work/test.cpp" -o "$work/test" "$gtest_main" "$gtest" -pthread
"$work/test" --gtest_brief=1
