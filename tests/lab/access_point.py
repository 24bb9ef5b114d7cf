"""A hostile access point: floods hotspotd with reports, each with the longest attributes there are.

access_point.py nobodies COUNT
access_point.py guest COUNT USERNAME PASSCODE
    lets one guest in, who has a right passcode, and reports the ends of so many sessions.
"""

import hashlib
import hmac
import os
import socket
import struct
import sys

SECRET = b"a secret of sixteen"
START, STOP = 1, 2


def attribute(kind, value):
    return bytes([kind, len(value) + 2]) + value


def report(number, status, username):
    """Acct-Status-Type, Acct-Session-Id, User-Name, and what only describes."""
    texts = {kind: os.urandom(120).hex()[:240].encode() for kind in (30, 31, 32, 77, 87)}
    texts[44] = (b"%08d" % number) + os.urandom(120).hex().encode()
    texts[1] = username
    body = attribute(40, struct.pack("!I", status))
    body += attribute(46, struct.pack("!I", 60))
    body += b"".join(attribute(kind, value) for kind, value in texts.items())
    head = struct.pack("!BBH", 4, number % 256, 20 + len(body))
    vector = hashlib.md5(head + bytes(16) + body + SECRET).digest()
    return head + vector + body


def request(username, password):
    vector = os.urandom(16)
    pad = hashlib.md5(SECRET + vector).digest()
    hidden = bytes(a ^ b for a, b in zip(password.ljust(16, b"\0"), pad))
    body = attribute(1, username) + attribute(2, hidden)
    head = struct.pack("!BBH", 1, 7, 20 + len(body) + 18) + vector + body + bytes([80, 18])
    return head + hmac.new(SECRET, head + bytes(16), "md5").digest()


def exchange(peer, packet):
    peer.send(packet)
    try:
        return peer.recv(4096)[0]
    except TimeoutError:
        return None


def connected(port, patience):
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(patience)
    peer.connect(("127.0.0.1", port))
    return peer


def main():
    mode, count = sys.argv[1], int(sys.argv[2])
    status, name = START, None
    if mode == "guest":
        status, name = STOP, sys.argv[3].encode()
        answer = exchange(connected(1812, 60), request(name, sys.argv[4].encode()))
        assert answer == 2, answer
    peer = connected(1813, 0.5)
    answered = 0
    for number in range(count):
        username = name or (b"nobody%06d" % number).ljust(250, b"x")
        answered += exchange(peer, report(number, status, username)) == 5
    print(answered)


main()
