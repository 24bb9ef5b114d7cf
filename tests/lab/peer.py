"""One end of a flow of the laboratory.

peer.py count udp ADDRESS PORT            counts the datagrams that come in
peer.py count accept ADDRESS PORT         counts the octets of all who connect
peer.py count connect ADDRESS PORT        connects and counts the octets it is given
    says "ready", then for each line on standard input "DATAGRAMS OCTETS"

peer.py send udp ADDRESS PORT SIZE COUNT  that many datagrams, 0: without end; then says "sent COUNT"
peer.py send accept ADDRESS PORT          sends to all who connect, without end
peer.py send connect ADDRESS PORT         connects and sends, without end
    says "ready" first

peer.py ask ADDRESS COUNT                 sends that many DNS queries, and says how many were answered
peer.py echo ADDRESS PORT COUNT           sends datagrams until one comes back, and says so, or "lost"

Ends with its standard input. Paced, so that it leaves the machine to others.
"""

import os
import random
import socket
import struct
import sys
import threading
import time

PAUSE = 0.002
PIECE = 16 * 1024


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Counter:
    def __init__(self):
        self.datagrams = self.octets = 0

    def drain(self, connection):
        while True:
            data = connection.recv(65536)
            if not data:
                return
            self.datagrams += 1
            self.octets += len(data)


def accepting(address, port, serve):
    """A thread for each who connects."""
    listener = socket.create_server((address, port), family=family(address))
    ready()

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def connecting(address, port, serve):
    connection = socket.create_connection((address, port), timeout=30)
    connection.settimeout(None)
    ready()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()


def ready():
    print("ready", flush=True)


def quietly(serve):
    """A flow that is cut is no error of ours."""

    def served(connection):
        try:
            serve(connection)
        except OSError:
            pass

    return served


def count(kind, address, port):
    counter = Counter()
    serve = quietly(counter.drain)
    if kind == "accept":
        accepting(address, port, serve)
    elif kind == "connect":
        connecting(address, port, serve)
    else:
        datagrams = socket.socket(family(address), socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        datagrams.bind((address, port))
        ready()
        threading.Thread(target=serve, args=(datagrams,), daemon=True).start()
    for _ in sys.stdin:
        print(counter.datagrams, counter.octets, flush=True)


def pour(connection):
    while True:
        connection.sendall(bytes(PIECE))
        time.sleep(PAUSE)


def send(kind, address, port, *rest):
    if kind == "udp":
        threading.Thread(target=datagrams, args=(address, port, *map(int, rest)), daemon=True).start()
    else:
        {"accept": accepting, "connect": connecting}[kind](address, port, quietly(pour))
    sys.stdin.read()


def datagrams(address, port, size, number):
    sender = socket.socket(family(address), socket.SOCK_DGRAM)
    ready()
    sent = 0
    while sent < number or number == 0:
        try:
            sender.sendto(bytes(size), (address, port))
        except OSError:
            pass  # an ICMP error for an earlier one; this one counts as sent all the same
        sent += 1
        time.sleep(PAUSE)
    print("sent", sent, flush=True)


def ask(address, number):
    """Names that nobody has asked for yet, as a tunnel does it."""
    asker = socket.socket(family(address), socket.SOCK_DGRAM)
    asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    for identity in range(number):
        label = f"{random.getrandbits(200):050x}".encode()
        name = b"".join(bytes([len(part)]) + part for part in (label, b"tunnel", b"test")) + b"\0"
        header = struct.pack("!6H", identity, 0x0100, 1, 0, 0, 0)
        asker.sendto(header + name + struct.pack("!2H", 1, 1), (address, 53))
    asker.settimeout(1)
    answers = set()
    try:
        while len(answers) < number:
            answers.add(asker.recv(4096)[:2])
    except TimeoutError:
        pass
    print(len(answers), flush=True)


def echo(address, port, number):
    asker = socket.socket(family(address), socket.SOCK_DGRAM)
    asker.connect((address, port))
    asker.settimeout(0.2)
    for _ in range(number):
        try:
            asker.send(b"anybody there?")
            asker.recv(100)
            print("echoed", flush=True)
            return
        except TimeoutError:
            pass
        except OSError as refused:
            print(os.strerror(refused.errno), flush=True)
            return
    print("lost", flush=True)


def main():
    role, *words = sys.argv[1:]
    words = [int(word) if word.isdigit() else word for word in words]
    {"count": count, "send": send, "ask": ask, "echo": echo}[role](*words)


main()
