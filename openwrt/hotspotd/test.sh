#!/bin/sh
# As the CI of OpenWrt's packages calls it, on the emulator of each architecture:
# test.sh PACKAGE VERSION

[ "$1" != hotspotd ] || hotspotd --version | grep -F "$2" >/dev/null
