#!/bin/sh

### Custom user script
### Called before router started (network is not ready)

#modprobe usb-storage
#insmod ip_set_hash_ip
echo 10 > /proc/sys/vm/swappiness
