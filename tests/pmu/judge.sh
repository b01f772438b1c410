# shellcheck shell=bash
# Sourced by the guests' tests: reads "== PART" sections of stat's CSV and compares.
# Columns: kind,group,core,name,value,unit,deviation,runs,provenance,running_ratio,reason
# shellcheck source=tests/tally.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tally.sh"
tolerance=0.01

section() { awk -v part="== $2" '/^== / { on = $0 == part; next } on' "$1"; }

# status NAME STATUS FILE
status() {
	if [ "$2" = 0 ]; then
		pass
	else
		fail "$1: status $2"
		tail -n 20 "$3"
	fi
}

# near NAME EXPECTED GOT [TOLERANCE]
near() {
	if awk -v e="$2" -v g="${3:-none}" -v t="${4:-$tolerance}" \
		'BEGIN { exit !(g + 0 == g && g >= e * (1 - t) && g <= e * (1 + t)) }'; then
		pass
	else
		fail "$1: ${3:-nothing}, not $2"
	fi
}

# ratio NAME EXPECTED FILE PART EVENT EVENT
ratio() {
	near "$1" "$2" "$(section "$3" "$4" | awk -F, -v a="$5" -v b="$6" \
		'$1 == "event" && $4 == a { x = $5 } $1 == "event" && $4 == b { y = $5 }
		END { if (y > 0) printf "%.9f", x / y }')"
}

# value NAME EXPECTED FILE PART METRIC
value() {
	near "$1" "$2" "$(section "$3" "$4" | awk -F, -v m="$5" '$1 == "metric" && $4 == m { print $5; exit }')"
}

# field NAME EXPECTED FILE PART EVENT COLUMN
field() {
	local got
	got=$(section "$3" "$4" | awk -F, -v m="$5" -v c="$6" '$4 == m { print $c; exit }')
	if [ "$got" = "$2" ]; then pass; else fail "$1: ${got:-nothing}, not $2"; fi
}

# text NAME PATTERN FILE PART
text() {
	if section "$3" "$4" | grep -q -- "$2"; then pass; else fail "$1: no \"$2\""; fi
}

# said NAME PATTERN FILE PART: as text, but sentences that were wrapped are whole
said() {
	if section "$3" "$4" | tr -s ' \n' ' ' | grep -q -- "$2"; then pass; else fail "$1: no \"$2\""; fi
}

# mark NAME MARK FILE PART EVENT: of doctor --grade --ascii
mark() {
	local got
	# What a long name has pushed off its line is on the next.
	got=$(section "$3" "$4" | awk -v e="$5" 'on { print $1; exit } $2 == e && NF > 2 { print $3; exit } $2 == e { on = 1 }')
	if [ "$got" = "$2" ]; then pass; else fail "$1: ${got:-nothing}, not $2"; fi
}

# samples NAME EXPECTED FILE EVENT
samples() {
	near "$1" "$2" "$(section "$3" "sampled $4" | awk '$1 == "samples" { print $2 }')" 0.03
}

# same_as_perf NAME FILE EVENT...: ratios to cycles
same_as_perf() {
	local name=$1 file=$2 event ours
	shift 2
	for event; do
		ours=$(section "$file" group | awk -F, -v e="$event" \
			'$4 == "cycles" { c = $5 } $4 == e { v = $5 } END { if (c > 0) printf "%.9f", v / c }')
		near "$name: $event" "${ours:-none}" "$(section "$file" perf | awk -F, -v e="$event" \
			'{ sub(/:u$/, "", $3) } $3 == "cycles" { c = $1 } $3 == e { v = $1 } END { if (c > 0) printf "%.9f", v / c }')"
	done
}

# unwinding_agrees FILE: what `--unwinder check` said in its part "unwinding"
unwinding_agrees() {
	local said
	said=$(section "$1" unwinding)
	case $said in
	*"beside libunwind: "*)
		near "unwinding equals libunwind's" 1 "$(echo "$said" |
			sed -n 's/.*: \([0-9]*\) equal, \([0-9]*\) prefix.* of \([0-9]*\) checked.*/\1 \2 \3/p' |
			awk '$3 > 0 { print ($1 + $2) / $3 }')" 0.01
		;;
	*) fail "unwinding beside libunwind: nothing was said" ;;
	esac
}
