# Lines of 'uci show network; uci show firewall' into rules for nft. See /etc/init.d/firewall.

function fail(text) {
	print "firewall: " text >"/dev/stderr"
	failed = 1
	exit 1
}

function known(section, options,    option) {
	for (option in has) {
		split(option, part, SUBSEP)
		if (part[1] == section && index(" " options " ", " " part[2] " ") == 0)
			fail(kind[section] " has option " part[2])
	}
}

function verdict(text) {
	text = tolower(text)
	if (text != "accept" && text != "drop" && text != "reject") fail("verdict " text)
	return text
}

function value(section, option, otherwise) {
	return (section, option) in has ? has[section, option] : otherwise
}

# The devices of a zone, as nft takes a set of them.
function devices(zone,    list, count, number, networks, names) {
	names = value(zone, "device", "")
	count = split(value(zone, "network", ""), networks, " ")
	for (number = 1; number <= count; number++) names = names " " device[networks[number]]
	count = split(names, list, " ")
	names = ""
	for (number = 1; number <= count; number++) names = names (number > 1 ? ", " : "") list[number]
	return names == "" ? "" : "{ " names " }"
}

# What a rule asks of a packet: one line for each protocol.
function emit(rule, then, before,    protocols, count, number, match_, ports, mark) {
	ports = value(rule, "dest_port", "")
	gsub(/ /, ", ", ports)
	if (value(rule, "mark", "") != "") {
		split(has[rule, "mark"], mark, "/")
		before = before " meta mark and " (2 in mark ? mark[2] : "0xffffffff") " == " mark[1]
	}
	if (value(rule, "family", "any") != "any") before = before " meta nfproto " has[rule, "family"]
	count = split(value(rule, "proto", "tcp udp"), protocols, " ")
	for (number = 1; number <= count; number++) {
		match_ = protocols[number]
		if (match_ == "all" || match_ == "any") match_ = ""
		else if (match_ == "icmp") match_ = " meta l4proto { 1, 58 }"
		else if (match_ != "tcp" && match_ != "udp") fail("proto " match_)
		else if (ports != "") match_ = " " match_ " dport { " ports " }"
		else match_ = " meta l4proto " (match_ == "tcp" ? 6 : 17)
		print "\t\t" before match_ " " then
	}
}

function rules(zone, forwards,    number, rule, dest) {
	for (number = 1; number <= sections; number++) {
		rule = section[number]
		if (kind[rule] != "rule" || value(rule, "enabled", "1") == "0") continue
		if (value(rule, "src", "") != value(zone, "name", "") && value(rule, "src", "") != "*") continue
		dest = value(rule, "dest", "")
		if ((dest != "") != forwards) continue
		if (!forwards || dest == "*") emit(rule, verdict(has[rule, "target"]), "")
		else if (dest in named) emit(rule, verdict(has[rule, "target"]), "oifname " devices(named[dest]))
	}
}

function forwardings(zone,    number, forwarding, dest) {
	for (number = 1; number <= sections; number++) {
		forwarding = section[number]
		if (kind[forwarding] != "forwarding" || value(forwarding, "enabled", "1") == "0") continue
		if (has[forwarding, "src"] != has[zone, "name"] && has[forwarding, "src"] != "*") continue
		dest = has[forwarding, "dest"]
		print "\t\t" (dest == "*" ? "" : "oifname " devices(named[dest])) " accept"
	}
}

# A chain that every zone's packets are looked at in, and what becomes of all others.
function chain(hook, policy,    number, zone) {
	print "\tchain " hook " {\n\t\ttype filter hook " hook " priority filter; policy " \
		(policy == "accept" ? "accept" : "drop")
	print "\t\tct state established,related accept"
	if (hook == "input") print "\t\tiifname lo accept"
	for (number = 1; number <= sections; number++) {
		zone = section[number]
		if (kind[zone] == "zone" && devices(zone) != "")
			print "\t\tiifname " devices(zone) " jump " hook "_" has[zone, "name"]
	}
	if (policy == "reject") print "\t\treject"
	print "\t}"
}

{
	gsub(/\047/, "")
	path = $0
	sub(/=.*/, "", path)
	text = substr($0, length(path) + 2)
	count = split(path, step, ".")
	if (step[1] == "network" && step[3] == "device") device[step[2]] = text
	if (step[1] != "firewall") next
	if (count == 2) {
		section[++sections] = step[2]
		kind[step[2]] = text
	} else has[step[2], step[3]] = text
}

END {
	if (failed) exit 1
	for (number = 1; number <= sections; number++) {
		one = section[number]
		if (kind[one] == "defaults") { known(one, "input output forward syn_flood"); defaults = one }
		else if (kind[one] == "zone") {
			known(one, "name network device input output forward masq mtu_fix")
			named[has[one, "name"]] = one
		} else if (kind[one] == "forwarding") known(one, "src dest enabled")
		else if (kind[one] == "rule") known(one, "name src dest proto dest_port mark family target enabled")
		else fail("section " kind[one])
	}
	print "table inet fw4\ndelete table inet fw4\ntable inet fw4 {"
	for (number = 1; number <= sections; number++) {
		one = section[number]
		if (kind[one] != "zone") continue
		print "\tchain input_" has[one, "name"] " {"
		rules(one, 0)
		print "\t\t" verdict(value(one, "input", value(defaults, "input", "drop"))) "\n\t}"
		print "\tchain forward_" has[one, "name"] " {"
		rules(one, 1)
		forwardings(one)
		if (devices(one) != "")
			print "\t\toifname " devices(one) " " verdict(value(one, "forward", value(defaults, "forward", "drop")))
		print "\t}"
	}
	chain("input", verdict(value(defaults, "input", "drop")))
	chain("forward", verdict(value(defaults, "forward", "drop")))
	print "\tchain srcnat {\n\t\ttype nat hook postrouting priority srcnat; policy accept"
	for (number = 1; number <= sections; number++) {
		one = section[number]
		if (kind[one] == "zone" && value(one, "masq", "0") == "1" && devices(one) != "")
			print "\t\toifname " devices(one) " masquerade"
	}
	print "\t}\n}"
}
