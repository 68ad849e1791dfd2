#!/bin/sh

. /etc/chilli/functions
IPTABLES=iptables
PROTO="tcp udp"

ipt() {
	opt=$1; shift
	echo "$IPTABLES -D $*" >> /var/run/chilli.$DEV.sh
	$IPTABLES $opt $*
}

[ -e /var/run/chilli.$DEV.sh ] && sh /var/run/chilli.$DEV.sh 2>/dev/null
rm -f /var/run/chilli.$DEV.sh

for port in $HS_TCP_PORTS 80 443; do
	ipt -A INPUT -i "$DEV" -p tcp -m tcp --dport "$port" --dst "$ADDR" -j ACCEPT
done
for p in $PROTO; do
	ipt -A INPUT -i "$DEV" -p "$p" --dport 53 -d "$ADDR" -j ACCEPT
done
ipt -A INPUT -i "$DEV" -j DROP
ipt -A FORWARD -i "$DEV" -o "$HS_LANIF" -j DROP
