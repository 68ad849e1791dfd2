#!/bin/sh
# Resolver of the tunnel, taken from what the server pushes.

RESOLV=/tmp/resolv.conf.d/resolv.conf.vpn

case "$script_type" in
up)
	: > "$RESOLV.tmp"
	n=1
	while eval "opt=\$foreign_option_$n" && [ -n "$opt" ]; do
		set -- $opt
		[ "$1 $2" = "dhcp-option DNS" ] && echo "nameserver $3" >> "$RESOLV.tmp"
		n=$((n + 1))
	done
	mv "$RESOLV.tmp" "$RESOLV"
	uci set dhcp.@dnsmasq[0].resolvfile="$RESOLV"
	/etc/init.d/dnsmasq reload
	iptables -t nat -A POSTROUTING -o "$dev" -j MASQUERADE
	ip route add 198.51.100.0/24 via "$route_vpn_gateway"
	;;
down)
	uci revert dhcp
	iptables -t nat -D POSTROUTING -o "$dev" -j MASQUERADE
	rm -f "$RESOLV"
	/etc/init.d/dnsmasq reload
	;;
esac
exit 0
