"""Connections that are answered and stay open, as a guest with a server of his own makes them.

hold.py ADDRESS PORT COUNT...  connects to an echo that often for each COUNT, says "open" when all were
    answered, and waits for a line before the next COUNT. Before each but the first, it sends something by
    the connection that it made first. Ends with its input.
"""

import socket
import sys


def exchange(connection):
    connection.sendall(b"?")
    assert connection.recv(1) == b"?"


def main():
    address, port, *counts = sys.argv[1:]
    connections = []
    for count in counts:
        if connections:
            exchange(connections[0])
        for _ in range(int(count)):
            connections.append(socket.create_connection((address, int(port)), 30))
            exchange(connections[-1])
        print("open", connections[0].getsockname()[1], flush=True)
        if not sys.stdin.readline():
            return


main()
