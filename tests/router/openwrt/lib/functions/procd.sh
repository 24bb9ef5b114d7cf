# A stand-in for OpenWrt's procd.sh and for procd itself, written for tests. As with procd, 'start'
# of a running service changes nothing unless its command or its files have changed, 'stop' does not
# wait, and 'start' after it begins anew once the old process has ended.
#
# /var/run/procd/SERVICE holds the one instance that a service may have here: a file for each
# parameter, 'pid' of its process, 'supervisor' of what watches it; triggers/SERVICE the reload
# triggers, for /sbin/reload_config.

PROCD_STATE=/var/run/procd

procd_locked() {
	mkdir -p "$PROCD_STATE/triggers"
	until mkdir "$PROCD_STATE/lock" 2>/dev/null; do
		sleep 0.05
	done
	"$@"
	rmdir "$PROCD_STATE/lock"
}

# Words that a shell reads back as they are.
procd_quote() {
	local word
	for word in "$@"; do
		printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
	done
}

procd_open_service() {
	PROCD_SERVICE=$1
	PROCD_SCRIPT=/etc/init.d/$1
	PROCD_NEW=$PROCD_STATE/$1.new.$$
	PROCD_TRIGGERS=
	rm -rf "$PROCD_NEW"
}

procd_open_instance() { mkdir -p "$PROCD_NEW"; }

procd_set_param() {
	local name=$1
	shift
	case $name in
	file) md5sum "$@" >"$PROCD_NEW/file" ;;
	*) procd_quote "$@" >"$PROCD_NEW/$name" ;;
	esac
}

procd_append_param() {
	local name=$1
	shift
	procd_quote "$@" >>"$PROCD_NEW/$name"
}

# procd_add_jail NAME [FLAG…]
procd_add_jail() { procd_quote "$@" >"$PROCD_NEW/jail"; }

procd_close_instance() { return 0; }

procd_add_reload_trigger() { PROCD_TRIGGERS="$PROCD_TRIGGERS $*"; }

procd_close_service() {
	service_triggers
	procd_locked procd_take
}

procd_take() {
	local state="$PROCD_STATE/$PROCD_SERVICE"
	local triggers="$PROCD_STATE/triggers/$PROCD_SERVICE"
	local name
	: >"$triggers"
	for name in $PROCD_TRIGGERS; do
		echo "$name $PROCD_SCRIPT" >>"$triggers"
	done
	if [ ! -d "$PROCD_NEW" ]; then
		procd_end "$PROCD_SERVICE"
	elif [ ! -d "$state" ]; then
		mv "$PROCD_NEW" "$state"
		procd_supervise "$PROCD_SERVICE"
	elif [ -e "$state/stopping" ]; then
		procd_again
	elif [ ! -s "$state/pid" ]; then
		# It waits before it tries again: no need to.
		procd_again
	elif procd_differs "$state"; then
		procd_again
	else
		rm -rf "$PROCD_NEW"
	fi
}

procd_differs() {
	local name
	for name in command file jail capabilities no_new_privs; do
		[ "$(cat "$PROCD_NEW/$name" 2>/dev/null)" = "$(cat "$1/$name" 2>/dev/null)" ] || return 0
	done
	return 1
}

# The supervisor takes what is new once the process has ended.
procd_again() {
	rm -rf "$PROCD_STATE/$PROCD_SERVICE/next"
	mv "$PROCD_NEW" "$PROCD_STATE/$PROCD_SERVICE/next"
	kill -TERM "$(cat "$PROCD_STATE/$PROCD_SERVICE/supervisor")"
}

# In a session of its own, without anything of ours open: it outlives the shell that starts it, which
# may have SIGTERM ignored.
procd_supervise() {
	(
		trap - TERM
		exec setsid /lib/stand-in/supervise "$1"
	) </dev/null >/dev/null 2>&1 &
	until [ -e "$PROCD_STATE/$1/pid" ]; do
		sleep 0.05
	done
}

procd_kill() { procd_locked procd_delete "$1"; }

procd_delete() {
	rm -f "$PROCD_STATE/triggers/$1"
	procd_end "$1"
}

procd_end() {
	[ -d "$PROCD_STATE/$1" ] || return 0
	rm -rf "$PROCD_STATE/$1/next"
	: >"$PROCD_STATE/$1/stopping"
	kill -TERM "$(cat "$PROCD_STATE/$1/supervisor")"
}

procd_running() { [ -s "$PROCD_STATE/$1/pid" ]; }

# procd_send_signal SERVICE INSTANCE SIGNAL
procd_send_signal() {
	local process
	process=$(cat "$PROCD_STATE/$1/pid") && kill -"${3:-HUP}" "$process"
}
