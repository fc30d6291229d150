#!/usr/bin/env bash
# eigen_alone.sh INCLUDE_FOLDER EIGEN_FOLDER COMPILE...: the headers outside io/ use Eigen and the standard library alone. Lists
# every other file that they reach.
set -euo pipefail
include=$1 eigen=$2
shift 2
unit=$(cd "$include" && find bitgauge -name '*.hpp' -not -path '*/io/*' -not -name io.hpp | sort | sed 's/.*/#include <&>/')
foreign=$("$@" -M -x c++ - <<<"$unit" | tr -d '\\' | tr -s ' ' '\n' | grep '^/' |
  grep -vE "^($include/bitgauge|$eigen)/|/c\+\+/|/gcc/|/clang/|^/usr/include/(x86_64|aarch64|arm64|bits|sys|asm|linux|gnu)" |
  grep -vE '^/usr/include/[a-z0-9_-]+\.h$' || true)
[[ -z $foreign ]] || { echo "needed besides Eigen:"; echo "$foreign"; exit 1; }
