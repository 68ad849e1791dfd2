# What owners and packages do with the local network's web and names: Pi-hole, AdGuard Home, adblock, redsocks,
# shadowsocks, Clash's TPROXY, Tor, Privoxy, Squid, openNDS, coova-chilli, a hijacked address that is sent home.
set -e
ipt="iptables-legacy -w -t nat -A PREROUTING"
$ipt -i lan ! -s 192.168.1.53 -p udp --dport 53 -j DNAT --to-destination 192.168.1.53
$ipt -i lan ! -d 192.168.1.53 -p tcp --dport 53 -j DNAT --to-destination 192.168.1.53:53
$ipt -p udp --dport 53 -j REDIRECT --to-ports 53
$ipt -i lan -p udp --dport 53 -j REDIRECT --to-ports 5353
$ipt -i lan -p udp --dport 53 -j REDIRECT --to-ports 3053
$ipt -d 198.51.100.7 -j DNAT --to-destination 192.168.10.244
$ipt -i lan -p tcp --dport 80 -j REDIRECT --to-ports 8118
$ipt -i lan -p tcp --dport 80 -j REDIRECT --to-ports 3128
$ipt -i lan -p tcp --dport 80 -j REDIRECT --to-ports 2050
$ipt -i lan -p tcp --dport 80 -j REDIRECT --to-ports 3990
$ipt -i lan -p tcp --syn -j REDIRECT --to-ports 9040
iptables-legacy -w -t nat -N REDSOCKS
$ipt -i lan -p tcp -j REDSOCKS
iptables-legacy -w -t nat -A REDSOCKS -d 192.168.0.0/16 -j RETURN
iptables-legacy -w -t nat -A REDSOCKS -p tcp -j REDIRECT --to-ports 12345
iptables-legacy -w -t nat -A REDSOCKS -p tcp -j REDIRECT --to-ports 1100
iptables-legacy -w -t mangle -A PREROUTING -p udp -j TPROXY --on-port 7892 --on-ip 0.0.0.0 --tproxy-mark 0x162
