# A stand-in for OpenWrt's /lib/functions.sh, written for tests: reading configurations, and what
# every package's postinst and prerm do.

config_load() {
	[ -z "$IPKG_INSTROOT" ] || return 0
	CONFIG_PACKAGE=$1
}

# config_get VARIABLE SECTION OPTION [DEFAULT]
config_get() {
	local value_
	value_=$(uci -q get "$CONFIG_PACKAGE.$2.$3")
	eval "$1=\${value_:-\$4}"
}

# config_get_bool VARIABLE SECTION OPTION [DEFAULT]
config_get_bool() {
	local text_
	config_get text_ "$2" "$3" "$4"
	case $text_ in
	1 | on | true | yes | enabled) text_=1 ;;
	0 | off | false | no | disabled) text_=0 ;;
	*) text_=$4 ;;
	esac
	eval "$1=\$text_"
}

package_services() { grep -s '^/etc/init.d/' "$IPKG_INSTROOT/usr/lib/opkg/info/$1.list"; }

run_defaults() {
	local script
	for script in $(grep -s '^/etc/uci-defaults/' "/usr/lib/opkg/info/$1.list"); do
		# Those that succeed are not run again.
		([ -f "$script" ] && cd "${script%/*}" && . "$script") && rm -f "$script"
	done
	uci commit
}

# Both are called as: default_postinst $0 $@, in PACKAGE.postinst.
default_postinst() {
	local package status=0 script
	package=$(basename "${1%.*}")
	[ -n "$IPKG_INSTROOT" ] || run_defaults "$package"
	if [ -f "$IPKG_INSTROOT/usr/lib/opkg/info/$package.postinst-pkg" ]; then
		(. "$IPKG_INSTROOT/usr/lib/opkg/info/$package.postinst-pkg")
		status=$?
	fi
	for script in $(package_services "$package"); do
		if [ -n "$IPKG_INSTROOT" ]; then
			/bin/sh "$IPKG_INSTROOT/etc/rc.common" "$IPKG_INSTROOT$script" enable
		else
			[ "$PKG_UPGRADE" = 1 ] || "$script" enable
			"$script" start
		fi
	done
	return $status
}

default_prerm() {
	local package status=0 script
	package=$(basename "${1%.*}")
	if [ -f "$IPKG_INSTROOT/usr/lib/opkg/info/$package.prerm-pkg" ]; then
		(. "$IPKG_INSTROOT/usr/lib/opkg/info/$package.prerm-pkg")
		status=$?
	fi
	for script in $(package_services "$package"); do
		if [ -n "$IPKG_INSTROOT" ]; then
			/bin/sh "$IPKG_INSTROOT/etc/rc.common" "$IPKG_INSTROOT$script" disable
		else
			[ "$PKG_UPGRADE" = 1 ] || "$script" disable
			"$script" stop
		fi
	done
	return $status
}
