#!/bin/sh
# As OpenWrt's dnsmasq tells of leases: ACTION, MACADDR, IPADDR, HOSTNAME for the hotplug scripts.
case $1 in
add) ACTION=add ;;
old) ACTION=update ;;
del) ACTION=remove ;;
*) exit 0 ;;
esac
export ACTION MACADDR="$2" IPADDR="$3" HOSTNAME="${4:-}"
[ ! -x /sbin/hotplug-call ] || exec /sbin/hotplug-call dhcp
