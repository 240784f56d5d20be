# Turns a page of deploy/ into a manual page, from as much of Markdown as these pages use:
#
#   awk -v name=crier-http -v section=7 -v version="crier 0.1.0" -v summary=… -f manual.awk http.md
#
# A row of a table becomes a term, its first cell, and below it the other cells: with the names of
# their columns where there are several.

# Text such that roff prints it as it is; see core/text/roff.h.
function plain(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/"/, "\\(dq", text)
  gsub(/'/, "\\(aq", text)
  gsub(/`/, "\\(ga", text)
  gsub(/\^/, "\\(ha", text)
  gsub(/~/, "\\(ti", text)
  return text
}

function line(text) { print (text ~ /^\./ ? "\\&" : "") text }

# Every second piece between `mark`s is in the font; the others may hold `code` or **strong** text.
function fonts(text, mark, font,    pieces, count, i, out) {
  count = split(text, pieces, mark)
  for (i = 1; i <= count; ++i) {
    if (i % 2 == 0) out = out "\\f" font plain(pieces[i]) "\\fR"
    else out = out (mark == "`" ? fonts(pieces[i], "[*][*]", "I") : plain(pieces[i]))
  }
  return out
}

function styled(text) { return fonts(text, "`", "B") }

# Code goes over no line's end, so a paragraph can be put together and styled at once.
function end_paragraph() {
  if (paragraph != "") line(styled(paragraph))
  paragraph = ""
}

function begin_paragraph(macro) {
  end_paragraph()
  print macro
}

function row(text,    cells, count, i, out) {
  sub(/^\| /, "", text)
  sub(/ \|$/, "", text)
  if (columns == 0) {
    columns = split(text, names, " [|] ")
    return
  }
  count = split(text, cells, "[|]")
  for (i = 2; i <= count; ++i) {
    gsub(/^ +| +$/, "", cells[i])
    if (cells[i] == "") continue
    out = out (out == "" ? "" : "; ") (columns > 2 ? names[i] ": " : "") cells[i]
  }
  print ".TP"
  line(styled(cells[1]))
  line(styled(out))
}

function end_example() {
  if (example) print ".fi\n.RE"
  example = 0
}

function begin_example() {
  if (!example) begin_paragraph(".PP\n.RS 4\n.nf")
  example = 1
}

/^# / {
  printf ".TH %s %s \"\" \"%s\" \"Miscellaneous Information\"\n.nh\n", plain(toupper(name)), section,
    version
  printf ".SH NAME\n%s \\- %s\n.SH DESCRIPTION\n", plain(name), plain(summary)
  next
}
/^```/ {
  fenced = !fenced
  if (fenced) begin_example()
  else end_example()
  next
}
fenced { line(plain($0)); next }
/^    / { begin_example(); line(plain(substr($0, 5))); next }
{ end_example() }
/^### / { begin_paragraph(".SS \"" styled(substr($0, 5)) "\""); next }
# The names of alerts stay as they are: other sections refer to them.
/^## Crier/ { begin_paragraph(".SH \"" plain(substr($0, 4)) "\""); next }
/^## / { begin_paragraph(".SH \"" plain(toupper(substr($0, 4))) "\""); next }
/^\| ---/ { next }
/^\|/ { end_paragraph(); row($0); next }
{ columns = 0 }
/^$/ { end_paragraph(); next }
/^- / { begin_paragraph(".IP \\(bu 2"); paragraph = substr($0, 3); next }
{
  sub(/^ +/, "")
  if (paragraph == "") begin_paragraph(".PP")
  paragraph = paragraph (paragraph == "" ? "" : " ") $0
}
END {
  end_paragraph()
  end_example()
  print ".SH SEE ALSO\n.BR crier (1),\n.BR crier.json (5),\n.BR curl (1)"
}
