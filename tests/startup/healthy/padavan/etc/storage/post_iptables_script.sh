#!/bin/sh

### Custom user script
### Called after internal iptables reconfig (firewall update)

ipset -exist create unblock hash:ip
iptables -t nat -A PREROUTING -i br0 -p tcp -m set --match-set unblock dst -j REDIRECT --to-port 9141
iptables -A INPUT -i ppp0 -p tcp --dport 22 -m state --state NEW -m limit --limit 3/min -j ACCEPT
