#!/usr/bin/env bash
# public_names.sh INCLUDE_FOLDER COMPILE...: every name that `using namespace bitgauge` brings in can be used beside those of
# the C library, of std and of Eigen. The names are read from the headers: declarations at namespace scope begin in the first
# column. Lists names whose mention is ambiguous, or that a macro of the C library replaces.
set -euo pipefail
include=$1
shift
names=$(find "$include/bitgauge" -name '*.hpp' -print0 | xargs -0 awk '
  function declare(name) { if (name ~ /^[a-z][a-z0-9_]*$/) print name }
  FNR == 1 { depth = 0 }
  /^namespace [a-z0-9_:]+ \{/ {
    space[++depth] = $2
    if (depth > 1 && space[depth - 1] == "bitgauge") declare($2)
    if ($2 ~ /^bitgauge::/) { sub(/^bitgauge::/, "", $2); sub(/::.*/, "", $2); declare($2) }
    next
  }
  /^\}  \/\/ namespace/ { --depth; next }
  depth != 1 || space[1] != "bitgauge" || /^[ \t}\/#]/ { next }
  { line = $0; sub(/^requires.*\) /, "", line) }
  line ~ /^(class|struct|enum class|enum|concept|using) / { split(line, word, /[ :;{<]+/); declare(word[1] == "enum" && word[2] == "class" ? word[3] : word[2]); next }
  line ~ /^template/ { next }
  line ~ /^[A-Za-z][^(]* [a-z0-9_]+( = |\{|\[|;)/ { sub(/( = |\{|\[|;).*/, "", line); n = split(line, word, " "); declare(word[n]); next }
  line ~ /\(/ { sub(/\(.*/, "", line); n = split(line, word, /[ *&]+/); if (n > 1) declare(word[n]) }' | sort -u)
[[ $(wc -l <<<"$names") -gt 150 ]] || { echo "only these names were found: $names"; exit 1; }
unit='#include <bits/stdc++.h>
#include <error.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <Eigen/Dense>
'$(cd "$include" && find bitgauge -name '*.hpp' | sed 's/.*/#include <&>/')'
using namespace std;
using namespace Eigen;
using namespace bitgauge;
'
while read -r name; do
  unit+="
#ifdef $name
#error $name is ambiguous: a macro
#endif
void use_of_$name() { (void)sizeof($name); }"
done <<<"$names"
faults=$("$@" -fsyntax-only -w -x c++ - <<<"$unit" 2>&1 | grep -E 'error: .*ambiguous|fatal error' || true)
[[ -z $faults ]] || { echo "$faults"; exit 1; }
