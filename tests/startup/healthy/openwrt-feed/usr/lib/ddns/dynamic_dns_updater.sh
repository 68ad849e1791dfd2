#!/bin/sh
# Asks for the public address and tells it to the name service.

. /lib/functions.sh

LOGDIR=/var/log/ddns
RUNDIR=/var/run/ddns
CURL=$(command -v curl)
DATFILE="$RUNDIR/$1.dat"
ERRFILE="$RUNDIR/$1.err"

get_registered_ip() {
	nslookup "$lookup_host" ${dns_server:-} 2>"$ERRFILE" > "$DATFILE" || return 1
	awk '/^Name:/ {seen=1} seen && /^Address/ {print $NF; exit}' "$DATFILE"
}

get_local_ip() {
	case "$ip_source" in
	network)
		network_flush_cache
		network_get_ipaddr ip "$ip_network"
		;;
	web)
		ip=$(uclient-fetch -q -T 20 -O - "${ip_url:-http://checkip.example.net}" | grep -o '[0-9]\{1,3\}\(\.[0-9]\{1,3\}\)\{3\}' | head -n 1)
		;;
	script)
		ip=$($ip_script 2>"$ERRFILE")
		;;
	esac
	echo "$ip"
}

send_update() {
	local url="$update_url"
	url=$(echo "$url" | sed -e "s#\[USERNAME\]#$URL_USER#g" -e "s#\[PASSWORD\]#$URL_PASS#g" -e "s#\[IP\]#$1#g")
	if [ -n "$CURL" ]; then
		eval "$CURL -RsS -o $DATFILE --stderr $ERRFILE --max-time 60 ${cacert:+--cacert $cacert} '$url'"
	else
		uclient-fetch -q -O "$DATFILE" "$url" 2> "$ERRFILE"
	fi
	grep -E 'good|nochg' "$DATFILE" >/dev/null 2>&1
}

mkdir -p "$LOGDIR" "$RUNDIR"
config_load ddns
while :; do
	local_ip=$(get_local_ip)
	[ "$local_ip" = "$(get_registered_ip)" ] || send_update "$local_ip"
	sleep $((check_interval * 60)) &
	echo $! > "$RUNDIR/$1.pid.sleep"
	wait $!
done
