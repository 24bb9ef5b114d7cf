#!/bin/sh
# What OpenWrt's procd does at boot before the services, as far as this router needs it.
mount -t tmpfs tmpfs /tmp
mkdir -p /tmp/run /tmp/lib /tmp/lock /dev/pts
mount -t devpts devpts /dev/pts
hostname router
ip link set lo up
modprobe -a $(cat /etc/modules)
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.netfilter.nf_conntrack_acct=1
! grep -qw network=up /proc/cmdline || network up >/tmp/network.log 2>&1
rcS S boot
