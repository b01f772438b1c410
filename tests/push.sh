#!/bin/bash
# Profiles pushed to a small store on this machine: the forms of Pyroscope and Parca, labels, tries,
# refusal, time-out, and the spool. Usage: tests/push.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
store=$(realpath "$(dirname "$0")")/push_store.py
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill $pid; rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8 XDG_STATE_HOME=$work/state
unset STOKE_PUSH_TOKEN STOKE_PUSH_TENANT http_proxy HTTP_PROXY all_proxy ALL_PROXY
leave() { # WHY
	skip "pushes: $1"
	finish
}
check_shows() { head -n 20 check.out err 2>/dev/null; }
push() { # STATUS ERR-PATTERN ARGUMENTS...: also empties what was tried
	local status=$1 pattern=$2 got
	shift 2
	: >data/tries
	"$stoke" "$@" >out 2>err
	got=$?
	[ $got = "$status" ] || { echo "status $got, not $status"; cat err; return 1; }
	[ -z "$pattern" ] || grep -Eq -- "$pattern" err || { echo "stderr is not /$pattern/:"; cat err; return 1; }
}
tries() { wc -l <data/tries; }
spooled() { find state -name '*.push' 2>/dev/null | wc -l; }
python3 -c "" 2>/dev/null || leave "there is no python3"
mkdir data
echo 'main;work 3
main;rest 4' >a.folded
"$stoke" push --push http://127.0.0.1:9 a.folded --push-tries 1 >out 2>err
grep -q "Cannot push" err && leave "$(sed 's/^stoke push: //' err)"

# ---- nobody there
rm -rf state
check "a store that is away" push 1 "Cannot send to http://127.0.0.1:9/ingest: .*" push --push http://127.0.0.1:9 --push-tries 1 a.folded
check "its profile is kept" grep -q "1 kept in $work/state/stoke/spool" err
check "in the spool" [ "$(spooled)" = 1 ]
check "that nobody else reads" [ "$(stat -c %a state/stoke/spool)" = 700 ]

# ---- Pyroscope
"$store" data port &
pid=$!
for _ in $(seq 100); do [ -e port ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat port)
echo take >data/mode
check "a push" push 0 "1 sent to $url" push --push "$url" --push-name 'my app' --label env=test --label 'odd-name={a,b}' a.folded
check "other stores' spool stays" [ "$(spooled)" = 1 ]
check "its path" grep -q '^/ingest?format=pprof&spyName=stoke&from=[0-9]*&until=[0-9]*&name=' data/1.url
check "its name and labels" python3 -c '
import urllib.parse
name = urllib.parse.parse_qs(urllib.parse.urlsplit(open("data/1.url").read()).query)["name"][0]
assert name == "my app{env=test,odd_name=_a_b_}", name'
check "its content type" grep -qi '^Content-Type: application/octet-stream' data/1.headers
"$stoke" export a.folded >expected
cp data/1.body got.pb.gz
"$stoke" export got.pb.gz >got
check "the profile arrives whole" cmp expected got
STOKE_PUSH_TOKEN=secret STOKE_PUSH_TENANT=me check "a token and a tenant" push 0 sent push --push "$url" a.folded
check "as headers" grep -qi '^Authorization: Bearer secret' data/2.headers
check "and" grep -qi '^X-Scope-OrgID: me' data/2.headers

# ---- Parca
check "a push to Parca" push 0 "1 sent" push --push "$url" --push-to parca --label env=test a.folded
check "its path" grep -q '^/profiles/writeraw$' data/3.url
check "its body" python3 -c '
import base64, gzip, json
body = json.load(open("data/3.body"))
series, = body["series"]
labels = {label["name"]: label["value"] for label in series["labels"]["labels"]}
assert labels["__name__"] == "stoke" and labels["env"] == "test" and labels["job"], labels
sample, = series["samples"]
profile = base64.b64decode(sample["rawProfile"], validate=True)
gzip.decompress(profile)
open("parca.pb.gz", "wb").write(profile)'
"$stoke" export parca.pb.gz >got
check "the profile arrives whole at Parca" cmp expected got

# ---- a store that says no
echo refuse >data/mode
rm -rf state
check "refusal" push 1 "status 400: no, thank you" push --push "$url" a.folded
check "is not tried again" [ "$(tries)" = 1 ]
check "nor kept" [ "$(spooled)" = 0 ]
echo once >data/mode
check "a store that is busy once" push 0 "1 sent" push --push "$url" a.folded
check "is tried again" [ "$(tries)" = 2 ]
echo busy >data/mode
check "a store that is busy" push 1 "status 503" push --push "$url" --push-tries 2 a.folded a.folded
check "keeps both in the spool" [ "$(spooled)" = 2 ]
echo sleep >data/mode
check "a store that does not answer" push 1 "Timeout was reached" push --push "$url" --push-tries 1 --push-timeout 200ms
check "loses nothing" [ "$(spooled)" = 2 ]
check "asked once only" [ "$(tries)" = 1 ]

# ---- and comes back
echo take >data/mode
check "the spool is sent first" push 0 "3 sent" push --push "$url" --push-name last a.folded
check "the spool is empty" [ "$(spooled)" = 0 ]
check "the new one came last" grep -q 'name=last' data/7.url
check "those of the spool before it" sh -c '! grep -q name=last data/5.url data/6.url'
echo busy >data/mode
push 1 503 push --push "$url" --push-tries 1 a.folded
spool=$(find state -name '*.push')
head -c 100 "$spool" >state/stoke/spool/0-cut.push
head -c 300 /dev/urandom >state/stoke/spool/0-noise.push
echo take >data/mode
check "only the spool" push 0 "1 sent" push --push "$url"
check "what is no request of ours is left alone" [ "$(spooled)" = 2 ]
check "no more to send" push 0 "" push --push "$url"

# ---- a recording
rm -rf state data/[0-9]*
burn='i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done'
check "record --push" push 7 "1 sent" record -o a.stoke --push "$url" --label run=1 -- sh -c "$burn; exit 7"
n=$(find data -name '*.body' | sed 's/[^0-9]//g' | sort -n | tail -1)
"$stoke" export a.stoke >expected
cp "data/$n.body" got2.pb.gz
"$stoke" export got2.pb.gz >got
check "what was recorded arrives" cmp expected got
check "with the host as a label" grep -q "host%3D$(uname -n)" "data/$n.url"
rm -f data/[0-9]*
check "record --push-every" push 0 "1 sent" record -o b.stoke --push "$url" --push-every 400ms --duration 30s -- \
	sh -c 'while [ "$(find data -name "*.body" | wc -l)" -lt 3 ]; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done'
[ "$(find data -name '*.body' | wc -l)" -ge 3 ] && pass ||
	fail "$(find data -name '*.body' | wc -l) pushes in 30 s of one every 400 ms"
for body in data/*.body; do
	cp "$body" part.pb.gz
	"$stoke" export part.pb.gz
done | awk '{ n += $NF } END { print n + 0 }' >got
"$stoke" export b.stoke | awk '{ n += $NF } END { print n + 0 }' >expected
check "the parts are the whole" cmp expected got
rm -f data/[0-9]*
check "record --push --ring" push 0 "1 sent" record -o ring.stoke --ring 400ms --push "$url" --duration 1500ms -- sh -c 'while :; do :; done'
cp data/*.body ring.pb.gz
"$stoke" export ring.stoke >expected
"$stoke" export ring.pb.gz >got
check "what is kept of it arrives" cmp expected got
echo refuse >data/mode
check "a store that refuses is not the program's fault" push 7 "status 400" record -o c.stoke --push "$url" -- sh -c "$burn; exit 7"
kill $pid
wait $pid 2>/dev/null
pid=
check "nor is one that is away" push 7 "1 kept in" record -o d.stoke --push "$url" --push-tries 1 -- sh -c "$burn; exit 7"
check "wrong addresses" push 2 "is http://HOST:PORT" push --push ftp://host/x a.folded
check "wrong labels" push 2 "NAME=VALUE" push --push "$url" --label nothing a.folded
check "no address" push 2 "Where to" push a.folded
check "nothing is sent unless asked" push 0 "" record -q -o e.stoke -- true
finish
