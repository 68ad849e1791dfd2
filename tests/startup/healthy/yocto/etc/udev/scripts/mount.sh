#!/bin/sh
# Called from udev

BASE_INIT="$(readlink -f "@base_sbindir@/init")"
MOUNT="/bin/mount"
name="$(basename "$DEVNAME")"

automount() {
	! test -d "/run/media/$name" && mkdir -p "/run/media/$name"
	# Silent util-linux's version of mounting auto
	if ! $MOUNT -t auto -o silent "$DEVNAME" "/run/media/$name"; then
		rm_dir "/run/media/$name"
	else
		logger "mount.sh/automount" "Auto-mount of [/run/media/$name] successful"
		touch "/tmp/.automount-$name"
	fi
}

rm_dir() { test "$(find "$1" | wc -l)" -lt 2 -a -d "$1" && rm -r "$1"; }

[ "$ACTION" = add ] && [ -n "$DEVNAME" ] && [ -x "$MOUNT" ] && automount
[ "$ACTION" = remove ] && {
	for mnt in $(grep "$DEVNAME" /proc/mounts | cut -f 2 -d " "); do $UMOUNT "$mnt"; done
	test -e "/tmp/.automount-$name" && rm_dir "/run/media/$name"
}
