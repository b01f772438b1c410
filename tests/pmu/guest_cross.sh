#!/bin/bash
# A small Linux of another architecture under QEMU, with a PMU and its real driver.
#   arm64    ARM PMUv3; with instruction counting, cycles and instructions are exact and the same in
#            every run. A Neoverse N1, which libpfm4 knows; "-cpu max" would spend its time in
#            pointer authentication.
#   riscv64  Sscofpmf: cycles, instructions, dTLB and iTLB misses that follow what the code does.
#            No instruction counting: QEMU aborts when TLB misses are sampled with it.
# Usage: tests/pmu/guest_cross.sh ARCH setup               fetch kernel, libraries and compiler (200 MB)
#        tests/pmu/guest_cross.sh ARCH cc ARG...           the cross compiler with the guest's libraries
#        tests/pmu/guest_cross.sh ARCH run FOLDER SCRIPT   boot; FOLDER is /w there; run SCRIPT in it
# What is fetched lies in build/pmu/ARCH; nothing changes in the host's dpkg.
set -euo pipefail
arch=${1:-}
shift || true
here=$(cd "$(dirname "$0")" && pwd)
libraries="libc6 libgcc-s1 libpfm4 libunwind8 libncurses6 libncursesw6 libtinfo6 zlib1g libzstd1 liblzma5 libbz2-1.0"
develop="libc6-dev libpfm4-dev libunwind-dev libncurses-dev libelf-dev libdw-dev zlib1g-dev libzstd-dev"
case $arch in
arm64)
	triplet=aarch64-linux-gnu
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	runtime="$libraries libelf1 libdw1" kernel_package=linux-image-cloud-arm64 kernel_file=vmlinuz
	machine=(qemu-system-aarch64 -M "virt,gic-version=3" -cpu neoverse-n1 -icount "shift=1,sleep=off")
	console=ttyAMA0
	;;
riscv64)
	triplet=riscv64-linux-gnu
	suite=trixie # the first release that has it
	runtime="$libraries libelf1t64 libdw1t64" kernel_package=linux-image-riscv64 kernel_file=vmlinux
	machine=(qemu-system-riscv64 -M virt -cpu "rv64,sscofpmf=on")
	console=ttyS0
	;;
*)
	sed -n '2,13p' "$0"
	exit 2
	;;
esac
mkdir -p "$here/../../build/pmu/$arch"
cache=$(cd "$here/../../build/pmu/$arch" && pwd)

# An apt of its own, for the other architecture, with the host's archives.
own_apt() {
	local folder=$cache/apt archive key=/usr/share/keyrings/debian-archive-keyring.gpg
	# shellcheck disable=SC2016
	archive=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
	mkdir -p "$folder"/lists/partial "$folder"/cache/archives/partial "$folder"/etc/{sources.list,preferences,apt.conf}.d "$folder/dpkg"
	: >"$folder/dpkg/status"
	echo "deb [signed-by=$key] $archive $suite main" >"$folder/etc/sources.list"
	cat >"$folder/apt.conf" <<APT
APT::Architecture "$arch"; APT::Architectures { "$arch"; }; APT::Install-Recommends "0"; APT::Sandbox::User "root";
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
	# Packages of a merged /usr rely on a link that none of them holds.
	[ -e "$to/lib" ] || ln -s usr/lib "$to/lib"
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
	kernel=$(apt-cache show "$kernel_package" | sed -n 's/^Depends: *\(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
	[ -n "$kernel" ] || { echo "there is no package $kernel_package here" >&2; return 1; }
	(cd "$cache/kernel" && apt-get download -qq "$kernel" busybox-static && for deb in *.deb; do dpkg-deb -x "$deb" .; done)
	# shellcheck disable=SC2086
	unpack "$cache/root" $runtime
	# shellcheck disable=SC2086
	unpack "$cache/sysroot" $runtime $develop
	# Links that name /lib/... would leave the folder.
	find "$cache/sysroot" -type l -lname '/*' | while read -r link; do
		ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$cache/sysroot$(readlink "$link")")" "$link"
	done
	cp "$cache"/kernel/boot/$kernel_file-* "$cache/kernel.image"
	cd "$cache/root"
	rm -rf usr/share "usr/lib/$triplet/gconv" lib/systemd
	mkdir -p bin proc sys dev tmp w
	cp "$(find ../kernel -name busybox -type f -perm -1 | head -n 1)" bin/busybox
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
	timeout -k 5 200 "${machine[@]}" -smp 1 -m 1024 -nographic -nic none -no-reboot \
		-kernel "$cache/kernel.image" -initrd "$work/initrd" \
		-append "console=$console quiet panic=-1 mitigations=off" </dev/null 2>&1 | tr -d '\r' >"$log" || true
	sed -n '/GUEST-BEGIN/,/GUEST-STATUS/p' "$log" | grep -v '^GUEST-'
	status=$(sed -n 's/^GUEST-STATUS \([0-9]*\)$/\1/p' "$log" | tail -n 1)
	[ -n "$status" ] || tail -n 20 "$log" >&2
	exit "${status:-125}"
}

case ${1:-} in
setup) setup ;;
cc)
	shift
	# Its own C library, were the compiler's package of an older release, is not the guest's.
	exec "$triplet-gcc" --sysroot="$cache/sysroot" -B"$cache/sysroot/usr/lib/$triplet" -L"$cache/sysroot/usr/lib/$triplet" "$@"
	;;
run) run "$2" "$3" ;;
*)
	sed -n '2,13p' "$0"
	exit 2
	;;
esac
