#!/bin/bash

[ -e /usr/bin/wg ] || dpkg -i /config/data/firstboot/install-packages/wireguard_*.deb
modprobe wireguard
source /opt/vyatta/etc/functions/script-template
[ -f /config/scripts/wg-peers ] && while read -r name host; do
	ip=$(getent ahostsv4 "$host" | awk '{print $1; exit}')
	[ -n "$ip" ] && logger -t wg "$name is $ip"
done < /config/scripts/wg-peers
