# Every shape that a rule is read in, made by iptables and ip6tables: sh shapes.sh iptables-legacy ip6tables-legacy
set -e
ipt="$1 -w"
ipt6="$2 -w"
$ipt -P INPUT DROP
$ipt -A INPUT -p tcp --dport 23 -j DROP
$ipt -A INPUT -i lo -j ACCEPT
$ipt -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment 'let them' -j ACCEPT
$ipt -N zone
$ipt -N user
$ipt -A INPUT -j user
$ipt -A INPUT -i eth+ -j zone
$ipt -A INPUT -p tcp -m multiport --dports 22,80,8000:8010 -j REJECT --reject-with tcp-reset
$ipt -A INPUT -s 198.51.100.0/24 -j ACCEPT
$ipt -A INPUT ! -s 10.0.0.0/8 -p tcp --dport 7547 -j DROP
$ipt -A INPUT -p udp -m udp ! --dport 53 -j ACCEPT
$ipt -A INPUT -p tcp --syn --dport 8888 -m state --state NEW -j ACCEPT
$ipt -A INPUT -p tcp --dport 9 -m limit --limit 1/s -j DROP
$ipt -A zone -p tcp --dport 22 -j ACCEPT
$ipt -A zone -j RETURN
$ipt -A user -p tcp --dport 5555 -j DROP
$ipt -A user -p tcp --dport 5556
$ipt -t nat -A PREROUTING -p tcp --dport 449 -j DNAT --to-destination 198.51.100.9:80
$ipt -t nat -A PREROUTING -d 203.0.113.10 -p tcp --dport 449 -j DNAT --to-destination 198.51.100.9
$ipt -t nat -A PREROUTING -i br-lan -p udp --dport 53 -j REDIRECT --to-ports 5353
$ipt -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8888
$ipt -t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT
$ipt -t nat -A PREROUTING -p tcp -j DNAT --to-destination 192.168.1.2-192.168.1.9:100-200
$ipt -t nat -A PREROUTING -d 10.0.0.0/24 -j NETMAP --to 192.168.1.0/24
$ipt -t nat -A POSTROUTING -o wan -j MASQUERADE
$ipt -t nat -A POSTROUTING -s 192.168.1.0/24 -j SNAT --to-source 203.0.113.10
$ipt -t mangle -A PREROUTING -p tcp -j TPROXY --on-port 7892 --on-ip 127.0.0.1 --tproxy-mark 1
$ipt -t mangle -A PREROUTING -p tcp -j MARK --set-mark 5
$ipt6 -A INPUT -s fe80::/10 -p tcp --dport 22 -j ACCEPT
$ipt6 -A INPUT -p tcp -m tcp --dport 23 -j DROP
$ipt6 -t nat -A PREROUTING -p tcp --dport 449 -j DNAT --to-destination '[2001:db8::9]:80'
$ipt6 -t nat -A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 53
