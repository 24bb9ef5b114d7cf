"""Many guests behind one port, each with a device and an address of its own.

crowd.py NETWORK GATEWAY COUNT
    makes the devices and says "ready"; then for a line each asks for the portal's page at GATEWAY and
    opens a second connection over which it says nothing, and how many pages came is said; all of
    the connections are held
"""

import socket
import subprocess
import sys
import time

PORT = 8880
HANG = 30
# <asm-generic/socket.h>
SO_BINDTODEVICE = 25


def address(network, number):
    # The laboratory's leases begin with .100.
    return f"{network}.{number + 2 if number < 98 else number + 103}"


def appear(network, count):
    """Each answers for its own address only, and with its own MAC."""
    lines = []
    for number in range(count):
        lines += [
            f"link add link eth0 name m{number} type macvlan mode bridge",
            f"address add {address(network, number)}/24 dev m{number}",
            f"link set m{number} up",
        ]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    for setting, value in (("arp_ignore", 1), ("arp_announce", 2), ("rp_filter", 0)):
        for device in ["all", "eth0"] + [f"m{number}" for number in range(count)]:
            with open(f"/proc/sys/net/ipv4/conf/{device}/{setting}", "w") as file:
                file.write(str(value))


def connect(network, gateway, number):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, f"m{number}".encode())
    connection.bind((address(network, number), 0))
    connection.settimeout(HANG)
    connection.connect((gateway, PORT))
    return connection


def page(connection):
    answer = b""
    try:
        while b"</html>" not in answer and (more := connection.recv(65536)):
            answer += more
    except OSError:
        pass
    return answer.startswith(b"HTTP/1.1 200 ") and b"passcode" in answer


def main():
    network, gateway, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    appear(network, count)
    print("ready", flush=True)
    asked, idle = [], []
    for _ in sys.stdin:
        started = time.monotonic()
        for number in range(count):
            connection = connect(network, gateway, number)
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {gateway}:{PORT}\r\n\r\n".encode())
            asked.append(connection)
            idle.append(connect(network, gateway, number))
        print(f"{count} devices in {time.monotonic() - started:.2f} s", file=sys.stderr)
        print(sum(map(page, asked)), flush=True)


main()
