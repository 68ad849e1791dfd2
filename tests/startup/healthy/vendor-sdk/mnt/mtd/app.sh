#!/bin/sh
# Starts the camera's own program from its own partition.
export LD_LIBRARY_PATH=/mnt/mtd/lib:$LD_LIBRARY_PATH
for ko in /mnt/mtd/ko/sys.ko /mnt/mtd/ko/isp.ko; do
	insmod $ko
done
mount --bind /mnt/mtd/hosts /etc/hosts
mount -t tmpfs tmpfs /var/log
/mnt/mtd/app/main &
