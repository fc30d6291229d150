#!/usr/bin/env bash
# mutate.sh REPOSITORY FAULT COMPILE... -- LIBRARY...: puts the fault of that name in faults.txt into a copy of its header, which
# hides the real one, builds the test that shall kill it and runs that test alone. It must fail: one that passes would let the
# fault through.
set -euo pipefail
repository=$1 fault=$2
shift 2
compile=()
while [[ $1 != -- ]]; do compile+=("$1"); shift; done
shift

line_of() { awk -v fault="fault: $fault" -v key="$1" '/^fault: /{ inside = $0 == fault } inside && index($0, key) == 1 { print substr($0, length(key) + 1) }' "$repository/tests/mutations/faults.txt"; }
header=$(line_of 'in: ') old=$(line_of '- ') new=$(line_of '+ ')
read -r source test <<<"$(line_of 'killed by: ')"
[[ -n $header && -n $old && -n $test ]] || { echo "faults.txt: $fault: expected the lines in:, -, + and killed by:"; exit 1; }

text=$(cat "$repository/include/bitgauge/$header")
rest=${text#*"$old"}
[[ $rest != "$text" && $rest != *"$old"* ]] || { echo "$header: expected exactly once: $old"; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/bitgauge/$(dirname "$header")"
printf '%s\n' "${text/"$old"/"$new"}" >"$folder/bitgauge/$header"
"${compile[@]}" -I"$folder" -I"$repository/include" -I"$repository/tests" "$repository/tests/$source" -o "$folder/test" "$@"
said=$("$folder/test" --gtest_filter="$test:*/$test/*" 2>&1) && { echo "$test passes with the fault $fault in $header:"; echo "$said"; exit 1; }
grep -m 3 -E 'Failure|FAILED|terminate|what' <<<"$said" || tail -3 <<<"$said"
