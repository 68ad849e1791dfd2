#!/bin/sh

for i in eth6 eth7; do
	wl -i $i status >/tmp/wl.$i 2>&1 || { wl -i $i down; sleep 1; wl -i $i up; logger -t wifi "$i restarted"; }
	n=$(wl -i $i assoclist | wc -l)
	echo "$(date +%s) $i $n" >> /tmp/wifi.csv
done
tail -n 1000 /tmp/wifi.csv > /tmp/wifi.csv.new && mv /tmp/wifi.csv.new /tmp/wifi.csv
free=$(awk '/MemFree/{print $2}' /proc/meminfo)
[ "$free" -lt 8000 ] && { sync; echo 3 > /proc/sys/vm/drop_caches; }
