"""The internet of the laboratory: web sites, two ports that greet, and echoes over UDP and TCP.

usage: internet.py PROBES; says "ready" and serves on every address, IPv4 and IPv6.
"""

import http.server
import socket
import sys
import threading
import urllib.parse

ECHO = 4000
DNS = 53


def read_probes(path):
    """What the internet answers to (host, path): status, header line, body."""
    probes = {}
    for line in open(path, encoding="utf-8"):
        if line.startswith("#"):
            continue
        _, _, url, status, header, body = line.rstrip("\n").split("\t")
        at = urllib.parse.urlsplit(url)
        probes[at.hostname, at.path] = int(status), header, body.replace("\\n", "\n").encode()
    return probes


class Site(http.server.BaseHTTPRequestHandler):
    """A probe's answer, or a page that says which one it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        host = self.headers.get("Host", "").split(":")[0]
        path = self.path.split("?")[0]
        page = f"<title>{host}</title><h1>This is {host}{path}</h1>".encode()
        status, header, body = self.server.probes.get((host, path), (200, "", page))
        self.send_response(status)
        if header:
            self.send_header(*header.split(": "))
        if status != 204:
            self.send_header("Content-Type", "text/html" if b"<" in body else "text/plain")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def log_message(self, *_):
        print(self.client_address[0], self.headers.get("Host"), self.requestline, flush=True)


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def greet(port):
    """Takes connections and says so; is no TLS and no DNS."""
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"reached\n")
        connection.close()


def echo_stream(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def echo_streams():
    listener = socket.create_server(("::", ECHO), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo_stream, args=(connection,), daemon=True).start()


def echo(family, address, port):
    """One socket a family: a socket for both would answer from the wrong address."""
    echoes = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        echoes.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    echoes.bind((address, port))
    while True:
        data, peer = echoes.recvfrom(65536)
        echoes.sendto(data, peer)


def main():
    web = Server(("::", 80), Site)
    web.probes = read_probes(sys.argv[1])
    for role in (
        (greet, 443),
        (greet, 53),
        (echo_streams,),
        (echo, socket.AF_INET, "0.0.0.0", ECHO),
        (echo, socket.AF_INET6, "::", ECHO),
        (echo, socket.AF_INET, "0.0.0.0", DNS),
        (echo, socket.AF_INET6, "::", DNS),
    ):
        threading.Thread(target=role[0], args=role[1:], daemon=True).start()
    print("ready", flush=True)
    web.serve_forever()


main()
