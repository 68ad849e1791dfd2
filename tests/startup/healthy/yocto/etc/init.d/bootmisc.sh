#!/bin/sh
### BEGIN INIT INFO
# Provides:          bootmisc
# Default-Start:     S
# Short-Description: Misc and other.
### END INIT INFO

. /etc/default/rcS

# Put a nologin file in /etc to prevent people from logging in before system startup is complete.
[ "$DELAYLOGIN" = yes ] && { echo "System bootup in progress - please wait" > /etc/nologin; cp /etc/nologin /etc/nologin.boot; }

[ "$VERBOSE" != no ] && echo -n "Configuring kernel: "
echo "Cleaning" > /dev/null
: > /var/run/utmp
rm -f /tmp/.X*-lock /tmp/.clean
[ -f /etc/timestamp ] && {
	read TIMESTAMP < /etc/timestamp
	SYSTEMDATE=$(date -u +%4Y%2m%2d%2H%2M%2S)
	[ "$TIMESTAMP" -gt "$SYSTEMDATE" ] && date -u "${TIMESTAMP#????}${TIMESTAMP%??????????}"
}
: exit 0
