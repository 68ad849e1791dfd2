#!/bin/sh
# The owner's own start of an add-on.

QPKG=$(/sbin/getcfg Entware Install_Path -f /etc/config/qpkg.conf)
[ -d "$QPKG" ] && ln -sfn "$QPKG" /opt
/share/CACHEDEV1_DATA/.qpkg/Entware/Entware.sh start
/sbin/setcfg "Network" "BONDING01" "TRUE" -f /etc/config/uLinux.conf
