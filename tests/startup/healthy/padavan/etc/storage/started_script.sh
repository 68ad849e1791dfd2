#!/bin/sh

### Custom user script
### Called after router started and network is ready

### Example - load ipset modules
modprobe ip_set
modprobe ip_set_hash_ip
modprobe ip_set_hash_net
modprobe xt_set
sync && echo 3 > /proc/sys/vm/drop_caches
[ -f /etc/storage/zapret.sh ] && sh /etc/storage/zapret.sh start
/usr/bin/zram.sh start 64M
mtd_storage.sh save &
