# Doxygen's dialect of Markdown, from what GitHub shows: a heading gets the name by which GitHub's links know it, and a
# link to a file of the repository, which the pages do not hold, becomes the file's name.
/^```/ { in_code = !in_code }
in_code || /^```/ { print; next }
/^<!--.*-->$/ { next }
{
  while (match($0, /\[[^]]*\]\([^)#][^)]*\)/)) {
    link = substr($0, RSTART, RLENGTH)
    if (link ~ /\(https?:/) {
      kept = kept substr($0, 1, RSTART + RLENGTH - 1)
    } else {
      text = link
      sub(/^\[/, "", text)
      sub(/\]\(.*$/, "", text)
      target = link
      sub(/^.*\(/, "", target)
      sub(/\)$/, "", target)
      kept = kept substr($0, 1, RSTART - 1) (text ~ /`/ || text == target ? text : text " (`" target "`)")
    }
    $0 = substr($0, RSTART + RLENGTH)
  }
  $0 = kept $0
  kept = ""
}
/^##+ / {
  name = tolower($0)
  sub(/^#+ /, "", name)
  gsub(/[^a-z0-9 _-]/, "", name)
  gsub(/ /, "-", name)
  print $0 " {#" name "}"
  next
}
{ print }
