# awk -f header_chains.awk HEADER...: the headers of a folder (paths as programs include them, from that folder) in few chains,
# one a line. In a chain every header is reached by what the next one includes, so that a unit which includes them in this order
# shows each of them no more than its own includes do: as if compiled alone.
FNR == 1 { header[++headers] = FILENAME; number[FILENAME] = headers; body = guarded = 0 }
/^namespace/ { body = 1 }
/^#if !defined\(BITGAUGE_COMPILED\)/ { guarded = 1 }  # units are compiled with it, so these includes are none
/^#endif/ { guarded = 0 }
/^#include <bitgauge\// && !guarded {
  included[headers, ++includes[headers]] = substr($2, 2, length($2) - 2)
  if (!body) leading[headers] = includes[headers]  # what stands behind them is included for those that include the header
}

# All headers that `h` reaches, itself among them.
function reach(h, path,    i, next_header) {
  if ((path, h) in reached) return
  reached[path, h] = 1
  ++size[path]
  for (i = 1; i <= includes[h]; ++i) {
    next_header = number[included[h, i]]
    if (next_header) reach(next_header, path)
  }
}

END {
  for (h = 1; h <= headers; ++h) reach(h, h)
  # What the text of a header sees.
  for (h = 1; h <= headers; ++h)
    for (i = 1; i <= leading[h]; ++i)
      for (other = 1; other <= headers; ++other)
        if ((number[included[h, i]], other) in reached && !((h, other) in seen)) {
          seen[h, other] = 1
          ++sees[h]
        }
  # Those that see the least come first; each goes on the chain of the header that reaches the most of those that it sees.
  for (count = 0; count <= headers; ++count)
    for (h = 1; h <= headers; ++h) {
      if (sees[h] + 0 != count) continue
      best = 0
      for (c = 1; c <= chains; ++c) {
        last = end_of[c]
        if ((h, last) in seen && !((last, h) in seen) && (!best || size[last] > size[end_of[best]])) best = c
      }
      if (!best) best = ++chains
      end_of[best] = h
      chain[best] = chain[best] (chain[best] == "" ? "" : " ") header[h]
    }
  for (c = 1; c <= chains; ++c) print chain[c]
}
