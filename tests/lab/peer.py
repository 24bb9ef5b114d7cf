"""One end of a flow of the laboratory.

peer.py count udp ADDRESS PORT [TO PORT]  counts the datagrams that come in, after sending one there
peer.py count accept ADDRESS PORT         counts what all who connect send
peer.py count connect ADDRESS PORT        connects and counts what it is sent
peer.py send udp ADDRESS PORT SIZE COUNT [SOURCE]  sends that many datagrams, 0: without end
peer.py send accept ADDRESS PORT          sends to all who connect, without end
peer.py send connect ADDRESS PORT         connects and sends, without end
    say "ready", then "PIECES OCTETS" for each line on standard input, and end with it

peer.py keep ADDRESS PORT                 connects to a web site and says "ready", then for each line
    sends a request over the same connection, and says "answered", or why not

peer.py talk tcp|udp ADDRESS PORT    says "ready", then for each line sends a DNS query over the
    same connection or socket, and says "echoed", "answered" by a name server, "lost", or why not

peer.py ask ADDRESS COUNT                 sends that many DNS queries, and says how many were answered
peer.py echo ADDRESS PORT COUNT           sends datagrams until one comes back: "echoed", or "lost"
peer.py greet ADDRESS PORT                connects, and says what it is told, or why not

Flows are paced, so that they leave the machine to others.
"""

import os
import random
import socket
import struct
import sys
import threading
import time

PAUSE = 0.001
PIECE = 8 * 1024
HANG = 30
# <asm-generic/socket.h>: beyond what net.core.rmem_max allows.
SO_RCVBUFFORCE = 33


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make_room(receiver):
    """Room for all that comes while others have the processor."""
    try:
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    except PermissionError:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)


class Flow:
    """What has passed this end."""

    def __init__(self):
        self.pieces = self.octets = 0

    def passed(self, octets):
        self.pieces += 1
        self.octets += octets

    def drain(self, peer):
        while data := peer.recv(65536):
            self.passed(len(data))

    def pour(self, peer):
        while True:
            peer.sendall(bytes(PIECE))
            self.passed(PIECE)
            time.sleep(PAUSE)

    def send_datagrams(self, address, port, size, number, source=0):
        sender = socket.socket(family(address), socket.SOCK_DGRAM)
        sender.bind(("", source))
        while number == 0 or self.pieces < number:
            try:
                sender.sendto(bytes(size), (address, port))
            except OSError:
                continue  # an ICMP error for an earlier one; this one has not been sent
            self.passed(size)
            time.sleep(PAUSE)


def beside(work, *words):
    """In a thread that ends with the program; a flow that is cut is no error of ours."""

    def quietly():
        try:
            work(*words)
        except OSError:
            pass

    threading.Thread(target=quietly, daemon=True).start()


def accept(listener, work):
    while True:
        connection, _ = listener.accept()
        beside(work, connection)


def connected(kind, address, port, work):
    if kind == "accept":
        beside(accept, socket.create_server((address, port), family=family(address)), work)
    else:
        connection = socket.create_connection((address, port), timeout=HANG)
        connection.settimeout(None)
        beside(work, connection)


def flow(role, kind, address, port, *rest):
    here = Flow()
    if kind != "udp":
        connected(kind, address, port, here.drain if role == "count" else here.pour)
    elif role == "send":
        beside(here.send_datagrams, address, port, *rest)
    else:
        datagrams = socket.socket(family(address), socket.SOCK_DGRAM)
        make_room(datagrams)
        datagrams.bind((address, port))
        if rest:
            datagrams.sendto(b"begin", tuple(rest))
        beside(here.drain, datagrams)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(here.pieces, here.octets, flush=True)


def keep(address, port):
    connection = socket.create_connection((address, port), timeout=HANG)
    print("ready", flush=True)
    for _ in sys.stdin:
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: www.example.test\r\n\r\n")
            answer = b""
            while b"</h1>" not in answer and (more := connection.recv(65536)):
                answer += more
            print("answered" if answer else "closed", flush=True)
        except OSError as error:
            print(os.strerror(error.errno) if error.errno else "no answer", flush=True)


def question(identity):
    """A name that nobody has asked for yet."""
    label = f"{random.getrandbits(200):050x}".encode()
    name = b"".join(bytes([len(part)]) + part for part in (label, b"tunnel", b"test")) + b"\0"
    header = struct.pack("!6H", identity, 0x0100, 1, 0, 0, 0)
    return header + name + struct.pack("!2H", 1, 1)


def talk_once(talker, number):
    asked = question(number)
    try:
        talker.send(asked)
        while True:
            answer = talker.recv(4096)
            if not answer:
                return "closed"
            if answer == asked:
                return "echoed"
            if answer[:2] == asked[:2]:
                return "answered"
    except TimeoutError:
        return "lost"
    except OSError as error:
        return os.strerror(error.errno)


def talk(kind, address, port):
    if kind == "tcp":
        talker = socket.create_connection((address, port), timeout=HANG)
    else:
        talker = socket.socket(family(address), socket.SOCK_DGRAM)
        talker.connect((address, port))
    # What is reset is reset at once; what is lost over UDP is asked again.
    talker.settimeout(10 if kind == "tcp" else 1)
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        print(talk_once(talker, number), flush=True)


def ask(address, number):
    """Names that nobody has asked for yet, as a tunnel does it."""
    asker = socket.socket(family(address), socket.SOCK_DGRAM)
    make_room(asker)
    for identity in range(number):
        asker.sendto(question(identity), (address, 53))
        time.sleep(PAUSE)
    asker.settimeout(10)
    answers = set()
    try:
        while len(answers) < number:
            answers.add(asker.recv(4096)[:2])
    except TimeoutError:
        pass
    print(len(answers))


def echo(address, port, number):
    asker = socket.socket(family(address), socket.SOCK_DGRAM)
    asker.connect((address, port))
    asker.settimeout(0.2)
    for _ in range(number):
        try:
            asker.send(b"anybody there?")
            asker.recv(100)
            return print("echoed")
        except TimeoutError:
            pass
    print("lost")


def greet(address, port):
    try:
        with socket.create_connection((address, port), timeout=HANG) as connection:
            connection.settimeout(10)  # who greets at all does so at once
            print(connection.recv(100).decode().strip())
    except OSError as error:
        print(os.strerror(error.errno) if error.errno else "no answer")


def main():
    role, *words = sys.argv[1:]
    words = [int(word) if word.isdigit() else word for word in words]
    if role in ("count", "send"):
        flow(role, *words)
    else:
        {"ask": ask, "echo": echo, "greet": greet, "keep": keep, "talk": talk}[role](*words)


main()
