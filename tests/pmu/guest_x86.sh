#!/bin/bash
# Boot a small x86 Linux whose kernel has a CPU PMU (fakepmu.c: counts are time times a fixed rate,
# so every ratio has one right answer) under QEMU's emulation, and run one shell script in it.
# Usage: tests/pmu/guest_x86.sh SCRIPT FILE...    FILEs, with the libraries they need, are packed
# into the guest under their own paths; the script's output is ours, and so is its status (125 when
# the guest never told one).
# Environment: CPU  QEMU's model: which table libpfm4 picks (Skylake-Server)
# The first run downloads the distribution's kernel and headers (40 MB) into build/pmu.
# One CPU: with instruction counting, which makes timers exact on a loaded machine, two hang at boot.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$here/../../build/pmu/x86
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

fetch_kernel() {
	local image version link headers
	image=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: //p' | head -n 1)
	[ -n "$image" ] || { echo "there is no package linux-image-cloud-amd64 here" >&2; return 1; }
	version=${image#linux-image-}
	(cd "$cache" && apt-get download -q "$image" "linux-headers-$version" \
		"linux-headers-${version%-cloud-amd64}-common" "linux-kbuild-${version%%-*}" >&2 2>/dev/null ||
		apt-get download -q "$image" "linux-headers-$version" \
			"linux-headers-${version%-cloud-amd64}-common" linux-kbuild-6.1 >&2)
	for deb in "$cache"/*.deb; do dpkg -x "$deb" "$cache/root"; done
	rm -f "$cache"/*.deb
	cp "$cache"/root/boot/vmlinuz-* "$cache/vmlinuz"
	headers=$cache/root/usr/src/linux-headers-$version
	# The headers' Makefiles name /usr/src and /usr/lib: point them into the unpacked tree.
	sed -i "s|/usr/src/|$cache/root/usr/src/|g" "$headers/Makefile"
	for link in "$headers"/scripts "$headers"/tools; do
		[ -L "$link" ] && ln -sfn "$cache/root$(readlink -m "$link" | sed 's|.*\(/usr/lib/\)|\1|')" "$link"
	done
	echo "$headers" >"$cache/headers"
}

build_module() {
	rm -rf "$cache/module"
	mkdir -p "$cache/module"
	cp "$here/fakepmu.c" "$cache/module/"
	echo 'obj-m := fakepmu.o' >"$cache/module/Makefile"
	make -s -C "$(cat "$cache/headers")" M="$cache/module" modules >&2
	cp "$cache/module/fakepmu.ko" "$cache/fakepmu.ko"
}

[ -e "$cache/headers" ] || fetch_kernel
[ "$cache/fakepmu.ko" -nt "$here/fakepmu.c" ] || build_module

guest=$(mktemp -d)
trap 'rm -rf "$guest"' EXIT
mkdir -p "$guest"/{bin,dev,proc,sys,tmp,lib64}
cp "$(command -v busybox)" "$guest/bin/busybox"
cp "$cache/fakepmu.ko" "$guest/"
cp "$1" "$guest/script"
shift
pack() { [ -e "$guest$1" ] || install -D "$1" "$guest$1"; }
for file; do
	file=$(readlink -f "$file")
	pack "$file"
	{ ldd "$file" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do pack "$library"; done
done
# Opened when a name of an event is first looked up, so ldd does not know of it.
names=$(PATH=$PATH:/sbin ldconfig -p | awk '$1 == "libpfm.so.4" && !n++ { print $NF }')
[ -z "$names" ] || pack "$names"
cat >"$guest/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp TERM=vt100
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
# Slow emulation would lower the rate limit, and then a frequency is refused.
echo 100000 >/proc/sys/kernel/perf_event_max_sample_rate
echo 0 >/proc/sys/kernel/perf_cpu_time_max_percent
echo -1 >/proc/sys/kernel/perf_event_paranoid
insmod /fakepmu.ko
cd /tmp
echo GUEST-BEGIN
sh /script
echo "GUEST-STATUS $?"
poweroff -f
INIT
chmod +x "$guest/init"
(cd "$guest" && find . | cpio -o -H newc --quiet | gzip -1) >"$cache/initrd.$$"
trap 'rm -rf "$guest" "$cache/initrd.$$"' EXIT
log=$guest.log
timeout -k 5 240 qemu-system-x86_64 -M q35 -cpu "${CPU:-Skylake-Server}" -m 1024 -nographic -nic none -no-reboot \
	-icount shift=1,sleep=off -kernel "$cache/vmlinuz" -initrd "$cache/initrd.$$" \
	-append "console=ttyS0 panic=-1 quiet" 2>/dev/null </dev/null | tr -d '\r' >"$log" || true
sed -n '/GUEST-BEGIN/,/GUEST-STATUS/p' "$log" | grep -v '^GUEST-'
status=$(sed -n 's/^GUEST-STATUS \([0-9]*\)$/\1/p' "$log" | tail -n 1)
[ -n "$status" ] || tail -n 20 "$log" >&2
rm -f "$log"
exit "${status:-125}"
