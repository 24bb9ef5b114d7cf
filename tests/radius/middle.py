#!/usr/bin/env python3
"""A man in the middle of a client and a server, who knows no secret (CVE-2024-3596).

middle.py PORT SERVER-PORT WAY

Passes packets on between PORT and SERVER-PORT of loopback and changes them on the way:

  nothing         as they are
  add-state       an Access-Request gets a Proxy-State: what the attack begins with
  strip           an Access-Request loses its Message-Authenticator
  strip-answer    an answer loses its Message-Authenticator
  accept          an Access-Reject is called Access-Accept
  second          an Access-Request gets a second Message-Authenticator
  turn            the attributes of an Access-Request follow one another the other way round
  flip            a bit of the hidden password is turned round

Says "ready", then a line of JSON for each packet: which way, its bytes as they came and as they
went on.
"""

import json
import select
import socket
import sys


def attributes(raw):
    at, out = 20, []
    while at < len(raw):
        out.append((raw[at], raw[at + 2 : at + raw[at + 1]]))
        at += raw[at + 1]
    return out


def packet(raw, code, pairs):
    body = b"".join(bytes([kind, len(value) + 2]) + value for kind, value in pairs)
    return bytes([code, raw[1]]) + (20 + len(body)).to_bytes(2, "big") + raw[4:20] + body


def changed(raw, way, to_server):
    code, pairs = raw[0], attributes(raw)
    unsigned = [pair for pair in pairs if pair[0] != 80]
    if to_server and code == 1:
        if way == "add-state":
            # As long as what a collision of MD5 needs.
            pairs.append((33, b"\xaa" * 200))
        elif way == "strip":
            pairs = unsigned
        elif way == "second":
            pairs.append((80, bytes(16)))
        elif way == "turn":
            pairs.reverse()
        elif way == "flip":
            pairs = [(k, bytes([v[0] ^ 1]) + v[1:] if k == 2 else v) for k, v in pairs]
    elif not to_server:
        if way == "strip-answer":
            pairs = unsigned
        elif way == "accept" and code == 3:
            code = 2
    return packet(raw, code, pairs)


def main(port, server, way):
    inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inside.bind(("127.0.0.1", int(port)))
    outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    outside.connect(("127.0.0.1", int(server)))
    client = None
    print("ready", flush=True)
    while True:
        for ready in select.select([inside, outside], [], [])[0]:
            if ready is inside:
                raw, client = inside.recvfrom(4096)
            else:
                raw = outside.recv(4096)
            sent = changed(raw, way, ready is inside)
            direction = "to server" if ready is inside else "to client"
            told = {"way": direction, "came": raw.hex(), "went": sent.hex()}
            print(json.dumps(told), flush=True)
            if ready is inside:
                outside.send(sent)
            elif client:
                inside.sendto(sent, client)


if __name__ == "__main__":
    main(*sys.argv[1:])
