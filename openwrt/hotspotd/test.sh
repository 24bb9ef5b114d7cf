#!/bin/sh
# As OpenWrt's CI calls it, on each architecture's emulator: test.sh PACKAGE VERSION

[ "$1" = hotspotd ] || exit 0

hotspotd --version | grep -F "$2" >/dev/null && hotspotd check >/dev/null
