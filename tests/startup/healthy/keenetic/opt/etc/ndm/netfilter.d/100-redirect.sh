#!/bin/sh

[ "$type" = "ip6tables" ] && exit 0
[ "$table" != "nat" ] && exit 0

if ! iptables-save 2>/dev/null | grep -q unblocktor; then
	ipset create unblocktor hash:net -exist
	iptables -I PREROUTING -w -t nat -i br0 -p tcp -m set --match-set unblocktor dst -j REDIRECT --to-port 9141
fi
