# Doxygen's dialect of Markdown, from what GitHub shows: a heading gets the name by which GitHub's links know it; a picture
# is known by its file's name alone; and a link to a file of the repository, which the pages do not hold, becomes that
# file's name. The map is a page of its own, called so.
/^```/ { in_code = !in_code }
in_code || /^```/ { print; next }
/^<!--.*-->$/ { next }
{
  kept = ""
  while (match($0, /!?\[[^]]*\]\([^)#][^)]*\)/)) {
    before = substr($0, 1, RSTART - 1)
    link = substr($0, RSTART, RLENGTH)
    $0 = substr($0, RSTART + RLENGTH)
    text = target = link
    sub(/^!?\[/, "", text)
    sub(/\]\(.*$/, "", text)
    sub(/^.*\(/, "", target)
    sub(/\)$/, "", target)
    if (link ~ /^!/) {
      sub(/^.*\//, "", target)
      link = "![" text "](" target ")"
    } else if (target ~ /^include\/bitgauge\/README\.md/) {
      link = "@ref map \"the map\""
    } else if (target !~ /^https?:/) {
      link = text ~ /`/ || text == target ? text : text " (`" target "`)"
    }
    kept = kept before link
  }
  $0 = kept $0
}
FILENAME ~ /include\/bitgauge\/README\.md$/ && /^# / { $0 = $0 " {#map}" }
/^##+ / {
  name = tolower($0)
  sub(/^#+ /, "", name)
  gsub(/[^a-z0-9 _-]/, "", name)
  gsub(/ /, "-", name)
  $0 = $0 " {#" name "}"
}
{ print }
