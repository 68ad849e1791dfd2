# A Debian server with Docker, libvirt, Tailscale, fail2ban and ufw's look.
set -e
ipt="iptables-nft -w"
$ipt -t nat -N DOCKER
$ipt -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
$ipt -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
$ipt -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
$ipt -t nat -A DOCKER -i docker0 -j RETURN
$ipt -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
$ipt -t nat -A DOCKER ! -i docker0 -p tcp --dport 449 -j DNAT --to-destination 172.17.0.3:449
for c in DOCKER DOCKER-USER ts-input LIBVIRT_INP f2b-sshd ufw-before-input ufw-user-input ufw-user-limit; do $ipt -N $c; done
$ipt -A INPUT -j LIBVIRT_INP
$ipt -A INPUT -j ts-input
$ipt -A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd
$ipt -A INPUT -j ufw-before-input
$ipt -A LIBVIRT_INP -i virbr0 -p udp --dport 53 -j ACCEPT
$ipt -A ts-input -s 100.101.1.1/32 -i lo -j ACCEPT
$ipt -A ts-input -s 100.64.0.0/10 ! -i tailscale0 -j DROP
$ipt -A ts-input -i tailscale0 -j ACCEPT
$ipt -A ts-input -p udp --dport 41641 -j ACCEPT
$ipt -A f2b-sshd -s 192.0.2.66/32 -j REJECT
$ipt -A f2b-sshd -j RETURN
$ipt -A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
$ipt -A ufw-before-input -j ufw-user-input
$ipt -A ufw-user-input -p tcp --dport 22 -j ACCEPT
$ipt -A ufw-user-input -p tcp --dport 443 -j ACCEPT
$ipt -A ufw-user-limit -m limit --limit 3/min -j LOG
