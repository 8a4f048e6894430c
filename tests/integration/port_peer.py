#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""port_peer.py - both ends of published ports

serve                        in the container: echo on TCP 80 (first a line with the peer's address),
                             TCP 81 over IPv4 only, UDP 90 (answers "ADDRESS PORT:DATA")
tcp HOST PORT                print that line and our own address
udp HOST PORT                the same over UDP, two datagrams
bulk HOST PORT MEGABYTES     send, read it back, compare; print "same"
many HOST PORT COUNT         connections one after another; print how many answered
open HOST PORT COUNT         hold so many until stdin ends; print "open" when they all answered
half HOST PORT               end our side first, print what still comes
"""
import hashlib
import socket
import sys
import threading

sys.setrecursionlimit(1000)


def echo(conn, peer):
    with conn:
        conn.sendall(b"peer %s %d\n" % (peer[0].encode(), peer[1]))
        while data := conn.recv(1 << 16):
            conn.sendall(data)


def listen(family, address, port):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    sock.listen(1024)
    while True:
        conn, peer = sock.accept()
        threading.Thread(target=echo, args=(conn, peer), daemon=True).start()


def answer(family, address, port):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    while True:
        data, peer = sock.recvfrom(1 << 16)
        sock.sendto(b"%s %d:" % (peer[0].encode(), peer[1]) + data, peer)


def serve():
    v4, v6 = socket.AF_INET, socket.AF_INET6
    jobs = [(listen, v4, "0.0.0.0", 80), (listen, v4, "0.0.0.0", 81), (answer, v4, "0.0.0.0", 90),
            (listen, v6, "::", 80), (answer, v6, "::", 90)]
    for job in jobs:
        threading.Thread(target=job[0], args=job[1:], daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def connect(host, port):
    sock = socket.create_connection((host, port), timeout=10)
    line = b""
    while not line.endswith(b"\n"):
        data = sock.recv(1)
        if not data:
            raise OSError("closed before the greeting")
        line += data
    return sock, line.decode().strip()


def tcp(host, port):
    sock, line = connect(host, port)
    print(line, "me %s %d" % sock.getsockname()[:2])


def udp(host, port):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect((host, port))
    for text in (b"one", b"two"):
        sock.send(text)
        print(sock.recv(1 << 16).decode(), "me %s %d" % sock.getsockname()[:2])


def bulk(host, port, megabytes):
    sock, _ = connect(host, port)
    block = hashlib.sha512(b"x").digest() * 16384
    sent, got, total = hashlib.sha256(), hashlib.sha256(), megabytes << 20

    def send():
        left = total
        while left > 0:
            sock.sendall(block[:left])
            sent.update(block[:left])
            left -= len(block)
        sock.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    count = 0
    while data := sock.recv(1 << 20):
        got.update(data)
        count += len(data)
    sender.join()
    print("same" if count == total and sent.digest() == got.digest() else "differ: %d" % count)


def many(host, port, count):
    good = 0
    for _ in range(count):
        try:
            sock, _ = connect(host, port)
            sock.close()
            good += 1
        except OSError:
            pass
    print(good)


def hold(host, port, count):
    socks = [connect(host, port)[0] for _ in range(count)]
    print("open", flush=True)
    sys.stdin.read()
    del socks


def half(host, port):
    sock, _ = connect(host, port)
    sock.sendall(b"last words")
    sock.shutdown(socket.SHUT_WR)
    text = b""
    while data := sock.recv(100):
        text += data
    print(text.decode())


def main():
    command, args = sys.argv[1], sys.argv[2:]
    jobs = {"serve": serve, "tcp": tcp, "udp": udp, "bulk": bulk, "many": many, "open": hold,
            "half": half}
    try:
        jobs[command](*[int(a) if a.isdigit() else a for a in args])
    except OSError as e:
        print("failed:", e)
        sys.exit(1)


main()
