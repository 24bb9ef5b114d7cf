#!/usr/bin/env python3
"""An access point made of pyrad: asks, reports, and hears Disconnect-Requests.

nas.py SERVER AUTH-PORT ACCT-PORT ORDERS-PORT SECRET ADDRESS

Says that it is ready, then takes one JSON object a line and answers with one:

  {"do": "ask", "attributes": {…}}             an Access-Request; the answer's code and attributes
  {"do": "report", "attributes": {…}}          an Accounting-Request
  {"do": "obey", "how": "ack" | "ignore" | "nak", "cause": 503 | null, "after": 2,
   "forged": true}                             what to do with orders from now on; so many first
                                               ones are ignored, and answers may be signed wrong
  {"do": "heard"}                              every order so far
"""

import hashlib
import hmac
import json
import os
import select
import socket
import sys
import time

from pyrad import packet
from pyrad.dictionary import Dictionary

HERE = os.path.dirname(os.path.abspath(__file__))
DICTIONARY = Dictionary(os.path.join(HERE, "dictionary"))
ZEROES = bytes(16)


def plain(attributes):
    """Attributes as JSON has them: octets in hexadecimal."""
    out = {}
    for name in attributes.keys():
        values = attributes[name] if isinstance(name, str) else ["?"]
        out[str(name)] = [v.hex() if isinstance(v, bytes) else v for v in values]
    return out


def order_of_attributes(raw):
    """The numbers of the attributes, as they follow one another."""
    at, numbers = 20, []
    while at < len(raw):
        numbers.append(raw[at])
        at += raw[at + 1]
    return numbers


def without_authenticator(raw):
    """The packet with Message-Authenticator zeroed, and what stood there."""
    at, zeroed, given = 20, bytearray(raw), None
    while at < len(raw):
        if raw[at] == 80:
            given = raw[at + 2 : at + 18]
            zeroed[at + 2 : at + 18] = ZEROES
        at += raw[at + 1]
    return bytes(zeroed), given


class AccessPoint:
    def __init__(self, server, auth_port, acct_port, orders_port, secret, address):
        self.server, self.secret = server, secret.encode()
        self.ports = {"ask": int(auth_port), "report": int(acct_port)}
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.bind((address, 0))
        self.orders = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.orders.bind((address, int(orders_port)))
        self.how = {"how": "ack"}
        self.heard = []

    def request(self, kind, attributes):
        """An Access-Request or Accounting-Request as bytes."""
        if kind == "ask":
            it = packet.AuthPacket(secret=self.secret, dict=DICTIONARY, id=packet.CreateID())
            it.authenticator = packet.AuthPacket.CreateAuthenticator()
            it["Message-Authenticator"] = ZEROES
        else:
            it = packet.AcctPacket(secret=self.secret, dict=DICTIONARY, id=packet.CreateID())
        for name, value in attributes.items():
            if name == "User-Password":
                value = it.PwCrypt(value)
            elif name == "Class":
                value = bytes.fromhex(value)
            it[name] = value
        raw = it.RequestPacket()
        if kind == "ask":
            mac = hmac.new(self.secret, raw, hashlib.md5).digest()
            at = raw.index(b"\x50\x12" + ZEROES)
            raw = raw[: at + 2] + mac + raw[at + 18 :]
        return it, raw

    def exchange(self, kind, attributes):
        it, raw = self.request(kind, attributes)
        for _ in range(5):
            self.client.sendto(raw, (self.server, self.ports[kind]))
            until = time.monotonic() + 4
            while time.monotonic() < until:
                self.listen(self.client, until - time.monotonic())
                ready = select.select([self.client], [], [], 0)[0]
                if not ready:
                    continue
                answer = self.client.recv(4096)
                reply = it.CreateReply(packet=answer)
                if it.VerifyReply(reply, answer):
                    numbers = order_of_attributes(answer)
                    return {"code": reply.code, "attributes": plain(reply), "order": numbers}
        return {"code": None}

    def listen(self, other, seconds):
        """Hears orders until there is something on the other socket."""
        ready = select.select([other, self.orders], [], [], max(0, seconds))[0]
        if self.orders in ready:
            self.order(*self.orders.recvfrom(4096))
        return other in ready

    def order(self, raw, source):
        it = packet.CoAPacket(packet=raw, secret=self.secret, dict=DICTIONARY)
        zeroed, given = without_authenticator(raw)
        # RFC 5176 section 3.2: the authenticator counts as zeroes here, as in accounting.
        unstamped = zeroed[:4] + ZEROES + zeroed[20:]
        signed = given and given == hmac.new(self.secret, unstamped, hashlib.md5).digest()
        self.heard.append(
            {
                "code": it.code,
                "id": it.id,
                "port": source[1],
                "at": time.time(),
                "authentic": bool(it.VerifyCoARequest()),
                "signed": signed,
                "attributes": plain(it),
            }
        )
        how = self.how
        if how["how"] == "ignore" or len(self.heard) <= how.get("after", 0):
            return
        reply = it.CreateReply()
        reply.code = packet.DisconnectACK if how["how"] == "ack" else packet.DisconnectNAK
        if how.get("cause"):
            reply["Error-Cause"] = how["cause"]
        if how.get("forged"):
            reply.secret = b"somebody else's"
        self.orders.sendto(reply.ReplyPacket(), source)

    def serve(self):
        print(json.dumps("ready"), flush=True)
        while True:
            if not self.listen(sys.stdin, 3600):
                continue
            line = sys.stdin.readline()
            if not line:
                return
            asked = json.loads(line)
            if asked["do"] == "obey":
                self.how = asked
                answer = {}
            elif asked["do"] == "heard":
                answer = {"heard": self.heard}
            else:
                answer = self.exchange(asked["do"], asked["attributes"])
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    AccessPoint(*sys.argv[1:]).serve()
