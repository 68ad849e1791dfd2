#!/bin/sh

UNIFI=/volume1/@appstore/unifi
PIDF=/var/run/unifi.pid

case $1 in
start)
	[ -x /usr/local/bin/java ] || exit 1
	cd $UNIFI || exit 1
	/usr/local/bin/java -Xmx512M -jar lib/ace.jar start > /tmp/unifi.log 2>&1 &
	echo $! > $PIDF
	;;
stop)
	[ -f $PIDF ] && kill "$(cat $PIDF)" && rm -f $PIDF
	;;
esac
