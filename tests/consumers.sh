#!/bin/bash
# Real consumers read what stoke exports: go tool pprof, xmllint, chromium, speedscope's schema,
# awk as a reader of folded text. What is not here is skipped with its reason.
# Usage: tests/consumers.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
cache=$(realpath "$(dirname "$0")/../build")/consumers
protos=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8

# Two programs for real, and names that break quoting.
burn='i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done'
"$stoke" record -q -o shell.stoke -- sh -c "$burn" || { echo "nothing could be recorded"; exit 1; }
"$stoke" record -q -o gbdt.stoke gbdt rows=20k seconds=1 || { echo "gbdt could not be recorded"; exit 1; }
cat >hostile.folded <<'END'
th</title><b>;"quoted" & <tags>;]]>;back\slash 5
th</title><b>;"quoted" & <tags>;</script><script>alert(1)</script> 7
other 'thread';${x} %s {{y}};-->;<!-- 11
END
recordings="shell.stoke gbdt.stoke hostile.folded"

# Samples by the function they ended in, from folded text: leaf, then sum.
leaves() {
	"$stoke" export "$1" | awk '{
		count = $NF; sub(/ [0-9]+$/, ""); n = split($0, frame, ";")
		sum[n > 1 ? frame[n] : ""] += count
	} END { for (leaf in sum) print sum[leaf] "\t" leaf }' | sort
}
total() { leaves "$1" | awk '{ sum += $1 } END { print sum + 0 }'; }

# ---- folded text, as flamegraph.pl and difffolded.pl take lines apart
cat >flamegraph.pl <<'END'
# Prints the sum of the counts; a line that is not a stack and so many counts is an error.
my ($counts, $sum) = (shift, 0);
while (<>) {
	chomp;
	my $second;
	if ($counts == 2) { ($second) = (s/\s+?(\d+(?:\.\d*)?)$// ? $1 : die "no second count: $_\n"); }
	my ($stack, $samples) = (/^(.*)\s+?(\d+(?:\.\d*)?)$/) or die "no stack and count: $_\n";
	die "an empty frame: $_\n" if grep { $_ eq "" } split /;/, $stack, -1;
	$sum += $counts == 2 ? $second : $samples;
}
print "$sum\n";
END
like_flamegraph() { # RECORDING OPTIONS...
	"$stoke" export "$@" >p.folded && [ "$(perl flamegraph.pl 1 p.folded)" = "$(total "$1")" ]
}
like_difffolded() {
	"$stoke" diff shell.stoke gbdt.stoke --format folded >p.folded &&
		[ "$(perl flamegraph.pl 2 p.folded)" = "$(total gbdt.stoke)" ]
}
if command -v perl >/dev/null; then
	for recording in $recordings; do
		check "folded text of $recording" like_flamegraph $recording
		check "folded text of $recording, annotated" like_flamegraph $recording --annotate
		check "folded text of $recording, by thread" like_flamegraph $recording --per-thread
	done
	check "differential folded text" like_difffolded
else
	skip "folded text in perl: there is no perl"
fi

# ---- go tool pprof
same_leaves() {
	"$stoke" export -f "$1" -o p.pb.gz &&
		go tool pprof -top -sample_index=samples -nodecount=1000000 -nodefraction=0 \
			-edgefraction=0 p.pb.gz >top.txt 2>pprof.err || { cat pprof.err; return 1; }
	grep -q " of $(total "$1") total" top.txt ||
		{ echo "not $(total "$1") samples:"; grep total top.txt; return 1; }
	# Frames that pprof marks as inlined are the same functions; ';' is ':' in folded text.
	awk 'on && $1 > 0 { flat = $1; for (i = 1; i <= 5; i++) sub(/^ *[^ ]+ +/, "")
			sub(/ \((partial-)?inline\)$/, ""); gsub(/;/, ":"); sum[$0] += flat }
		/^ *flat +flat%/ { on = 1 }
		END { for (name in sum) print sum[name] "\t" name }' top.txt | sort >pprof.leaves
	leaves "$1" | awk -F'\t' '$2 != ""' >folded.leaves
	# It shortens what looks like a template: names of hostile.folded are not compared.
	[ "$1" = hostile.folded ] || diff folded.leaves pprof.leaves
}
if ! "$stoke" list exporters | grep -A2 '^pprof' | grep -q 'not usable'; then
	if command -v go >/dev/null; then
		for recording in $recordings; do
			check "go tool pprof -top of $recording" same_leaves $recording
		done
		"$stoke" export -f gbdt.stoke -o p.pb.gz
		for report in -top -traces -tags -comments -raw -peek=. -tree; do
			check "go tool pprof $report" go tool pprof $report p.pb.gz
		done
		check "phases are labels" sh -c 'go tool pprof -tags p.pb.gz 2>/dev/null | grep -q "phase: Total"'
		check "build-ids are there" sh -c 'go tool pprof -raw p.pb.gz 2>/dev/null | grep -Eq "^[0-9]+: .*/libc.so.6 [0-9a-f]{40}"'
	else
		skip "go tool pprof: there is no go; apt-get install golang-go"
	fi
else
	skip "go tool pprof: stoke was built without protobuf-c"
fi

# ---- protoc on OpenTelemetry profiles, by a schema written apart from what writes them
same_otlp_leaves() { # RECORDING
	"$stoke" export -f "$1" -o p.otlp &&
		protoc --proto_path="$protos" --decode=otlp.ProfilesData otlp.proto <p.otlp >otlp.txt || return 1
	# A field that the schema does not know has a number for a name.
	if grep -nE '^ *[0-9]+[ :]' otlp.txt; then return 1; fi
	python3 otlp.py <otlp.txt | LC_ALL=C sort >otlp.leaves
	leaves "$1" | awk -F'\t' '$2 != ""' | LC_ALL=C sort | diff - otlp.leaves
}
cat >otlp.py <<'END'
import ast, collections, re, sys
def parse(lines):  # protobuf's text format as dictionaries of lists
    message = collections.defaultdict(list)
    for line in lines:
        line = line.strip()
        if line == "}": return message
        if line.endswith("{"): message[line[:-2]].append(parse(lines)); continue
        name, _, value = line.partition(": ")
        if value[0] == '"':
            value = ast.literal_eval("b" + value).decode()
        else: value = int(value)
        message[name].append(value)
    return message
data = parse(iter(sys.stdin.read().splitlines()))
table = data["dictionary"][0]
text = lambda row, name: table["string_table"][(row[name] or [0])[0]]
sums = collections.Counter()
profiles = data["resource_profiles"][0]["scope_profiles"][0]["profiles"]
counts = [p for p in profiles if text(p["sample_type"][0], "unit_strindex") == "count"][0]
for sample in counts["samples"]:
    stack = table["stack_table"][(sample["stack_index"] or [0])[0]]["location_indices"]
    if not stack: continue
    line = table["location_table"][stack[0]]["lines"][0]
    name = text(table["function_table"][line["function_index"][0]], "name_strindex")
    sums[name.replace(";", ":")] += sample["values"][0]
for name, count in sums.items(): print(f"{count}\t{name}")
END
if command -v protoc >/dev/null && python3 -c "" 2>/dev/null; then
	for recording in $recordings; do
		check "protoc on $recording" same_otlp_leaves $recording
	done
else
	skip "OpenTelemetry profiles: there is no protoc or python3; apt-get install protobuf-compiler"
fi

# ---- xmllint
if command -v xmllint >/dev/null; then
	for recording in $recordings; do
		"$stoke" export -f $recording -o p.svg
		check "xmllint of $recording" xmllint --noout p.svg
		check "samples in the picture of $recording" grep -q \
			"<title>all: .*, $(total $recording | sed ':a;s/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta') samples, 100.0 %</title>" p.svg
	done
else
	skip "xmllint: it is not here; apt-get install libxml2-utils"
fi

# ---- the page in a browser, with no network
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
# One that is there may still not start: no display server's libraries, or a snap in a container.
[ -z "$browser" ] || timeout 60 "$browser" --headless --no-sandbox --disable-gpu \
	--user-data-dir="$work/profile" --dump-dom about:blank >/dev/null 2>&1 || browser=
page() { # RECORDING SEARCH PATTERN
	"$stoke" export -f "$1" -o p.html || return 1
	# A page of no network may ask for nothing: the proxy is one that is not there.
	timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
		--proxy-server=127.0.0.1:9 --enable-logging=stderr --virtual-time-budget=5000 \
		--dump-dom "file://$work/p.html#q=$2" >dom.html 2>browser.err
	if grep -a 'CONSOLE' browser.err; then return 1; fi
	grep -q "data-samples=\"$(total "$1")\"" dom.html ||
		{ echo "the page does not show $(total "$1") samples"; return 1; }
	grep -q "$3" dom.html || { echo "the page does not show $3"; return 1; }
}
# A click on a box makes it as wide as the page, the button leads back.
zoomed_page() { # RECORDING
	"$stoke" export -f "$1" -o p.html || return 1
	sed 's#^</body>#<script>{ const area = canvas.getBoundingClientRect();\
canvas.dispatchEvent(new MouseEvent("click", { clientX: area.left + 5, clientY: area.top + ROW * 1.5 }));\
const box = drawn.find(b => b.i === focus);\
document.body.dataset.zoomed = focus + " " + (box.w === canvas.clientWidth);\
$("out").click(); document.body.dataset.back = focus; }</script>&#' p.html >zoom.html
	timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
		--proxy-server=127.0.0.1:9 --enable-logging=stderr --virtual-time-budget=5000 \
		--dump-dom "file://$work/zoom.html" >dom.html 2>browser.err
	if grep -a 'CONSOLE' browser.err; then return 1; fi
	grep -Eq 'data-zoomed="[1-9][0-9]* true"' dom.html && grep -q 'data-back="0"' dom.html
}
if [ -n "$browser" ]; then
	check "zoom on the page" zoomed_page gbdt.stoke
	check "the page of a workload" page gbdt.stoke build_histogram '% matched<'
	check "the page of hostile names" page hostile.folded script \
		'&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;'
	# The check itself: an error on the page is seen.
	sed 's/^search(\$/nothing.here; &/' p.html >broken.html
	timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
		--enable-logging=stderr --dump-dom "file://$work/broken.html" >/dev/null 2>browser.err
	check "errors of a page are seen" grep -aq CONSOLE browser.err
else
	skip "the page in a browser: there is no chromium that starts; apt-get install chromium"
fi

# ---- speedscope's own schema
schema=$cache/node_modules/speedscope/dist/release/file-format-schema.json
if command -v node >/dev/null && command -v npm >/dev/null; then
	if [ ! -e "$schema" ]; then
		mkdir -p "$cache" && npm install --silent --no-audit --no-fund --fetch-retries=0 --fetch-timeout=20000 --prefix "$cache" \
			speedscope@1.25.0 ajv@6.12.6 >/dev/null 2>&1
	fi
	cat >validate.js <<'END'
const fs = require('fs'), [cache, schema, file] = process.argv.slice(2);
const Ajv = require(cache + '/node_modules/ajv');
const validate = new Ajv({ schemaId: 'auto' }).compile(JSON.parse(fs.readFileSync(schema)));
if (!validate(JSON.parse(fs.readFileSync(file)))) {
	console.log(validate.errors.slice(0, 3));
	process.exit(1);
}
END
	if [ -e "$schema" ]; then
		for recording in $recordings; do
			"$stoke" export -f $recording -o p.speedscope.json
			check "speedscope's schema on $recording" node validate.js "$cache" "$schema" p.speedscope.json
		done
	else
		skip "speedscope's schema: npm could not fetch speedscope and ajv"
	fi
else
	skip "speedscope's schema: there is no node with npm"
fi

# ---- speedscope's own page, as its command opens it
speedscope_page() { # RECORDING PATTERN
	"$stoke" export -f "$1" -o p.speedscope.json || return 1
	printf 'speedscope.loadFileFromBase64("p", "%s")' "$(base64 -w0 p.speedscope.json)" >load.js
	timeout 60 "$browser" --headless --no-sandbox --use-gl=swiftshader \
		--enable-unsafe-swiftshader --user-data-dir="$work/profile" \
		--allow-file-access-from-files --virtual-time-budget=8000 --dump-dom \
		"file://$(dirname "$schema")/index.html#localProfilePath=$work/load.js" >dom.html 2>/dev/null
	grep -q "$2" dom.html
}
if [ -n "$browser" ] && [ -e "$schema" ]; then
	check "speedscope shows the workload" speedscope_page gbdt.stoke 'gbdt-1 ([0-9]*/[0-9]*)'
else
	skip "speedscope's page: it needs chromium and npm's speedscope"
fi

# ---- every JSON parses, every CSV has equal rows; leaves are those of folded text
cat >leaves.py <<'END'
import collections, json, sys
format = json.load(open(sys.argv[1], encoding="utf-8"))
sums = collections.Counter()
def add(name, count):
    if name is not None and count: sums[name.replace(";", ":")] += round(count)
if "traceEvents" in format:
    for event in format["traceEvents"]:
        if event["ph"] == "X" and event["name"] != "[no stack]":
            add(event["name"], event.get("args", {}).get("self samples"))
else:
    for thread in format["threads"]:
        samples, strings = thread["samples"], thread["stringArray"]
        for stack, weight in zip(samples["stack"], samples["weight"]):
            if stack is None: continue
            frame = thread["stackTable"]["frame"][stack]
            add(strings[thread["funcTable"]["name"][thread["frameTable"]["func"][frame]]], weight)
for name, count in sums.items(): print(f"{count}\t{name}")
END
same_json_leaves() { # RECORDING FILE
	python3 leaves.py "$2" | LC_ALL=C sort >json.leaves
	leaves "$1" | awk -F'\t' '$2 != ""' | LC_ALL=C sort | diff - json.leaves
}
if python3 -c "" 2>/dev/null; then
	for recording in $recordings; do
		for format in speedscope chrome firefox; do
			"$stoke" export $recording --format $format >p.json
			check "$format of $recording is JSON" python3 -m json.tool p.json /dev/null
			[ $format = speedscope ] || # its weights are time, not samples
				check "leaves of $format of $recording" same_json_leaves $recording p.json
		done
		"$stoke" export -f $recording -o p.jsonl
		check "JSON Lines of $recording" python3 -c '
import json
for line in open("p.jsonl", encoding="utf-8"): json.loads(line)'
		"$stoke" export -f $recording -o p.csv
		check "CSV of $recording" python3 -c '
import csv
rows = list(csv.reader(open("p.csv", encoding="utf-8", newline=""), strict=True))
assert len(rows) > 1 and len({len(row) for row in rows}) == 1, rows[:3]'
	done
else
	skip "JSON and CSV in Python: there is no python3"
fi

finish
