# Takes a device's answer apart: JSON lines of gatewatch up to the line `MARK end STATUS`. A hostile device may have written
# it, so a line is taken only if it is what gatewatch writes: one JSON object, UTF-8, with nothing in it that moves a
# terminal's cursor or hides text.
#
# Wants LC_ALL=C. Of the environment, MARK begins the last line, HOST goes into each line that is written to the file JSON,
# HIDES says that mild findings were not asked for, and findings for people go to the file TEXT. Prints verdict, infected, suspicious, notice and why, a tab between them.

BEGIN {
    mark = ENVIRON["MARK"]; json = ENVIRON["JSON"]; text = ENVIRON["TEXT"]
    rank["infected"] = 4; rank["suspicious"] = 3; rank["incomplete"] = 2; rank["clean"] = 1; rank["notice"] = 1
    words[0] = "clean"; words[1] = "suspicious"; words[2] = "infected"; words[3] = "incomplete"
    status = -1; verdict = "none"; foreign = 0; worst = 0; found = 0
    printf "" >json; printf "" >text
}

# The text of a key, as it stands in the line; only keys have an unescaped quote and a colon behind them.
function value(line, key) {
    if (!match(line, "\"" key "\":\"([^\"\\\\]|\\\\.)*\"")) return ""
    return substr(line, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
}

function number(line, key) {
    if (!match(line, "\"" key "\":[0-9]+")) return 0
    return substr(line, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0
}

# Text for a terminal: the two escapes of JSON that gatewatch writes undone, other bytes than ASCII's as question marks.
function shown(words) {
    gsub(/\\"/, "\"", words)
    gsub(/\\\\/, "\\", words)
    gsub(/[^ -~]+/, "?", words)
    return words
}

# UTF-8 in its shortest form, without control, invisible and direction characters.
function is_text(line) {
    if (line ~ /[\001-\037\177]/) return 0
    if (line ~ /\302[\200-\237]|\342\200[\213-\217\250-\256]|\342\201[\240-\257]|\357\273\277|\363\240/) return 0
    gsub(/[\302-\337][\200-\277]/, "", line)
    gsub(/\340[\240-\277][\200-\277]|[\341-\354\356\357][\200-\277][\200-\277]|\355[\200-\237][\200-\277]/, "", line)
    gsub(/\360[\220-\277][\200-\277][\200-\277]|[\361-\363][\200-\277][\200-\277][\200-\277]/, "", line)
    gsub(/\364[\200-\217][\200-\277][\200-\277]/, "", line)
    return line !~ /[\200-\377]/
}

# One JSON object: strings, numbers and words become bytes that the line cannot hold, what they make up one of them.
function is_object(line,    depth) {
    gsub(/"([^"\\]|\\["\\])*"/, "\001", line)
    gsub(/true|false|null/, "\002", line)
    gsub(/-?(0|[1-9][0-9]*)/, "\002", line)
    for (depth = 0; depth < 6; depth++) {
        gsub(/\[\]|\[[\001\002\003](,[\001\002\003])*\]/, "\003", line)
        gsub(/\{\}|\{\001:[\001\002\003](,\001:[\001\002\003])*\}/, "\003", line)
    }
    return line == "\003"
}

function is_ours(line) {
    return length(line) <= 65536 && line ~ /^\{"v":1,"type":"(finding|allowed|incident|check|summary)",/ &&
        line !~ /[{,]"host":/ && is_text(line) && is_object(line)
}

# A finding or an incident in a few words.
function story(line,    what, part) {
    what = value(line, "story")
    if (what != "") return shown(what)
    what = value(line, "check")
    if ((part = value(line, "path")) != "") what = what " " part
    else if ((part = value(line, "remote")) != "") what = what " " part
    else if ((part = value(line, "name")) != "") what = what " " part
    if (line ~ /"pid":[0-9]/ && (part = number(line, "pid"))) what = what " (pid " part ")"
    return shown(what)
}

status >= 0 || $0 == "" { next }
index($0, mark " end ") == 1 { status = substr($0, length(mark) + 6) + 0; next }
!is_ours($0) { foreign++; next }
{
    print "{\"host\":\"" ENVIRON["HOST"] "\"," substr($0, 2) >json
    severity = value($0, "severity")
}
/^\{"v":1,"type":"(finding|incident)"/ {
    joined = ($0 ~ /"type":"incident"/) ? number($0, "count") : 0
    found += !joined
    seen[severity] += !joined
    # An incident says more than the findings it joins.
    weight = rank[severity] * 2 + (joined > 0)
    if (weight > worst) { worst = weight; why = story($0); told = joined ? joined : 1 }
    detail = value($0, "detail")
    print severity " " story($0) (detail == "" ? "" : ": " shown(detail)) >text
}
/^\{"v":1,"type":"summary"/ {
    verdict = value($0, "verdict")
    blind = number($0, "blind"); checks = number($0, "checks")
    broken = shown(value($0, "why"))
    infected = number($0, "infected"); suspicious = number($0, "suspicious"); notice = number($0, "notice")
    # Who was not asked to has nothing to hide.
    if (ENVIRON["HIDES"] != "") hidden = number($0, "hidden")
}

END {
    said = (status in words) ? words[status] : "incomplete"
    result = said
    if (rank[verdict] > rank[result]) result = verdict
    if (seen["infected"]) result = "infected"
    else if (seen["suspicious"] && result != "infected") result = "suspicious"
    if (verdict == "none") { infected = seen["infected"]; suspicious = seen["suspicious"]; notice = seen["notice"] }
    more = found > told ? " and " found - told " more" : ""
    if (result == "clean" || worst < 4) why = more = ""
    if (verdict == "incomplete" && why == "")
        why = broken != "" ? broken : blind " of " checks " checks could not see everything"
    fault = ""
    if (status < 0) fault = "the report breaks off"
    else if (status == 126 || status == 127) fault = "the program did not start"
    else if (status == 132) fault = "the processor does not know the program's instructions"
    else if (!(status in words)) fault = "the program ended with status " status
    else if (verdict == "none") { if (result == "clean") result = "incomplete" } # Its complaint says why.
    else if (verdict != said) fault = "its report says " verdict ", its exit status " said
    else if (foreign) fault = foreign " lines of the report are not gatewatch's"
    else if (found + hidden < infected + suspicious + notice) fault = "findings are missing in the report"
    if (fault != "") {
        if (result == "clean") result = "incomplete"
        why = why == "" ? fault : why "; " fault
        more = ""
    }
    print result "\t" infected + 0 "\t" suspicious + 0 "\t" notice + 0 "\t" substr(why, 1, 300) more
}
