#!/bin/sh
# What OpenWrt's procd does at boot, as far as this router needs it.
mount -t tmpfs tmpfs /tmp
mkdir -p /tmp/run /tmp/log /tmp/lib /tmp/lock /dev/pts
ln -s /tmp/run /run 2>/dev/null
mount -t devpts devpts /dev/pts
hostname router
ip link set lo up
modprobe -a $(cat /etc/modules)
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.netfilter.nf_conntrack_acct=1
for service in /etc/rc.d/S*; do
	[ ! -e "$service" ] || "$service" boot
done
