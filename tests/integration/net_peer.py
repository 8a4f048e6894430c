#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""net_peer.py - the other side of net_loop.sh: servers on the "internet", and clients in the box

  serve ADDR...          TCP echo (greets with the client's address) and UDP echo on port 7000
  dns ADDR ANSWER [HOW]  name server for A queries, UDP and TCP port 53. HOW: servfail, forge (wrong
                         id, wrong question and wrong port first), big (TXT of 3000 bytes, truncated
                         over UDP as far as EDNS asks), slow (0.6 s), only:DOMAIN (NXDOMAIN for names
                         that are not below it)
  tcp ADDR PORT          connect, print greeting and echo
  udp ADDR PORT [N]      N datagrams, print how many came back
  ask NAME SERVER [tcp] [edns SIZE] [type N]
                         print "rcode N tc N answers N bytes N TEXT ms N"
  pipeline SERVER N NAME N queries over one TCP connection, in one write and with its end behind them;
                         print "answers N in order yes"
"""
import os, select, socket, struct, sys, threading, time


def family(addr):
    return socket.AF_INET6 if ':' in addr else socket.AF_INET


def sock(addr, port, kind):
    s = socket.socket(family(addr), kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    return s


def thread(f, *args):
    threading.Thread(target=f, args=args, daemon=True).start()


def tcp_echo(c, peer):
    c.sendall(f'hello {peer[0]}\n'.encode())
    while data := c.recv(65536):
        c.sendall(data)
    c.close()


def tcp_serve(s, handler):
    s.listen(64)
    while True:
        thread(handler, *s.accept())


def udp_echo(s):
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


def serve(addrs):
    for a in addrs:
        thread(tcp_serve, sock(a, 7000, socket.SOCK_STREAM), tcp_echo)
        thread(udp_echo, sock(a, 7000, socket.SOCK_DGRAM))
    print('ready', flush=True)
    threading.Event().wait()


def question_end(q):
    i = 12
    while q[i]:
        i += 1 + q[i]
    return i + 5


def name_of(q):
    i, name = 12, ''
    while q[i]:
        name += '.' + q[i + 1:i + 1 + q[i]].decode()
        i += 1 + q[i]
    return name


def dns_answer(q, answer, how, room):
    end = question_end(q)
    head, question = q[:2], q[12:end]
    if how == 'servfail':
        return head + struct.pack('>HHHHH', 0x8182, 1, 0, 0, 0) + question
    if how.startswith('only:') and how[5:] not in name_of(q):
        return head + struct.pack('>HHHHH', 0x8183, 1, 0, 0, 0) + question
    if how == 'big':
        text = b''.join(bytes([200]) + b'x' * 200 for _ in range(15))
        rr = b'\xc0\x0c' + struct.pack('>HHIH', 16, 1, 0, len(text)) + text
    else:
        rr = b'\xc0\x0c' + struct.pack('>HHIH', 1, 1, 0, 4) + socket.inet_aton(answer)
    full = head + struct.pack('>HHHHH', 0x8180, 1, 1, 0, 0) + question + rr
    if len(full) > room:
        return head + struct.pack('>HHHHH', 0x8380, 1, 0, 0, 0) + question
    return full


def edns_room(q):
    end = question_end(q)
    if len(q) > end + 10 and q[end] == 0 and q[end + 1:end + 3] == b'\x00\x29':
        return struct.unpack('>H', q[end + 3:end + 5])[0]
    return 512


def dns_udp(s, answer, how):
    while True:
        q, peer = s.recvfrom(65536)
        if how == 'slow':
            time.sleep(0.6)
        a = dns_answer(q, answer, how, edns_room(q))
        if how == 'forge':
            bad = dns_answer(q, '203.0.113.66', '', 512)
            s.sendto(bytes([bad[0] ^ 1]) + bad[1:], peer)
            s.sendto(bad[:14] + bytes([bad[14] ^ 1]) + bad[15:], peer)
            with socket.socket(s.family, socket.SOCK_DGRAM) as other:
                other.sendto(bad, peer)
        s.sendto(a, peer)


def exactly(c, n):
    data = b''
    while len(data) < n and (piece := c.recv(n - len(data))):
        data += piece
    return data


def dns_tcp(answer, how, c, _peer):
    while len(n := exactly(c, 2)) == 2:
        a = dns_answer(exactly(c, struct.unpack('>H', n)[0]), answer, how, 65535)
        c.sendall(struct.pack('>H', len(a)) + a)
    c.close()


def dns(addr, answer, how=''):
    tcp = sock(addr, 53, socket.SOCK_STREAM)
    thread(tcp_serve, tcp, lambda c, p: dns_tcp(answer, how, c, p))
    thread(dns_udp, sock(addr, 53, socket.SOCK_DGRAM), answer, how)
    print('ready', flush=True)
    threading.Event().wait()


def tcp(addr, port):
    c = socket.create_connection((addr, int(port)), 3)
    f = c.makefile('rb')
    greeting = f.readline().decode().strip()
    payload = os.urandom(300000)
    thread(c.sendall, payload)
    print(greeting, 'echo', 'same' if f.read(len(payload)) == payload else 'DIFFERENT')


def udp(addr, port, n='1'):
    n, got = int(n), set()
    s = socket.socket(family(addr), socket.SOCK_DGRAM)
    s.connect((addr, int(port)))
    s.settimeout(1.5)
    for i in range(n):
        s.send(struct.pack('>I', i) + b'x' * (i % 1000))
    try:
        while len(got) < n:
            got.add(struct.unpack('>I', s.recv(65536)[:4])[0])
    except (TimeoutError, ConnectionError) as e:
        print(e)
    print('back', len(got))


def ask(name, server, *opts):
    opts, size, qtype = list(opts), 0, 1
    if 'edns' in opts:
        size = int(opts[opts.index('edns') + 1])
    if 'type' in opts:
        qtype = int(opts[opts.index('type') + 1])
    q = os.urandom(2) + struct.pack('>HHHHH', 0x0100, 1, 0, 0, 1 if size else 0)
    q += b''.join(bytes([len(p)]) + p.encode() for p in name.split('.')) + b'\0'
    q += struct.pack('>HH', qtype, 1)
    if size:
        q += b'\0' + struct.pack('>HHIH', 41, size, 0, 0)
    t = time.monotonic()
    if 'tcp' in opts:
        c = socket.create_connection((server, 53), 3)
        c.sendall(struct.pack('>H', len(q)) + q)
        a = exactly(c, struct.unpack('>H', exactly(c, 2))[0])
    else:
        s = socket.socket(family(server), socket.SOCK_DGRAM)
        s.connect((server, 53))
        s.settimeout(6)
        s.send(q)
        a = s.recv(65536)
    ms = (time.monotonic() - t) * 1000
    flags, _, answers = struct.unpack('>HHH', a[2:8])
    text = socket.inet_ntoa(a[-4:]) if answers and qtype == 1 and not size else '-'
    print(f'rcode {flags & 15} tc {flags >> 9 & 1} answers {answers} bytes {len(a)} {text} '
          f'id {"same" if a[:2] == q[:2] else "WRONG"} ms {ms:.0f}')


def pipeline(server, n, name):
    body = struct.pack('>HHHHH', 0x0100, 1, 0, 0, 0)
    body += b''.join(bytes([len(p)]) + p.encode() for p in name.split('.')) + b'\0\0\1\0\1'
    c = socket.create_connection((server, 53), 3)
    c.settimeout(10)
    c.sendall(b''.join(struct.pack('>HH', 2 + len(body), i) + body for i in range(int(n))))
    c.shutdown(socket.SHUT_WR)
    ids = []
    while len(size := exactly(c, 2)) == 2:
        ids.append(struct.unpack('>H', exactly(c, struct.unpack('>H', size)[0])[:2])[0])
    print('answers', len(ids), 'in order', 'yes' if ids == sorted(ids) else 'NO')


if __name__ == '__main__':
    what, args = sys.argv[1], sys.argv[2:]
    try:
        serve(args) if what == 'serve' else {'dns': dns, 'tcp': tcp, 'udp': udp, 'ask': ask, 'pipeline': pipeline}[what](*args)
    except OSError as e:
        print('failed:', e)
        sys.exit(1)
