# ASUSWRT and Merlin: the notice that the WAN is down, DNS Director, the list of who may use the router's own services, a
# provider's TR-069 and Merlin's hairpin.
set -e
ipt="iptables-legacy -w"
$ipt -P INPUT DROP
for c in INPUT_PING INPUT_ICMP SECURITY logdrop ACCESS_RESTRICTION PTCSRVWAN; do $ipt -N $c; done
$ipt -A INPUT -p icmp --icmp-type 8 -j INPUT_PING
$ipt -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
$ipt -A INPUT -m state --state INVALID -j DROP
$ipt -A INPUT ! -i lan -j PTCSRVWAN
$ipt -A INPUT -i lan -m state --state NEW -j ACCEPT
$ipt -A INPUT -i lo -m state --state NEW -j ACCEPT
$ipt -A INPUT -p tcp --dport 7547 -j DROP
$ipt -A INPUT -p udp --sport 67 --dport 68 -j ACCEPT
$ipt -A INPUT -p tcp --dport 8443 -j ACCEPT
$ipt -A INPUT -j DROP
$ipt -t nat -N VSERVER
$ipt -t nat -N VUPNP
$ipt -t nat -A PREROUTING -p udp -m udp --dport 53 -j DNAT --to-destination 192.168.1.1:18018
$ipt -t nat -A PREROUTING ! -d 172.22.22.0/24 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.1.1:18017
$ipt -t nat -A PREROUTING -d 203.0.113.10 -j VSERVER
$ipt -t nat -A VSERVER -p tcp -m tcp --dport 3389 -j DNAT --to-destination 192.168.1.30:3389
$ipt -t nat -A VSERVER -j VUPNP
$ipt -t nat -A VUPNP -p udp --dport 50000 -j DNAT --to-destination 192.168.1.30:50000
$ipt -t nat -A POSTROUTING ! -s 203.0.113.10 -o wan -j MASQUERADE
$ipt -t nat -A POSTROUTING -m mark --mark 0x8000/0x8000 -j MASQUERADE
