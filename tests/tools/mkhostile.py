#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mkhostile.py - hostile image layers: write them, or run them through an unpacker

    mkhostile.py write DIR            every case as DIR/NAME.{tar,tar.gz,tar.zst}
    mkhostile.py check UNPACK DIR     run tests/tools/unpack on each, in DIR; TAP on stdout
    mkhostile.py list                 names and what is expected of them

Each case is a tar made byte by byte and what must become of it: a tree (see tree()), or an error
with these words. It is unpacked plain, gzip and zstd, alone and above a planting layer, with all
ids and with one; with QUICK=1 in the environment each of these once. Around the staging folder are sentinels (content, inode, mode, owner, times,
xattrs), compared after every case. Numbers in the comments are those of the list in SECURITY.
What podman 5.4 and umoci 0.4 do otherwise with what is accepted here (same owners, modes, times,
xattrs, links and content for the rest): podman refuses a layer that names a path twice and both
refuse a NUL in a name (libarchive cuts it there), types 7 and Z, and GNU's old sparse files; both
keep user.overlay.* and user.fuseoverlayfs.* of the image, which an overlay obeys; podman gives a
hard link's own mode and owner to its target, takes times before 1970 as 0, and does not hide the
lower folder that a layer removes and makes anew; umoci makes device nodes as empty files.

Python's standard library only; zstd frames are written uncompressed.
"""
import gzip, hashlib, json, os, re, shutil, stat, struct, subprocess, sys, time, zlib

HOST = b"@HOST@"  # becomes the path of the sentinels


# --- tar, byte by byte ---------------------------------------------------------------------
def octal(n, width):
    return b"%0*o\0" % (width - 1, n)


def head(name=b"", typ=b"0", mode=0o644, uid=0, gid=0, size=0, mtime=1000000000, link=b"",
         magic=b"ustar\00000", major=0, minor=0, prefix=b"", raw_size=None, raw_mtime=None,
         raw_uid=None, checksum=None):
    h = bytearray(512)

    def put(at, b, width):
        h[at:at + min(len(b), width)] = b[:width]
    put(0, name, 100)
    put(100, octal(mode, 8), 8)
    put(108, raw_uid if raw_uid is not None else octal(uid, 8), 8)
    put(116, octal(gid, 8), 8)
    put(124, raw_size if raw_size is not None else octal(size, 12), 12)
    put(136, raw_mtime if raw_mtime is not None else octal(mtime, 12), 12)
    put(156, typ, 1)
    put(157, link, 100)
    put(257, magic, 8)
    put(329, octal(major, 8), 8)
    put(337, octal(minor, 8), 8)
    put(345, prefix, 155)
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % (sum(h) if checksum is None else checksum)
    return bytes(h)


def pad(data):
    return data + b"\0" * (-len(data) % 512)


def base256(n, width):
    return bytes([0x80 if n >= 0 else 0xff]) + (n & ((1 << 8 * (width - 1)) - 1)).to_bytes(width - 1, "big")


def f(name, data=b"", **kw):
    kw.setdefault("size", len(data))
    return head(name, b"0", **kw) + pad(data)


def d(name, **kw):
    kw.setdefault("mode", 0o755)
    return head(name, b"5", **kw)


def sym(name, to, **kw):
    return head(name, b"2", mode=0o777, link=to, **kw)


def hard(name, to, **kw):
    return head(name, b"1", link=to, **kw)


def wh(name):
    return f(name)


def rec(key, value):
    body = b" " + key + b"=" + value + b"\n"
    n = len(body) + 1
    while len(b"%d" % n) + len(body) != n:
        n = len(b"%d" % n) + len(body)
    return b"%d" % n + body


def pax(records, entry, typ=b"x"):
    body = b"".join(rec(k, v) for k, v in records) if isinstance(records, list) else records
    return head(b"pax", typ, size=len(body)) + pad(body) + entry


def xattr(name, value, entry):
    return pax([(b"SCHILY.xattr." + name, value)], entry)


def gnu_long(kind, text, entry):
    return head(b"././@LongLink", kind, size=len(text) + 1, magic=b"ustar  \0") + pad(text + b"\0") + entry


def gnu_sparse(name, pieces, real, data):
    h = bytearray(head(name, b"S", size=len(data), magic=b"ustar  \0"))
    for i, (off, n) in enumerate(pieces[:4]):
        h[386 + 24 * i:386 + 24 * i + 24] = b"%011o\0%011o\0" % (off, n)
    h[483:495] = b"%011o\0" % real
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h) + pad(data)


def pax_sparse(name, sparse_map, real, data):
    return pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name),
                (b"GNU.sparse.realsize", b"%d" % real)],
               f(b"GNUSparseFile.0/x", pad(sparse_map) + data))


END = b"\0" * 1024


def zstd(data, window=0x50, block=100000):
    out = struct.pack("<IBB", 0xfd2fb528, 0, window)
    pieces = [data[i:i + block] for i in range(0, len(data), block)] or [b""]
    for i, p in enumerate(pieces):
        out += struct.pack("<I", len(p) << 3 | (i == len(pieces) - 1))[:3] + p
    return out


def zstd_bomb(name, size, count):
    """@count files of @size zero bytes in 4 bytes for each 128 KiB: 100 GiB in 3 MiB"""
    block = struct.pack("<I", 128 << 10 << 3 | 1 << 1)[:3] + b"\0"
    one = struct.pack("<IBB", 0xfd2fb528, 0, 0x50) + b"%s"
    out = []
    for i in range(count):
        h = head(name % i, size=size)
        raw = struct.pack("<I", len(h) << 3)[:3] + h
        out.append(one % (raw + block * (size // (128 << 10) - 1) + bytes([block[0] | 1]) + block[1:]))
    return b"".join(out)


# --- the cases -----------------------------------------------------------------------------
CASES = []


class Case:
    def __init__(self, name, tar, tree=None, error=None, one=None, lower=None, raw=None, args=(),
                 max_rss=64, max_s=20):
        self.name, self.tar, self.tree, self.error = name, tar, tree, error
        self.one = one          # tree with one id, where it differs
        self.lower = lower      # tree when the planting layer is below, where it differs
        self.raw = raw          # the stream itself, instead of the three compressions
        self.args, self.max_rss, self.max_s = list(args), max_rss, max_s
        CASES.append(self)


def ok(name, *entries, tree, **kw):
    Case(name, b"".join(entries) + END, tree=tree, **kw)


def bad(name, *entries, error, **kw):
    Case(name, b"".join(entries) + END, error=error, **kw)


def build():
    V = f(b"ok", b"ok")                                                # something harmless first
    # 1-8 names
    bad("name-dotdot", V, f(b"../x", b"1"), error="'..' in its name")
    bad("name-dotdot-middle", V, f(b"a/../../x", b"1"), error="'..' in its name")
    ok("name-absolute", f(b"/x", b"1"), tree=["x f 1"])
    ok("name-two-slashes", f(b"//x", b"1"), tree=["x f 1"])
    bad("name-dot-dotdot", f(b"./../x", b"1"), error="'..' in its name")
    bad("name-ends-dotdot", d(b"x"), f(b"x/..", b"1"), error="'..' in its name")
    bad("name-empty", f(b"ok", b"ok"), f(b"", b"1"), error="name")
    bad("name-dot-file", V, f(b".", b"1"), error="root of a layer can only be a folder")
    ok("name-dot-folder", d(b"./", mode=0o711), f(b"./a", b"1"), tree=[". d 711", "a f 1"])
    # 9-12
    ok("name-255", pax([(b"path", b"n" * 255)], f(b"x", b"1")), tree=["n" * 255 + " f 1"])
    bad("name-256", pax([(b"path", b"n" * 256)], f(b"x", b"1")), error="over 255 bytes")
    bad("name-5000", pax([(b"path", b"/".join([b"n" * 99] * 50))], f(b"x", b"1")), error="over 4095 bytes")
    deep = "/".join(["d"] * 200)
    ok("name-200-deep", gnu_long(b"L", deep.encode(), d(b"x")),
       tree=["/".join(["d"] * i) + " d 755" for i in range(1, 201)])
    bad("name-2000-deep", gnu_long(b"L", b"d/" * 2000, d(b"x")), error="folders deep")
    ok("name-nul", pax([(b"path", b"a\0b")], f(b"x", b"1")), tree=["a f 1"])   # libarchive cuts there
    ok("name-newline", f(b"a\nb", b"1"), tree=["a\\nb f 1"])
    ok("name-escape", f(b"a\x1b[2Jb", b"1"), tree=["a\\x1b[2Jb f 1"])
    ok("name-latin1", f(b"caf\xe9", b"1"), pax([(b"path", b"\xff\xfe")], f(b"x", b"2")),
       tree=["caf\\udce9 f 1", "\\udcff\\udcfe f 2"])
    bad("name-escape-in-error", f(b"a\x1b[2J/../b"), error="a?[2J/../b")
    # 13-22 symlinks
    bad("symlink-absolute-then-file", sym(b"a", HOST), f(b"a/f", b"1"), error="leads to no folder")
    bad("symlink-absolute-victim", sym(b"a", HOST + b"/victim"), d(b"b"), sym(b"b/c", b"/a"),
        f(b"b/c/f", b"1"), error="leads to no folder")
    ok("symlink-file-overwritten", sym(b"a", HOST + b"/victim"), f(b"a", b"evil"), tree=["a f evil"])
    ok("symlink-up-then-file", sym(b"a", b"../.."), f(b"a/f", b"1"), tree=["a l ../..", "f f 1"])
    ok("symlink-in-root", d(b"usr"), d(b"usr/lib"), sym(b"lib", b"usr/lib"), f(b"lib/x", b"1"),
       tree=["lib l usr/lib", "usr d 755", "usr/lib d 755", "usr/lib/x f 1"])
    ok("symlink-in-root-absolute", d(b"usr"), sym(b"lib", b"/usr"), f(b"lib/x", b"1"), f(b"lib/d/y", b"2"),
       tree=["lib l /usr", "usr d 755", "usr/d d 755", "usr/d/y f 2", "usr/x f 1"])
    chain = [sym(b"l%d" % i, b"l%d" % (i + 1)) for i in range(45)]
    bad("symlink-chain-45", *chain, d(b"l45"), f(b"l0/f", b"1"), error="leads to no folder")
    bad("symlink-loop", sym(b"a", b"b"), sym(b"b", b"a"), f(b"a/f", b"1"), error="leads to no folder")
    bad("symlink-self", sym(b"a", b"a"), f(b"a/f", b"1"), error="leads to no folder")
    bad("symlink-proc-root", sym(b"a", b"/proc/self/root"), f(b"a/f", b"1"), error="leads to no folder")
    bad("symlink-proc-fd", sym(b"a", b"/proc/self/fd/3"), f(b"a/f", b"1"), error="leads to no folder")
    ok("symlink-proc-own", sym(b"a", b"/proc/self/fd/3"), f(b"proc/self/fd/3/x", b"1"), f(b"a/f", b"2"),
       tree=["a l /proc/self/fd/3", "proc d 755", "proc/self d 755", "proc/self/fd d 755",
             "proc/self/fd/3 d 755", "proc/self/fd/3/f f 2", "proc/self/fd/3/x f 1"])
    ok("symlink-dot", sym(b"a", b"."), f(b"a/f", b"1"), tree=["a l .", "f f 1"])
    bad("symlink-named-dot", sym(b".", HOST), f(b"f", b"1"), error="root of a layer can only be a folder")
    bad("symlink-named-slash", sym(b"/", HOST), f(b"f", b"1"), error="root of a layer can only be a folder")
    ok("symlink-replaced-by-folder", sym(b"a", HOST), d(b"a", mode=0o700), f(b"a/f", b"1"),
       tree=["a d 700", "a/f f 1"])
    bad("folder-replaced-by-symlink", d(b"a"), f(b"a/f", b"1"), d(b"a/g"), sym(b"a", HOST), f(b"a/h", b"2"),
        error="leads to no folder")
    ok("folder-replaced-by-file", d(b"a"), f(b"a/f", b"1"), d(b"a/g"), f(b"a", b"2"), tree=["a f 2"])
    ok("symlink-moved-under-cache", d(b"a"), d(b"b"), f(b"a/x", b"1"), sym(b"a", b"b"), f(b"a/y", b"2"),
       tree=["a l b", "b d 755", "b/y f 2"])
    bad("symlink-empty", sym(b"a", b""), error="target of the link is empty")
    # 23-30 hard links
    bad("hardlink-absolute", hard(b"a", HOST + b"/victim"), error="not in this layer")
    bad("hardlink-up", hard(b"a", b"../victim"), error="'..' in its name")
    bad("hardlink-through-symlink", sym(b"l", HOST), hard(b"a", b"l/victim"), error="not in this layer")
    ok("hardlink-to-symlink", sym(b"l", HOST + b"/victim"), hard(b"a", b"l", mode=0o777, uid=5),
       tree=["a l " + HOST.decode() + "/victim", "l l " + HOST.decode() + "/victim"])
    ok("hardlink-to-symlink-then-file", sym(b"l", HOST + b"/victim"), hard(b"a", b"l"),
       f(b"a", b"evil", mode=0o777), tree=["a f 777 evil", "l l " + HOST.decode() + "/victim"])
    ok("hardlink", f(b"x", b"1", mode=0o640), hard(b"y", b"x", mode=0o777), hard(b"z", b"./x"),
       tree=["x f 640 x3 1", "y f 640 x3 1", "z f 640 x3 1"])
    ok("hardlink-to-itself", f(b"x", b"1"), hard(b"x", b"x"), hard(b"x", b"./x"), tree=["x f 1"])
    ok("hardlink-over-file", f(b"x", b"1"), f(b"y", b"2"), hard(b"y", b"x"), tree=["x f x2 1", "y f x2 1"])
    bad("hardlink-to-later", hard(b"a", b"b"), f(b"b", b"1"), error="not in this layer")
    bad("hardlink-to-folder", d(b"b"), hard(b"a", b"b"), error="which is a folder")
    bad("hardlink-to-root", hard(b"a", b"/"), error="not in this layer")
    bad("hardlink-to-whiteout", wh(b".wh.b"), hard(b"a", b"b"), error="not in this layer")
    bad("hardlink-to-whiteout-name", wh(b".wh.b"), hard(b"a", b".wh.b"), error="not in this layer")
    Case("hardlink-to-lower", hard(b"a", b"lower-file") + f(b"b", b"1") + END, error="not in this layer",
         lower=["a f 4755 lower", "b f 1"])
    # 31-38 metadata
    ok("mode-7777", f(b"a", b"1", mode=0o7777), d(b"b", mode=0o7777), tree=["a f 7777 1", "b d 7777"])
    ok("owner", f(b"a", b"1", uid=7, gid=9, mode=0o4755), d(b"b", uid=7), sym(b"c", b"x", uid=7),
       tree=["a f 4755 7:9 1", "b d 755 7:0", "c l 7:0 x"],
       one=["a f 4755 1 user.rl.owner=7:9:104755", "b d 755 user.rl.owner=7:0:40755", "c l x"])
    bad("owner-max", f(b"a", b"1", raw_uid=base256(2 ** 32 - 1, 8)), error="not a valid id")
    bad("owner-above", f(b"a", b"1", raw_uid=base256(2 ** 32, 8)), error="not a valid id")
    Case("owner-unmapped-setuid", f(b"a", b"1", uid=0o7777777, mode=0o4755) + END, tree="unmapped",
         error="outside the ids", one=["a f 4755 1 user.rl.owner=2097151:0:104755"])
    ok("mtime-negative", f(b"a", b"1", raw_mtime=base256(-86400, 12)), tree=["a f 1"])
    ok("mtime-year-million", f(b"a", b"1", raw_mtime=base256(31556952000000, 12)), tree=["a f 1"])
    ok("mtime-pax-fraction", pax([(b"mtime", b"1000000000.123456789")], f(b"a", b"1")), tree=["a f 1"])
    ok("link-then-folder-mode", sym(b"a", HOST + b"/victim"), d(b"a", mode=0o777, uid=1),
       tree=["a d 777 1:0"], one=["a d 777 user.rl.owner=1:0:40777"])
    ok("link-target-folder-mode", sym(b"a", HOST), sym(b"b", b"a"), d(b"b", mode=0o777, mtime=1),
       tree=["a l " + HOST.decode(), "b d 777"])
    for x in (b"trusted.overlay.redirect", b"user.overlay.opaque", b"user.overlay.redirect",
              b"user.rl.owner", b"security.selinux", b"trusted.x", b"user.fuseoverlayfs.opaque", b"system.x"):
        ok("xattr-" + x.decode(), xattr(x, b"y", d(b"a")), xattr(x, b"y", f(b"b", b"1")),
           tree=["a d 755", "b f 1"])
    ok("xattr-user", xattr(b"user.mime", b"text", f(b"b", b"1", mode=0o400)), tree=["b f 400 1 user.mime=text"])
    cap2 = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)
    cap3 = struct.pack("<6I", 0x03000001, 1 << 13, 0, 0, 0, 1000)
    ok("capability-2", xattr(b"security.capability", cap2, f(b"b", b"1", mode=0o755)), tree=["b f 755 1 caps=2000"])
    ok("capability-3-rootid", xattr(b"security.capability", cap3, f(b"b", b"1", mode=0o755)),
       tree=["b f 755 1 caps=2000"])
    bad("capability-short", xattr(b"security.capability", b"xx", f(b"b", b"1")), error="odd size")
    bad("capability-unknown", xattr(b"security.capability", struct.pack("<5I", 0x07000001, 1, 0, 0, 0), f(b"b")),
        error="no known revision")
    bad("xattr-65k", xattr(b"user.big", b"x" * 70000, f(b"b", b"1")), error="over 65536 bytes")
    bad("xattr-10000", pax([(b"SCHILY.xattr.user.x%d" % i, b"v") for i in range(10000)], f(b"b", b"1")),
        error="more than 1024 extended attributes")
    # 39-44 types
    ok("device-char", head(b"null", b"3", major=1, minor=3, mode=0o666), V, tree=["ok f ok"],
       one=["null f 666 user.rl.owner=0:0:20666:1:3", "ok f ok"])
    ok("device-block", head(b"sda", b"4", major=8, minor=0), V, tree=["ok f ok"],
       one=["ok f ok", "sda f user.rl.owner=0:0:60644:8:0"])
    ok("device-0-0-is-no-whiteout", head(b"gone", b"3"), V, tree=["ok f ok"],
       one=["gone f user.rl.owner=0:0:20644:0:0", "ok f ok"])
    ok("fifo", head(b"p", b"6", mode=0o600), f(b"p2", b"1"), head(b"p2", b"6"), tree=["p p 600", "p2 p"])
    ok("fifo-overwritten", head(b"p", b"6"), f(b"p", b"1"), tree=["p f 1"])
    ok("contiguous", head(b"a", b"7", size=1) + pad(b"1"), tree=["a f 1"])
    ok("unknown-type", head(b"a", b"Z", size=1) + pad(b"1"), tree=["a f 1"])          # POSIX: a file
    bad("folder-with-data", d(b"a", size=3) + pad(b"xyz"), V, error="tar archive")
    ok("symlink-with-data", sym(b"a", b"ok"), V, tree=["a l ok", "ok f ok"])
    # 45-52 whiteouts
    bad("whiteout-empty", wh(b".wh."), error="whiteout of no name")
    bad("whiteout-dot", wh(b".wh.."), error="whiteout of no name")
    bad("whiteout-dotdot", wh(b".wh..."), error="whiteout of no name")
    bad("whiteout-as-folder", wh(b".wh./x"), error="through a whiteout")
    bad("whiteout-with-slash", wh(b".wh.a/b"), error="through a whiteout")
    ok("whiteout", wh(b"d/.wh.x"), tree=["d d 755", "d/x c"])
    for where in ("first", "middle", "last", "twice"):
        o, a, b = [wh(b"d/.wh..wh..opq")], [d(b"d"), f(b"d/a", b"1")], [f(b"d/b", b"2")]
        e = {"first": o + a + b, "middle": a + o + b, "last": a + b + o, "twice": o + a + o + b + o}[where]
        ok("opaque-" + where, *e, tree=["d d 755 opaque", "d/a f 1", "d/b f 2"])
    ok("opaque-root", wh(b".wh..wh..opq"), V, tree=[". d 755 opaque", "ok f ok"])
    ok("whiteout-then-file", wh(b".wh.x"), f(b"x", b"1"), tree=["x f 1"])
    ok("file-then-whiteout", f(b"x", b"1"), wh(b".wh.x"), tree=["x f 1"])
    ok("whiteout-then-folder", wh(b".wh.x"), d(b"x"), f(b"x/y", b"1"), tree=["x d 755 opaque", "x/y f 1"])
    ok("folder-then-whiteout", d(b"x"), f(b"x/y", b"1"), wh(b".wh.x"), tree=["x d 755 opaque", "x/y f 1"])
    ok("whiteout-then-implied-folder", wh(b".wh.x"), f(b"x/y", b"1"), tree=["x d 755 opaque", "x/y f 1"])
    ok("whiteout-then-below", wh(b".wh.x"), wh(b"x/.wh.y"), wh(b"x/z/.wh.w"), tree=["x c"])
    ok("whiteout-below-then-it", wh(b"x/.wh.y"), wh(b"x/z/.wh.w"), wh(b".wh.x"), tree=["x c"])
    ok("whiteout-below-then-folder", wh(b"x/.wh.y"), d(b"x", mode=0o700), wh(b".wh.x"),
       tree=["x d 700 opaque", "x/y c"])
    ok("whiteout-below-then-content", wh(b"x/z/.wh.y"), f(b"x/z/f", b"1"), wh(b".wh.x"), wh(b".wh.x"),
       tree=["x d 755 opaque", "x/z d 755", "x/z/f f 1", "x/z/y c"])
    ok("whiteout-below-file", f(b"x", b"1"), wh(b"x/.wh.y"), tree=["x f 1"])
    ok("whiteout-twice", wh(b".wh.x"), wh(b".wh.x"), tree=["x c"])
    ok("whiteout-symlink", sym(b"x", HOST), wh(b".wh.x"), tree=["x l " + HOST.decode()])
    ok("whiteout-mount-points", wh(b".wh.proc"), wh(b".wh.dev"), wh(b".wh.sys"), tree=["dev c", "proc c", "sys c"])
    ok("whiteout-aufs", d(b".wh..wh.plnk"), f(b".wh..wh.plnk/1.2", b"1"), wh(b".wh..wh.aufs"), V, tree=["ok f ok"])
    ok("hardlink-over-whiteout", wh(b".wh.x"), f(b"y", b"1"), hard(b"x", b"y"), tree=["x f x2 1", "y f x2 1"])
    bad("whiteout-through-symlink", sym(b"l", HOST), wh(b"l/.wh.victim"), error="leads to no folder")
    n = 20000
    Case("whiteouts-many", b"".join(wh(b".wh.%05d" % i) for i in range(n)) + END,
         tree=["%05d c" % i for i in range(n)])
    Case("opaque-nested-many", b"".join(wh(b"d/" * (i % 40) + b".wh..wh..opq") for i in range(20000)) + END,
         tree=[". d 755 opaque"] + ["/".join(["d"] * i) + " d 755 opaque" for i in range(1, 40)])
    bad("entries-over-limit", *[d(b"d%d" % i) for i in range(50)], error="more than 20 entries", args=["-n", "20"])
    # 53-58 sizes
    bad("size-8-eib", f(b"a", raw_size=base256(2 ** 63 - 1, 12)), error="")
    bad("size-over-stream", f(b"a", b"1", size=10 ** 6), error="")
    bad("size-base256-negative", V, f(b"a", raw_size=base256(-512, 12)), error="tar archive")
    bad("size-0-with-data", f(b"a", b"x" * 512, size=0), f(b"b", b"1"), error="tar archive")
    ok("sparse-gnu", gnu_sparse(b"s", [(1048576, 512)], 2097152, b"D" * 512), tree=["s f 2097152"])
    bad("sparse-gnu-overlap", gnu_sparse(b"s", [(4096, 512), (4096, 512)], 8192, b"D" * 1024), error="")
    bad("sparse-gnu-unsorted", gnu_sparse(b"s", [(8192, 512), (0, 512)], 16384, b"D" * 1024), error="")
    bad("sparse-gnu-beyond-size", gnu_sparse(b"s", [(1 << 20, 512)], 100, b"D" * 512), error="")
    ok("sparse-pax-1.0", pax_sparse(b"s", b"1\n4096\n3\n", 10000, b"abc"), tree=["s f 10000"])
    bad("sparse-pax-huge-map", pax_sparse(b"s", b"99999999999\n", 10000, b"abc"), error="tar archive")
    ok("pax-size-wins", pax([(b"size", b"3")], head(b"a", size=0) + pad(b"abc")), V, tree=["a f abc", "ok f ok"])
    bad("pax-record-0", pax(b"0 path=x\n", f(b"a", b"1")), error="tar archive")
    bad("pax-record-too-long", pax(b"999 path=x\n", f(b"a", b"1")), error="tar archive")
    ok("pax-path-twice", pax([(b"path", b"x1"), (b"path", b"x2")], f(b"a", b"1")), tree=["x2 f 1"])
    ok("pax-global", pax([(b"path", b"evil"), (b"comment", b"c")], f(b"a", b"1"), typ=b"g"), tree=["a f 1"])
    bad("pax-2-mib", pax([(b"comment", b"c" * (2 << 20))], f(b"a", b"1")), error="tar archive")
    bad("longname-1-gib", head(b"././@LongLink", b"L", size=1 << 30, magic=b"ustar  \0") + b"x" * 4096,
        error="tar archive")
    bad("checksum-off", V, head(b"a", checksum=1), error="tar archive")
    # 59-64 stream
    whole = f(b"a", b"1" * 700) + d(b"d") + pax([(b"path", b"long")], f(b"b", b"2")) + sym(b"s", b"a") + END
    for cut in range(0, len(whole), 512):
        Case("truncated-%d" % cut, whole[:cut], tree="any", error="")
    for cut in (1, 100, 511, 513, 700, 1300):
        Case("truncated-%d" % cut, whole[:cut], error="tar archive")
    Case("no-end-blocks", f(b"a", b"1"), tree=["a f 1"])
    Case("garbage-after-end", f(b"a", b"1") + END + os.urandom(2048), tree=["a f 1"])
    t = f(b"a", b"1" * 3000) + END
    z = gzip.compress(t, mtime=0)
    step = max(1, len(t) // 1000)
    members = b"".join(gzip.compress(t[i:i + step], mtime=0) for i in range(0, len(t), step))
    one_file = ["a f " + "1" * 3000]
    Case("gzip-1000-members", t, raw=members, tree=one_file)
    Case("gzip-garbage-after", t, raw=z + b"garbage", error="garbage after the end")
    Case("gzip-zeros-after", t, raw=z + b"\0" * 100, error="garbage after the end")
    Case("gzip-crc", t, raw=z[:-8] + bytes([z[-8] ^ 1]) + z[-7:], error="gzip")
    Case("gzip-isize", t, raw=z[:-4] + bytes([z[-4] ^ 1]) + z[-3:], error="gzip")
    Case("gzip-cut", t, raw=z[:-5], error="cut short")
    Case("gzip-cut-middle", t, raw=z[:len(z) // 2], error="")
    Case("gzip-flipped", t, raw=z[:20] + bytes([z[20] ^ 0x55]) + z[21:], error="")
    Case("zstd-skippable", t, raw=struct.pack("<II", 0x184d2a50, 5) + b"abcde" + zstd(t), tree=one_file)
    Case("zstd-two-frames", t, raw=zstd(t[:1000]) + zstd(t[1000:]), tree=one_file)
    Case("zstd-window-2-gib", t, raw=zstd(t, window=0xa8), error="zstd")
    Case("zstd-garbage-after", t, raw=zstd(t) + b"garbage", error="zstd")
    Case("zstd-cut", t, raw=zstd(t)[:-3], error="")
    Case("xz", t, raw=b"\xfd7zXZ\0" + b"\0" * 600, error="xz compression is not supported")
    Case("bzip2", t, raw=b"BZh91AY&SY" + b"\0" * 600, error="bzip2 compression is not supported")
    Case("not-a-tar", t, raw=b"<html>no layer</html>" * 100, error="tar archive")
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(zeros.compress(f(b"a%d" % i, bytes(1 << 20))) for i in range(200)) + zeros.flush()
    Case("bomb", b"", raw=bomb, error="larger than", args=["-b", str(64 << 20)])
    Case("bomb-100-gib", b"", raw=zstd_bomb(b"z%d", 512 << 20, 200), error="over the layer's limit", args=["-b", str(1 << 28)])
    Case("bomb-declared", b"", raw=gzip.compress(head(b"a", size=200 << 20)), error="over the layer's limit",
         args=["-b", str(64 << 20)])


# --- running -------------------------------------------------------------------------------
def esc(b):
    return os.fsdecode(b).encode("unicode_escape").decode().replace("\\\\", "\\")


def xattrs(path):
    out = {}
    try:
        for k in os.listxattr(path, follow_symlinks=False):
            out[k] = os.getxattr(path, k, follow_symlinks=False)
    except OSError:
        pass
    return out


def describe(path, name):
    s = os.lstat(path)
    mode, x = stat.S_IMODE(s.st_mode), xattrs(path)
    out = [esc(name)]
    if stat.S_ISDIR(s.st_mode):
        out += ["d", "%o" % mode]
    elif stat.S_ISREG(s.st_mode):
        out += ["f"] + (["%o" % mode] if mode != 0o644 else [])
    elif stat.S_ISLNK(s.st_mode):
        out += ["l"]
    elif stat.S_ISCHR(s.st_mode) and s.st_rdev == 0:
        return " ".join(out + ["c"])
    elif stat.S_ISFIFO(s.st_mode):
        out += ["p"] + (["%o" % mode] if mode != 0o644 else [])
    else:
        out += ["?%o" % s.st_mode]
    if (s.st_uid, s.st_gid) != (0, 0):
        out.append("%d:%d" % (s.st_uid, s.st_gid))
    if stat.S_ISLNK(s.st_mode):
        out.append(esc(os.readlink(path)))
    if stat.S_ISREG(s.st_mode):
        if s.st_nlink > 1:
            out.append("x%d" % s.st_nlink)
        if 0 < s.st_size < 5000:
            data = open(path, "rb").read()
            out.append(data.decode() if data.isalnum() else str(s.st_size))
        elif s.st_size:
            out.append(str(s.st_size))
            if s.st_blocks * 512 > 65536:
                out.append("not-sparse")
    if x.pop("user.overlay.opaque", None) == b"y":
        out.append("opaque")
    cap = x.pop("security.capability", None)
    if cap is not None:
        out.append("caps=%x" % struct.unpack("<I", cap[4:8]))
    for k in sorted(x):
        if k.startswith("user.") or k.startswith("trusted.") or k == "security.capability":
            out.append("%s=%s" % (k, x[k].decode(errors="backslashreplace")))
    return " ".join(out)


def tree(root):
    """One line per object: "NAME KIND [MODE] [UID:GID] [xLINKS] [CONTENT or size] [xattrs]"; the
    usual mode of files (644) and owner (0:0) are left out, the root when it is a plain 755."""
    out = []
    for path, dirs, files in os.walk(os.fsencode(root)):
        for n in dirs + files:
            p = os.path.join(path, n)
            out.append(describe(p, os.path.relpath(p, os.fsencode(root))))
    top = describe(os.fsencode(root), b".")
    if top != ". d 755":
        out.append(top)
    return sorted(out)


def fingerprint(root):
    """Everything that must not change around the staging folder."""
    out = []
    for path, dirs, files in os.walk(root):
        for n in ["."] + dirs + files:
            p = os.path.join(path, n)
            s = os.lstat(p)
            body = b""
            if stat.S_ISREG(s.st_mode):
                with open(p, "rb") as fd:
                    body = fd.read()
            out.append((p, s.st_ino, s.st_mode, s.st_uid, s.st_gid, s.st_nlink, s.st_mtime_ns, s.st_size,
                        hashlib.sha256(body).hexdigest(), sorted(xattrs(p).items())))
    return sorted(out)


def plant(base):
    host, lower = os.path.join(base, "host"), os.path.join(base, "lower")
    os.makedirs(os.path.join(host, "dir"))
    for n in ("victim", "dir/victim2"):
        with open(os.path.join(host, n), "w") as fd:
            fd.write("secret")
        os.chmod(os.path.join(host, n), 0o600)
    os.mkdir(lower)                        # what layer 2 finds below it: links in all its ways
    for n in ("a", "b", "l", "d", "x", "y"):
        os.symlink(host, os.path.join(lower, n))
    with open(os.path.join(lower, "lower-file"), "w") as fd:
        fd.write("lower")
    os.chmod(os.path.join(lower, "lower-file"), 0o4755)
    return host, lower


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        subprocess.call(["rm", "-rf", path])


def run(unpack, args, stage, lower, stream):
    src = stage + ".in"
    with open(src, "wb") as fd:
        fd.write(stream)
    with open(src, "rb") as stdin, open(stage + ".out", "w+b") as out:
        start = time.monotonic()
        p = subprocess.Popen([unpack] + args + [stage] + lower, stdin=stdin, stdout=out, stderr=out)
        p.wait()
        seconds = time.monotonic() - start
        out.seek(0)
        text = out.read().decode(errors="backslashreplace")
    os.unlink(src)
    peak = re.search(r"^peak (\d+) KiB$", text, re.M)
    return p.returncode, text, int(peak.group(1)) / 1024 if peak else 0, seconds


def verdict(case, want, mode, host, stage, res, stream):
    code, text, rss, seconds = res
    if rss > case.max_rss and "SANITIZED" not in os.environ:
        return "used %d MiB" % rss
    if seconds > case.max_s:
        return "took %.1f s" % seconds
    if code not in (0, 1, 2):
        return "exit status %d: %s" % (code, text)
    if "\x1b" in text:
        return "an escape byte reached the terminal"
    if code != 0:
        if want is not None and want != "any" and not (want == "unmapped" and mode != "one"):
            return "refused: " + text
        return None if (case.error or "") in text else "the error says: " + text
    if want == "any":
        return None
    if want is None:
        return "accepted: %r" % tree(stage)
    if want == "unmapped":
        return None if os.environ.get("ALL_IDS") else "accepted an id that is not mapped"
    digest = "sha256:" + hashlib.sha256(stream).hexdigest()
    if digest not in text:
        return "diff_id is not " + digest
    got, want = tree(stage), sorted(w.replace(HOST.decode(), host) for w in want)
    return None if got == want else "\n  got  %r\n  want %r" % ([g for g in got if g not in want][:5],
                                                                [w for w in want if w not in got][:5])


def check(unpack, base):
    build()
    n, failed = 0, 0
    host, lower = plant(base)
    before = fingerprint(host), fingerprint(lower)
    seen = set()
    for case in CASES:
        tar = case.tar
        if HOST in tar:
            tar = relink(case.tar, host.encode())
        forms = {"raw": case.raw} if case.raw is not None else \
            {"plain": tar, "gzip": gzip.compress(tar, 1, mtime=0), "zstd": zstd(tar)}
        problems = []
        for i, (form, stream) in enumerate(forms.items()):
            for j, mode in enumerate(("all", "layer2", "one")):
                if "ONLY_ONE" in os.environ and mode != "one":
                    continue  # the user has no other id
                if "QUICK" in os.environ and case.raw is None and i != j:
                    continue
                stage = os.path.join(base, "stage")
                os.mkdir(stage)
                os.chmod(stage, 0o755)
                want = case.lower if mode == "layer2" and case.lower is not None else \
                    case.one if mode == "one" and case.one is not None else case.tree
                res = run(unpack, case.args + (["-1"] if mode == "one" else []), stage,
                          [lower] if mode == "layer2" else [], stream)
                why = verdict(case, want, mode, host, stage, res, tar)
                if why:
                    problems.append("%s, %s: %s" % (form, mode, why))
                remove(stage)
                if (fingerprint(host), fingerprint(lower)) != before:
                    problems.append("%s, %s: SENTINELS CHANGED" % (form, mode))
                    before = fingerprint(host), fingerprint(lower)
        n += 1
        assert case.name not in seen, case.name
        seen.add(case.name)
        failed += bool(problems)
        print("%sok %d - %s" % ("not " if problems else "", n, case.name), flush=True)
        for p in problems:
            print("# " + p.replace("\n", "\n# "))
    print("1..%d" % n)
    return 1 if failed else 0


def relink(tar, host):
    """Put the sentinels' path into link names, keeping the checksums right."""
    out = bytearray(tar)
    for at in range(0, len(out), 512):
        b = out[at:at + 512]
        if HOST in b[157:257] and bytes(b[257:262]) == b"ustar":
            link = bytes(b[157:257]).rstrip(b"\0").replace(HOST, host)
            assert len(link) <= 100, "the folder's path is too long"
            b[157:257] = link.ljust(100, b"\0")
            b[148:156] = b" " * 8
            b[148:156] = b"%06o\0 " % sum(b)
            out[at:at + 512] = b
    return bytes(out)


def write(out):
    build()
    os.makedirs(out, exist_ok=True)
    for c in CASES:
        if c.raw is not None:
            forms = {"raw": c.raw}
        else:
            tar = relink(c.tar, b"/etc") if HOST in c.tar else c.tar
            forms = {"tar": tar, "tar.gz": gzip.compress(tar, mtime=0), "tar.zst": zstd(tar)}
        for ext, data in forms.items():
            with open(os.path.join(out, c.name + "." + ext), "wb") as fd:
                fd.write(data)
    return 0


def main(argv):
    if len(argv) == 3 and argv[1] == "write":
        return write(argv[2])
    if len(argv) == 4 and argv[1] == "check":
        return check(argv[2], os.path.abspath(argv[3]))
    if len(argv) == 2 and argv[1] == "list":
        build()
        for c in CASES:
            print(json.dumps({"name": c.name, "tree": c.tree if not isinstance(c.tree, list) or len(c.tree) < 60
                              else "%d lines" % len(c.tree), "one": c.one, "error": c.error}))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv))
