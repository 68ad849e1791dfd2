#!/bin/sh

### Custom user script
### Called after internal WAN up/down action
### $1 - WAN action (up/down)
### $2 - WAN interface name (e.g. eth3 or ppp0)
### $3 - WAN IPv4 address

if [ "$1" = up ]; then
	wget -q -O /tmp/ddns.out "http://user:pass@dyn.example.net/nic/update?hostname=home.example.net&myip=$3"
	grep -qE '^(good|nochg)' /tmp/ddns.out || logger -t ddns "$(cat /tmp/ddns.out)"
	/opt/bin/unblock_update.sh &
fi
