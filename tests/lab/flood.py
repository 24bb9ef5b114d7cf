"""Frames that make a router remember something, from a guest of the laboratory.

flood.py KIND COUNT ROUTER-MAC ROUTER [SOURCE]  sends that many frames by eth0, each with another sender
    arp        requests for ROUTER; the sender inside is invented
    solicit    neighbour solicitations for ROUTER from invented addresses
    advertise  neighbour advertisements to ROUTER, from the address SOURCE
    syn        TCP connections to port 80 of ROUTER from ports in turn, or from invented IPv6 addresses
    discover   DHCP requests of invented clients
    dns        questions from the address SOURCE
    udp        datagrams to ROUTER from the address SOURCE, to ports in turn
    ping       echo requests for ROUTER from invented IPv6 addresses of the /64 of SOURCE
    unasked    echo replies for ROUTER that nobody has asked for, likewise, with a hop limit of 1

A kind with `-macs` behind it invents the source MAC of each frame as well, as a host on a cable can.
Paced at about two thousand a second; says how many seconds it took.
"""

import ipaddress
import os
import socket
import struct
import sys
import time

PAUSE = 0.0005
QUESTION = b"\7network\4test\0" + struct.pack("!2H", 1, 1)


def octets(mac):
    return bytes.fromhex(mac.replace(":", ""))


def own_mac():
    with open("/sys/class/net/eth0/address", encoding="ascii") as file:
        return octets(file.read().strip())


def invented_mac(number):
    return b"\x02\x09\x00" + number.to_bytes(3, "big")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def packet(source, target, protocol, body, at, hops=64):
    """An IP packet; the checksum of its body is at this place."""
    pseudo = source + target + struct.pack("!LL", len(body), protocol)
    body = body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2 :]
    if len(source) == 16:
        return struct.pack("!LHBB", 6 << 28, len(body), protocol, hops) + source + target + body
    head = struct.pack("!BBHLBBH", 0x45, 0, 20 + len(body), 0, hops, protocol, 0) + source + target
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def udp(source, target, ports, data):
    return packet(source, target, 17, struct.pack("!4H", *ports, 8 + len(data), 0) + data, 6)


class Flood:
    def __init__(self, router_mac, router, source=None):
        self.mac, self.router_mac = own_mac(), octets(router_mac)
        self.router = ipaddress.ip_address(router).packed
        self.source = ipaddress.ip_address(source).packed if source else None

    def invented(self, number):
        if len(self.router) == 16:
            return (self.source or self.router)[:8] + b"\x09" + number.to_bytes(7, "big")
        return b"\x0a" + number.to_bytes(3, "big")

    def frame(self, kind, payload, target=None):
        return (target or self.router_mac) + self.mac + struct.pack("!H", kind) + payload

    def ip(self, payload, target=None):
        return self.frame(0x86DD if len(self.router) == 16 else 0x0800, payload, target)

    def arp(self, number):
        sender = invented_mac(number) + self.invented(number)
        request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + sender + bytes(6) + self.router
        return self.frame(0x0806, request, b"\xff" * 6)

    def solicit(self, number):
        group = ipaddress.ip_address("ff02::1:ff00:0").packed[:13] + self.router[13:]
        body = struct.pack("!BBHL", 135, 0, 0, 0) + self.router + b"\1\1" + invented_mac(number)
        asked = packet(self.invented(number), group, 58, body, 2, 255)
        return self.ip(asked, b"\x33\x33" + group[12:])

    def advertise(self, number):
        body = struct.pack("!BBHL", 136, 0, 0, 0x60000000) + self.source + b"\2\1" + self.mac
        return self.ip(packet(self.source, self.router, 58, body, 2, 255))

    def syn(self, number):
        source = self.source or self.invented(number)
        ports = 10000 + number % 50000, 80
        body = struct.pack("!HHLLBBHHH", *ports, number, 0, 0x50, 2, 8192, 0, 0)
        return self.ip(packet(source, self.router, 6, body, 16))

    def discover(self, number):
        body = struct.pack("!4BLHH", 1, 1, 6, 0, number, 0, 0x8000) + bytes(16)
        body += invented_mac(number) + bytes(202) + b"\x63\x82\x53\x63\x35\1\1\xff"
        everybody = udp(bytes(4), b"\xff" * 4, (68, 67), body + bytes(60))
        return self.ip(everybody, b"\xff" * 6)

    def dns(self, number):
        data = struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + QUESTION
        return self.ip(udp(self.source, self.router, (5353, 53), data))

    def udp(self, number):
        return self.ip(udp(self.source, self.router, (5353, 10000 + number % 50000), b"flood"))

    def ping(self, number, kind=128, hops=64):
        body = struct.pack("!BBHHH", kind, 0, 0, number & 0xFFFF, 1) + b"flood"
        return self.ip(packet(self.invented(number), self.router, 58, body, 2, hops))

    def unasked(self, number):
        return self.ping(number, 129, 1)


def main():
    kind, count, *where = sys.argv[1:]
    flood = Flood(*where)
    kind, _, macs = kind.partition("-")
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind(("eth0", 0))
    begun = time.monotonic()
    # Others than those of the run before.
    first = int.from_bytes(os.urandom(2), "big") << 7
    for number in range(first, first + int(count)):
        if macs:
            flood.mac = invented_mac(number)
        sender.send(getattr(flood, kind)(number))
        time.sleep(PAUSE)
    print(time.monotonic() - begun)


main()
