#!/bin/bash
# A small arm64 Linux under QEMU with the real ARM PMUv3 driver; with instruction counting, cycles
# and instructions are exact and the same in every run.
# Usage: tests/pmu/guest_arm64.sh setup               fetch kernel, libraries and compiler (200 MB)
#        tests/pmu/guest_arm64.sh cc ARG...           the cross compiler with the guest's libraries
#        tests/pmu/guest_arm64.sh run FOLDER SCRIPT   boot; FOLDER is /w there; run SCRIPT in it
# What is fetched lies in build/pmu/arm64; nothing changes in the host's dpkg.
# The processor is a Neoverse N1, which libpfm4 knows; "-cpu max" would spend its time in pointer
# authentication.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$here/../../build/pmu/arm64"
cache=$(cd "$here/../../build/pmu/arm64" && pwd)
runtime="libc6 libgcc-s1 libpfm4 libunwind8 libncurses6 libncursesw6 libtinfo6 libelf1 libdw1 zlib1g libzstd1 liblzma5 libbz2-1.0"
develop="libc6-dev libpfm4-dev libunwind-dev libncurses-dev libelf-dev libdw-dev zlib1g-dev libzstd-dev"

# An apt of its own, for the other architecture, with the host's archives.
own_apt() {
	local folder=$cache/apt suite archive key=/usr/share/keyrings/debian-archive-keyring.gpg
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016
	archive=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
	mkdir -p "$folder"/lists/partial "$folder"/cache/archives/partial "$folder"/etc/{sources.list,preferences,apt.conf}.d "$folder/dpkg"
	: >"$folder/dpkg/status"
	echo "deb [signed-by=$key] $archive $suite main" >"$folder/etc/sources.list"
	cat >"$folder/apt.conf" <<APT
APT::Architecture "arm64"; APT::Architectures { "arm64"; }; APT::Install-Recommends "0"; APT::Sandbox::User "root";
Dir::State "$folder"; Dir::State::lists "$folder/lists"; Dir::State::status "$folder/dpkg/status";
Dir::Cache "$folder/cache"; Dir::Etc "$folder/etc"; Dir::Etc::sourcelist "$folder/etc/sources.list";
Dir::Etc::sourceparts "$folder/etc/sources.list.d"; Dir::Etc::preferencesparts "$folder/etc/preferences.d";
Acquire::Languages "none"; Acquire::Retries "3";
APT
	export APT_CONFIG=$folder/apt.conf
}

unpack() { # FOLDER PACKAGE...: with what they depend on; no maintainer script runs
	local to=$1 archives=$cache/apt/cache/archives
	shift
	rm -f "$archives"/*.deb
	apt-get install -qq -y --download-only --no-install-recommends "$@" >/dev/null
	mkdir -p "$to"
	for deb in "$archives"/*.deb; do dpkg-deb -x "$deb" "$to"; done
}

write_init() {
	cat >init <<'INIT'
#!/bin/busybox sh
export PATH=/bin HOME=/tmp TERM=linux
/bin/busybox --install -s /bin 2>/dev/null
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mount -t tracefs tracefs /sys/kernel/tracing
# Slow emulation would lower the rate limit, and then a frequency is refused.
cd /proc/sys/kernel
echo 100000 >perf_event_max_sample_rate; echo 0 >perf_cpu_time_max_percent
echo -1 >perf_event_paranoid; echo 0 >kptr_restrict
cd /w
echo GUEST-BEGIN
sh /script
echo "GUEST-STATUS $?"
poweroff -f
INIT
	chmod +x init
}

setup() {
	local kernel link
	[ ! -e "$cache/ready" ] || return 0
	rm -rf "$cache"
	mkdir -p "$cache/kernel"
	own_apt
	apt-get update -qq
	kernel=$(apt-cache show linux-image-cloud-arm64 | sed -n 's/^Depends: *\(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
	[ -n "$kernel" ] || { echo "there is no package linux-image-cloud-arm64 here" >&2; return 1; }
	(cd "$cache/kernel" && apt-get download -qq "$kernel" busybox-static && for deb in *.deb; do dpkg-deb -x "$deb" .; done)
	# shellcheck disable=SC2086
	unpack "$cache/root" $runtime
	# shellcheck disable=SC2086
	unpack "$cache/sysroot" $runtime $develop
	# Links that name /lib/... would leave the folder.
	find "$cache/sysroot" -type l -lname '/*' | while read -r link; do
		ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$cache/sysroot$(readlink "$link")")" "$link"
	done
	cp "$cache"/kernel/boot/vmlinuz-* "$cache/vmlinuz"
	cd "$cache/root"
	rm -rf usr/share usr/lib/aarch64-linux-gnu/gconv lib/systemd
	mkdir -p bin proc sys dev tmp w
	cp ../kernel/bin/busybox bin/
	write_init
	find . | cpio -o -H newc --quiet -R 0:0 | gzip -1 >../base.cpio.gz
	cd "$cache"
	rm -rf apt kernel root
	touch ready
}

run() { # FOLDER SCRIPT
	local work log status
	work=$(mktemp -d)
	# shellcheck disable=SC2064
	trap "rm -rf '$work'" EXIT
	mkdir -p "$work/root/w"
	cp -a "$1"/. "$work/root/w/"
	cp "$2" "$work/root/script"
	(cd "$work/root" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) | cat "$cache/base.cpio.gz" - >"$work/initrd"
	log=$work/log
	timeout -k 5 200 qemu-system-aarch64 -M virt,gic-version=3 -cpu neoverse-n1 -smp 1 -m 1024 -nographic \
		-nic none -no-reboot -icount shift=1,sleep=off -kernel "$cache/vmlinuz" -initrd "$work/initrd" \
		-append "console=ttyAMA0 quiet panic=-1 mitigations=off" </dev/null 2>&1 | tr -d '\r' >"$log" || true
	sed -n '/GUEST-BEGIN/,/GUEST-STATUS/p' "$log" | grep -v '^GUEST-'
	status=$(sed -n 's/^GUEST-STATUS \([0-9]*\)$/\1/p' "$log" | tail -n 1)
	[ -n "$status" ] || tail -n 20 "$log" >&2
	exit "${status:-125}"
}

case ${1:-} in
setup) setup ;;
cc)
	shift
	exec aarch64-linux-gnu-gcc --sysroot="$cache/sysroot" "$@"
	;;
run) run "$2" "$3" ;;
*)
	sed -n '2,11p' "$0"
	exit 2
	;;
esac
