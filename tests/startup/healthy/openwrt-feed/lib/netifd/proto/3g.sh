#!/bin/sh

[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	. ./ppp.sh
	init_proto "$@"
}

proto_3g_setup() {
	local interface="$1" chat CODE MODE cardinfo pincode
	json_get_var device device
	json_get_var apn apn
	json_get_var service service
	json_get_var pincode pincode
	[ -n "$dat_device" ] && device=$dat_device
	device="$(readlink -f "$device")"
	[ -e "$device" ] || { proto_set_available "$interface" 0; return 1; }

	chat="/etc/chatscripts/3g.chat"
	cardinfo=$(gcom -d "$device" -s /etc/gcom/getcardinfo.gcom)
	if echo "$cardinfo" | grep -q Novatel; then
		case "$service" in
		umts_only) CODE=2 ;;
		gprs_only) CODE=1 ;;
		*) CODE=0 ;;
		esac
		export MODE="AT\$NWRAT=${CODE},2"
	elif echo "$cardinfo" | grep -q huawei; then
		export MODE="AT^SYSCFG=14,2,3fffffff,0,1"
	fi
	[ -n "$pincode" ] && { PINCODE="$pincode" gcom -d "$device" -s /etc/gcom/setpin.gcom || return 1; }
	[ -n "$MODE" ] && gcom -d "$device" -s /etc/gcom/setmode.gcom
	connect="${apn:+USE_APN=$apn }DIALNUMBER=${dialnumber:-*99***1#} /usr/sbin/chat -t5 -v -E -f $chat"
	ppp_generic_setup "$interface" noaccomp nopcomp novj nobsdcomp noauth set EXTENDPREFIX=1 lock crtscts 460800 "$device"
	return 0
}

[ -n "$INCLUDE_ONLY" ] || add_protocol 3g
