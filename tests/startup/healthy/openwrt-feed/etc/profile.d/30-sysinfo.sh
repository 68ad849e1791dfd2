#!/bin/sh
# Shows how the router fares when somebody logs in.

[ -t 1 ] || return 0 2>/dev/null || exit 0

load=$(cut -d' ' -f1-3 /proc/loadavg)
mem=$(awk '/MemTotal/{t=$2}/MemAvailable/{a=$2}END{printf "%d of %d MB", (t-a)/1024, t/1024}' /proc/meminfo)
up=$(awk '{d=int($1/86400); h=int($1%86400/3600); printf "%dd %dh", d, h}' /proc/uptime)
wan=$(ubus call network.interface.wan status 2>/dev/null | jsonfilter -e '@["ipv4-address"][0].address')

printf '\033[1m%s\033[0m  load %s, memory %s, up %s, wan %s\n' "$(cat /proc/sys/kernel/hostname)" "$load" "$mem" "$up" "${wan:-down}"
[ -f /tmp/firmware.version ] && echo "new firmware: $(cat /tmp/firmware.version)"
eval "$(sed -n 's/^\(LANG=.*\)/export \1/p' /etc/locale.conf 2>/dev/null)"
