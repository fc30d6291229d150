#!/usr/bin/env bash
# check.sh SOURCE COMPILE...: compiles SOURCE once. Each statement behind lines "// error: TEXT" is a mistake: it must be refused,
# with every TEXT in what the compiler says of that statement. Every other statement must compile: the corrected forms stand
# beside the mistakes.
set -euo pipefail
source=$1
shift
said=$("$@" "$source" 2>&1 >/dev/null) && { echo "$source: compiles"; exit 1; }
clang=$("$1" --version | grep -ci clang || true)
awk -v source="$source" -v clang="$clang" '
  # The statements of SOURCE: which mistake a line belongs to, and the texts that it wants.
  FNR == NR {
    if (sub(/^ *\/\/ error: /, "")) {
      if (!announced) { ++mistakes; announced = 1 }
      text[mistakes, ++texts[mistakes]] = $0
    } else if (announced || unfinished) {
      mistake_of[FNR] = mistakes
      announced = 0
      unfinished = !/;$/
    }
    next
  }
  # What the compiler says, in blocks of one place in SOURCE: g++ begins one with where it is, clang++ with the error.
  function number_in(place) { return substr(place, length(source) + 2) + 0 }
  function end_of_block() {
    if (!line) line = last_line  # clang++ names the place of several errors once
    last_line = line
    if (line in mistake_of) found[mistake_of[line]] = found[mistake_of[line]] block
    else { print "an error where none is expected:\n" block; bad = 1 }
    block = ""; line = errors = 0
  }
  {
    own = index($0, source ":") == 1
    is_error = / error: /
    begins = /^In file included from/ || /: In [a-z]+/ || (is_error && (own || clang))
    if (errors && begins) end_of_block()
    if (is_error) ++errors
    if (own && (is_error || /requested here|required from|expansion of/)) line = number_in($0)
    if (match($0, "from " source ":") && number_in(substr($0, RSTART + 5)) in mistake_of) line = number_in(substr($0, RSTART + 5))
    block = block $0 "\n"
  }
  END {
    end_of_block()
    if (!mistakes) { print source ": has no line \"// error: <text>\""; bad = 1 }
    for (m = 1; m <= mistakes; ++m)
      for (t = 1; t <= texts[m]; ++t)
        if (index(found[m], text[m, t]) == 0) {
          print source ": expected \"" text[m, t] "\", found:\n" (found[m] == "" ? "no error\n" : found[m])
          bad = 1
        }
    exit bad
  }' "$source" - <<<"$said"
