#!/bin/sh

SSHD_CONFIG=/etc/ssh/sshd_config
grep -q '^PasswordAuthentication no' $SSHD_CONFIG || {
	sed -i 's/^#*PasswordAuthentication .*/PasswordAuthentication no/' $SSHD_CONFIG
	systemctl restart ssh
}
mkdir -p /root/.ssh
cp /data/settings/authorized_keys /root/.ssh/authorized_keys
chmod 0600 /root/.ssh/authorized_keys
