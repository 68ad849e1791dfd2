# What firewall3 makes of OpenWrt's default configuration, with a port forward and its reflection, UPnP and mwan3's marks.
set -e
ipt="iptables-legacy -w"
for p in "INPUT DROP" "FORWARD DROP" "OUTPUT ACCEPT"; do $ipt -P $p; done
for c in reject syn_flood input_rule zone_lan_input zone_lan_src_ACCEPT zone_wan_input zone_wan_src_REJECT zone_wan_dest_ACCEPT; do $ipt -N $c; done
$ipt -A INPUT -i lo -m comment --comment '!fw3' -j ACCEPT
$ipt -A INPUT -m comment --comment '!fw3: Custom input rule chain' -j input_rule
$ipt -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment '!fw3' -j ACCEPT
$ipt -A INPUT -p tcp --tcp-flags FIN,SYN,RST,ACK SYN -m comment --comment '!fw3' -j syn_flood
$ipt -A INPUT -i lan -m comment --comment '!fw3' -j zone_lan_input
$ipt -A INPUT -i wan -m comment --comment '!fw3' -j zone_wan_input
$ipt -A INPUT -m comment --comment '!fw3' -j reject
$ipt -A reject -p tcp -m comment --comment '!fw3' -j REJECT --reject-with tcp-reset
$ipt -A reject -m comment --comment '!fw3' -j REJECT --reject-with icmp-port-unreachable
$ipt -A syn_flood -p tcp --tcp-flags FIN,SYN,RST,ACK SYN -m limit --limit 25/sec --limit-burst 50 -j RETURN
$ipt -A syn_flood -j DROP
$ipt -A zone_lan_input -m conntrack --ctstate DNAT -j ACCEPT
$ipt -A zone_lan_input -j zone_lan_src_ACCEPT
$ipt -A zone_lan_src_ACCEPT -i lan -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT
$ipt -A zone_wan_input -p udp --dport 68 -j ACCEPT
$ipt -A zone_wan_input -p tcp --dport 23 -m comment --comment '!fw3: no telnet' -j DROP
$ipt -A zone_wan_input -p tcp --dport 7547 -s 198.51.100.0/24 -m comment --comment '!fw3: ACS' -j ACCEPT
$ipt -A zone_wan_input -j zone_wan_src_REJECT
$ipt -A zone_wan_src_REJECT -i wan -j reject
for c in prerouting_rule zone_lan_prerouting zone_wan_prerouting zone_wan_postrouting MINIUPNPD; do $ipt -t nat -N $c; done
$ipt -t nat -A PREROUTING -j prerouting_rule
$ipt -t nat -A PREROUTING -i lan -j zone_lan_prerouting
$ipt -t nat -A PREROUTING -i wan -j zone_wan_prerouting
$ipt -t nat -A POSTROUTING -o wan -j zone_wan_postrouting
$ipt -t nat -A zone_lan_prerouting -s 192.168.1.0/24 -d 203.0.113.10 -p tcp --dport 80 -m comment --comment '!fw3: web (reflection)' -j DNAT --to-destination 192.168.1.20:80
$ipt -t nat -A zone_wan_prerouting -p tcp --dport 80 -m comment --comment '!fw3: web' -j DNAT --to-destination 192.168.1.20:80
$ipt -t nat -A zone_wan_prerouting -j MINIUPNPD
$ipt -t nat -A MINIUPNPD -p udp --dport 3074 -j DNAT --to-destination 192.168.1.50:3074
$ipt -t nat -A zone_wan_postrouting -j MASQUERADE
$ipt -t mangle -N mwan3_hook
$ipt -t mangle -A PREROUTING -j mwan3_hook
$ipt -t mangle -A mwan3_hook -m mark --mark 0x0/0x3f00 -j CONNMARK --restore-mark --nfmask 0x3f00 --ctmask 0x3f00
