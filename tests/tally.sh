# What a test checked, counted: its last line, which tests/all.sh adds up. Sourced; who says more of
# what fails defines its own over these.
# shellcheck shell=bash
n_passed=0 n_failed=0 n_skipped=0
pass() { n_passed=$((n_passed + 1)); }
ok() { # WHAT: passes aloud
	pass
	echo "ok   $1"
}
fail() { # WHAT
	n_failed=$((n_failed + 1))
	echo "FAIL $1"
}
skip() { # WHAT: and why
	n_skipped=$((n_skipped + 1))
	echo "SKIP $1"
}
check() { # WHAT COMMAND...: what it writes, to check.out, is shown if it fails
	# Without names of its own: functions that it runs have theirs.
	if "${@:2}" >check.out 2>&1; then pass; else
		fail "$1"
		check_shows
	fi
}
check_shows() { head -n 20 check.out; }
finish() { # ends the test: status 1 if anything has failed
	echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
	[ "$n_failed" -eq 0 ]
	exit
}
