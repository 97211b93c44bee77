#!/usr/bin/env bash
# Does ./dev test bring its own tools? Clone HEAD into a fresh Debian that holds nothing but
# git, and run the whole CI there.
#
# Run by hand, as root; ctest does not know it: it needs the network and some minutes.
#
#     tests/test_bare.sh [DIRECTORY]     DIRECTORY is kept and used again; default: a temporary one
#
# SUITE (bookworm), MIRROR (the machine's own) and COMMAND (./dev test) come from the
# environment. Only what is committed takes part.
set -euo pipefail

repo=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
suite=${SUITE:-bookworm}
mirror=${MIRROR:-$(grep -ohE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list \
	/etc/apt/sources.list.d/* 2>/dev/null | grep -v snapshot | head -1 || true)}
[ "$(id -u)" = 0 ] || { echo "test_bare: needs root" >&2; exit 2; }
command -v debootstrap >/dev/null ||
	{ apt-get -q update && apt-get -q -y install debootstrap; } </dev/null

if [ $# -gt 0 ]; then
	mkdir -p "$1"
	bare=$(cd "$1" && pwd)
else
	bare=$(mktemp -d)
	chmod 755 "$bare" # tests become nobody, who must get in
fi
mounted=()
clean_up() {
	local at

	for at in "${mounted[@]}"; do
		umount "$at" 2>/dev/null || umount -l "$at" || true
	done
	# Never delete through a mount that would not go away.
	if [ $# -eq 0 ] && ! grep -q " $bare/" /proc/mounts; then
		rm -rf "$bare"
	fi
}
# shellcheck disable=SC2064 # the arguments of now
trap "clean_up ${1:+keep}" EXIT

if [ ! -e "$bare/etc/debian_version" ]; then
	echo "==> debootstrap $suite into $bare"
	# shellcheck disable=SC2086 # perhaps no word
	debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$bare" $mirror \
		>"$bare.log" 2>&1 || { tail -20 "$bare.log"; exit 1; }
	rm -f "$bare.log"
fi

# The way to the network is this machine's: names, mirror, proxy, certificates. (Not its other
# package sources: they name keys that the bare system does not have.)
cp -L /etc/resolv.conf "$bare/etc/resolv.conf"
cp -L /etc/hosts "$bare/etc/hosts"
mkdir -p "$bare/etc/apt/apt.conf.d" "$bare/etc/ssl/certs"
apt-config dump | grep -i '^Acquire::https\?::.*Proxy ' >"$bare/etc/apt/apt.conf.d/90proxy" || true
cp -L /etc/ssl/certs/ca-certificates.crt "$bare/etc/ssl/certs/" 2>/dev/null || true

for fs in proc dev dev/pts; do
	mountpoint -q "$bare/$fs" && continue
	case $fs in
	proc) mount -t proc proc "$bare/proc" ;;
	dev) mount --bind /dev "$bare/dev" ;;
	dev/pts) mount --bind /dev/pts "$bare/dev/pts" ;;
	esac
	mounted=("$bare/$fs" "${mounted[@]}")
done

echo "==> clone"
rm -rf "$bare/root/clone" "$bare/root/repo.git"
git clone -q --bare "$repo" "$bare/root/repo.git"
inside() {
	chroot "$bare" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CI=true \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		"$@" </dev/null
}
inside git clone -q /root/repo.git /root/clone

echo "==> ${COMMAND:-./dev test}"
start=$SECONDS
if inside bash -c "cd /root/clone && ${COMMAND:-./dev test}"; then
	echo "PASS ($((SECONDS - start)) s)"
else
	echo "FAIL ($((SECONDS - start)) s)"
	exit 1
fi
