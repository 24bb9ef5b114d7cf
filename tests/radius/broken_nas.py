#!/usr/bin/env python3
"""A broken access point: packets that were valid once, and then were not.

broken_nas.py AUTH-PORT ACCT-PORT SECONDS SEED [PACKET…]

Takes packets in hexadecimal and sends them with bits turned round, lengths that lie, attributes
repeated, cut short or longer than a datagram ought to be. Says how many it has sent.
"""

import random
import socket
import sys
import time


def mangled(raw, chance):
    raw = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        how = chance.randrange(8)
        if how <= 2:
            at = chance.randrange(len(raw) * 8)
            raw[at // 8] ^= 1 << at % 8
        elif how == 3:
            raw = raw[: chance.randint(1, len(raw))]
        elif how == 4:
            raw += bytes(chance.randrange(256) for _ in range(chance.randint(1, 300)))
        elif how == 5 and len(raw) > 4:
            raw[2:4] = chance.choice([b"\0\0", b"\0\x13", b"\xff\xff", b"\x10\x00", b"\0\x15"])
        elif how == 6 and len(raw) > 22:
            raw[21] = chance.choice([0, 1, 2, 255])
        elif how == 7 and len(raw) > 24:
            body = raw[20:]
            raw = raw[:20] + body * chance.randint(2, 20)
            raw[2:4] = min(len(raw), 65535).to_bytes(2, "big")
    return bytes(raw[:9000])


def main(auth, acct, seconds, seed, *packets):
    chance = random.Random(int(seed))
    packets = [bytes.fromhex(packet) for packet in packets]
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
    ports = [int(auth), int(acct)]
    sent, end = 0, time.monotonic() + float(seconds)
    while time.monotonic() < end:
        for _ in range(100):
            raw = mangled(chance.choice(packets), chance)
            chance.choice(sockets).sendto(raw, ("127.0.0.1", chance.choice(ports)))
            sent += 1
        # Honest clients share this machine.
        time.sleep(0.005)
    print(sent)


if __name__ == "__main__":
    main(*sys.argv[1:])
