# A provider's box: TR-069 for its own servers alone, management for the local network.
set -e
ipt="iptables-legacy -w"
$ipt -N TR069
$ipt -A INPUT -i lan -j ACCEPT
$ipt -A INPUT -j TR069
$ipt -A TR069 -s 198.51.100.0/24 -p tcp --dport 7547 -j ACCEPT
$ipt -A TR069 -p tcp --dport 7547 -j DROP
$ipt -A INPUT -p tcp --dport 23 -j DROP
$ipt -A INPUT -p tcp --dport 5060 -j ACCEPT
