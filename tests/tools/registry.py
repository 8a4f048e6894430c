#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves on request (SECURITY appendix B); Python's standard library only.

    registry.py DIR

DIR holds certificates: ca.crt, server.crt/.key (localhost, 127.0.0.1), expired.crt/.key,
wrongname.crt/.key. Written there: "ports" (shell assignments, when everything listens) and "log",
one JSON object per request with all its headers: a test fails when a secret shows up at a
listener that it does not belong to.

The repository's name chooses the behaviour: /v2/<behaviour>[/...]/manifests/latest. One layer of
about 1 MB, its content differs per behaviour, so that nothing is there already. User alice, password
secret-of-alice. Listeners: home (the registry, TLS), other (a foreign host, TLS), plain (http),
expired, wrongname, old (TLS 1.1 at most), cut (closes within the handshake).
"""

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import random
import re
import socket
import ssl
import struct
import sys
import tarfile
import threading
import time
import urllib.parse

USER, PASSWORD = "alice", "secret-of-alice"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
OCI = "application/vnd.oci.image."
MANIFEST, INDEX = OCI + "manifest.v1+json", OCI + "index.v1+json"
ports = {}
counts = {}  # how often a behaviour did its thing
lock = threading.Lock()
log_file = None


def count(key):
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dumps(obj):
    return json.dumps(obj, separators=(",", ":")).encode()


class Image:
    """What one behaviour serves: manifests by tag and digest, blobs by digest."""

    def __init__(self, name):
        self.name = name
        rng = random.Random(name)
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for file, data in (("name", name.encode()), ("data", self.content(rng))):
                info = tarfile.TarInfo(file)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        self.tar = raw.getvalue()
        self.layer = gzip.compress(self.tar, 1, mtime=0)
        if name == "gzip-cut":
            self.layer = self.layer[: len(self.layer) // 2]
        self.config = self.make_config()
        self.blobs = {digest(self.layer): self.layer, digest(self.config): self.config}
        self.type = MANIFEST
        self.manifest = self.make_manifest()
        self.by_digest = {digest(self.manifest): (self.type, self.manifest)}

    def content(self, rng):
        return rng.randbytes(1024) * 8192 if self.name == "fat" else rng.randbytes(1 << 20)

    def make_config(self):
        diff_ids = [digest(self.tar)]
        if self.name == "diffid-wrong":
            diff_ids = [digest(b"something else")]
        if self.name == "layer-dup":
            diff_ids *= 3
        if self.name == "diffids-more":
            diff_ids *= 2
        return dumps(
            {
                "architecture": "s390x" if self.name in ("other-arch", "index-no-arch") else "amd64",
                "os": "linux",
                "config": {"Cmd": ["/name"]},
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }
        )

    def descriptor(self, data, kind):
        return {"mediaType": OCI + kind, "digest": digest(data), "size": len(data)}

    def make_manifest(self):
        name = self.name
        layer = self.descriptor(self.layer, "layer.v1.tar+gzip")
        m = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.descriptor(self.config, "config.v1+json"),
            "layers": [layer],
        }
        if name == "foreign-urls":
            layer["mediaType"] = OCI + "layer.nondistributable.v1.tar+gzip"
            layer["urls"] = [f"https://localhost:{ports['other']}/foreign/blob"]
        elif name == "layer-dup":
            m["layers"] = [layer] * 3
        elif name == "layers-2000":
            m["layers"] = [layer] * 2000
        elif name == "layers-1e6":
            return dumps(m)[:-2] + b"," + b",".join([dumps(layer)] * 1000000) + b"]}"
        elif name == "digest-evil":
            layer["digest"] = "sha256:../../../../../../etc/passwd"
        elif name == "size-negative":
            layer["size"] = -1
        elif name == "size-huge":
            layer["size"] = 1 << 60
        elif name == "dup-keys":
            return dumps(m)[:-1] + b',"layers":[]}'
        elif name == "ambiguous":
            m["manifests"] = []
        elif name == "deep":
            return b"[" * 100000
        elif name == "nul":
            return dumps(m) + b"\0"
        elif name == "schema1":
            self.type = "application/vnd.docker.distribution.manifest.v1+prettyjws"
            return dumps({"schemaVersion": 1, "name": "x", "tag": "y", "fsLayers": [], "history": []})
        elif name == "wrong-type":
            self.type = INDEX
        elif name == "media-type-lies":
            m["mediaType"] = INDEX
        elif name == "artifact":
            m["config"]["mediaType"] = "application/vnd.example.thing+json"
        elif name == "index-no-arch":
            return self.make_index([("linux", "s390x"), ("linux", "ppc64le"), ("windows", "amd64")], dumps(m))
        elif name == "index-ok":
            return self.make_index([("linux", "s390x"), ("linux", "amd64")], dumps(m))
        elif name == "index-nested-50":
            inner = dumps(m)
            self.by_digest_early = {digest(inner): (MANIFEST, inner)}
            for _ in range(50):
                outer = self.make_index([("linux", "amd64")], inner, INDEX)
                self.by_digest_early[digest(outer)] = (INDEX, outer)
                inner = outer
            return inner
        return dumps(m)

    def make_index(self, platforms, inner, inner_type=MANIFEST):
        self.type = INDEX
        self.by_digest_early = {**getattr(self, "by_digest_early", {}), digest(inner): (inner_type, inner)}
        return dumps(
            {
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [
                    {
                        "mediaType": inner_type,
                        "digest": digest(inner),
                        "size": len(inner),
                        "platform": {"os": o, "architecture": a},
                    }
                    for o, a in platforms
                ],
            }
        )

    def find_manifest(self, target):
        if target == digest(self.manifest) or not target.startswith("sha256:"):
            return self.type, self.manifest
        return getattr(self, "by_digest_early", {}).get(target)


images = {}
uploads = {}  # bytes so far, by path


def image(name):
    with lock:
        if name not in images:
            images[name] = Image(name)
        return images[name]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle(self):
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            self.close_connection = True  # the client had enough

    # --- answers ---

    def answer(self, status, body=b"", ctype="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", ctype)
        self.send_header("Content-Length", str(len(body)))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def error(self, status, code, message="", headers=()):
        self.answer(status, dumps({"errors": [{"code": code, "message": message}]}), headers=headers)

    def reset(self):
        """RST instead of FIN."""
        self.wfile.flush()
        sock = self.connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        if isinstance(sock, ssl.SSLSocket):
            sock = socket.socket(fileno=sock.detach())
        sock.close()

    def challenge(self, value):
        self.error(401, "UNAUTHORIZED", "authentication required", [("WWW-Authenticate", value)])

    # --- requests ---

    def do_POST(self):
        n = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(min(n, 1 << 20)).decode("latin-1")
        self.do_GET()

    # --- uploads: "upload-..." in the name says what goes wrong ---

    def do_HEAD(self):
        self.log_request_line()
        self.answer(404)  # nothing that is pushed is here already

    def do_PATCH(self):
        self.take_upload()

    def do_PUT(self):
        self.take_upload()

    def take_upload(self):
        self.body = ""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.log_request_line()
        path = urllib.parse.urlsplit(self.path)
        name = re.match(r"/(?:v2|upload)/([^/]+)/", path.path).group(1)
        if self.server.role == "home" and self.headers.get("Authorization") != BASIC:
            return self.challenge('Basic realm="home"')
        if "/manifests/" in path.path:
            lie = name == "upload-manifest-lie"
            return self.answer(201, headers=[("Docker-Content-Digest", digest(b"x" if lie else data))])
        if self.command == "PATCH":
            if name == "upload-416":
                return self.error(416, "BLOB_UPLOAD_INVALID", "out of order")
            with lock:
                uploads[path.path] = uploads.get(path.path, b"") + data
            return self.answer(202, headers=[("Location", self.path)])
        want = urllib.parse.parse_qs(path.query)["digest"][0]
        if name == "upload-digest" or digest(uploads.pop(path.path, b"")) != want:
            return self.error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        return self.answer(201)

    def new_upload(self, name):
        if self.headers.get("Authorization") != BASIC:
            return self.challenge('Basic realm="home"')
        path = f"/upload/{name}/{count('upload')}"
        where = {
            "upload-foreign": f"https://localhost:{ports['other']}{path}",
            "upload-http": f"http://localhost:{ports['plain']}{path}",
            "upload-file": "file:///etc/passwd",
            "upload-cut": f"https://localhost:{ports['cut']}{path}",
            "upload-metadata": "https://169.254.169.254/latest",
            "upload-nowhere": "",
        }.get(name, path)
        return self.answer(202, headers=[("Location", where)] if where else [])

    def do_GET(self):
        self.log_request_line()
        path = urllib.parse.urlsplit(self.path).path
        m = re.fullmatch(r"/v2/(upload-[^/]+)/blobs/uploads/", path)
        if m and self.command == "POST":
            return self.new_upload(m.group(1))
        return self.get(path)

    def log_request_line(self):
        with lock:
            log_file.write(
                json.dumps(
                    {
                        "listener": self.server.role,
                        "method": self.command,
                        "path": self.path,
                        "headers": dict(self.headers.items()),
                        "body": getattr(self, "body", ""),
                    }
                )
                + "\n"
            )
            log_file.flush()

    def get(self, path):
        if path.startswith("/token/"):
            return self.token(path[7:])
        if path.startswith("/blob/"):  # where redirects lead
            name, d = path[6:].split("/", 1)
            return self.blob_bytes(image(name), image(name).blobs.get(d, b""))
        if path == "/v1/search":
            return self.search(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query))
        if path == "/v2/_catalog":
            return self.catalog(urllib.parse.urlsplit(self.path).query)
        m = re.fullmatch(r"/v2/([^/]+)(?:/[^/]+)?/(manifests|blobs|tags)/(.+)", path)
        if not m:
            return self.error(404, "NAME_UNKNOWN")
        name, kind, target = m.groups()
        if name == "nosuch":
            return self.error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if self.authorise(name, kind):
            return None
        if kind == "tags":
            return self.tags(name)
        if kind == "manifests":
            return self.manifest(name, target)
        return self.blob(name, target)

    # --- searches: "v1..." is answered by the old search, anything else by the catalog alone ---

    def search(self, query):
        term = query.get("q", [""])[0]
        if not term.startswith("v1"):
            return self.error(404, "UNSUPPORTED")
        if term == "v1-garbage":
            return self.answer(200, b'{"results":[{"name":7}]}')
        found = [
            {"name": f"{term}/app{i}", "description": f"number {i}: " + "long " * 20, "star_count": i,
             "is_official": i == 3, "is_automated": False}
            for i in range(int(query.get("n", ["25"])[0]) + 5)
        ]
        found[0]["description"] = "\x1b[2Jtwo\nlines"
        return self.answer(200, dumps({"num_results": len(found), "results": found}))

    def catalog(self, query):
        if "page" in query:
            return self.answer(200, dumps({"repositories": ["team/second"]}))
        link = '</v2/_catalog?page=2>; rel="next"'
        return self.answer(200, dumps({"repositories": ["team/first", "other"]}), headers=[("Link", link)])

    # --- who are you ---

    def token(self, name):
        if name == "token-403":
            return self.error(403, "DENIED", "no token for you")
        if name == "token-html":
            return self.answer(200, b"<html>", "text/html")
        if name == "token-evil":
            return self.answer(200, dumps({"token": "a\r\nX-Injected: yes"}))
        if name == "token-needs-login" and self.headers.get("Authorization") != BASIC:
            return self.error(401, "UNAUTHORIZED", "who are you")
        if name == "token-refresh" and "refresh_token=identity-of-alice" not in getattr(self, "body", ""):
            return self.error(401, "UNAUTHORIZED", "no refresh token")
        return self.answer(200, dumps({"token": f"token-{name}-{count('token-' + name)}", "expires_in": 60}))

    def authorise(self, name, kind):
        """True: answered."""
        auth = self.headers.get("Authorization", "")
        own = f"https://localhost:{ports['home']}"
        realm = f'Bearer realm="{own}/token/{name}",service="home",scope="repository:{name}:pull"'
        if name in ("bearer", "token-403", "token-html", "token-evil", "token-needs-login", "token-refresh", "scope-more"):
            if name == "scope-more":
                realm = realm.replace(":pull", ":pull,push,delete")
            if not auth.startswith("Bearer token-"):
                self.challenge(realm)
                return True
        elif name == "401-loop":
            self.challenge(realm)
            return True
        elif name in ("401-foreign-realm", "401-foreign-private"):
            if not auth.startswith("Bearer token-") or name.endswith("private"):
                self.challenge(realm.replace(own, f"https://localhost:{ports['other']}").replace(
                    name + '"', ("token-403" if name.endswith("private") else name) + '"', 1))
                return True
        elif name == "401-http-realm":
            self.challenge(realm.replace(own, f"http://localhost:{ports['plain']}"))
            return True
        elif name == "401-userinfo-realm":
            self.challenge(realm.replace("https://", "https://x@"))
            return True
        elif name == "401-garbage":
            self.challenge('Bearer realm="https://unterminated')
            return True
        elif name == "token-expires-mid-pull":
            if not auth.startswith("Bearer token-"):
                self.challenge(realm)
                return True
            if auth.endswith("-1") and kind == "blobs":
                self.challenge(realm + ',error="invalid_token"')
                return True
        elif name == "basic" and auth != BASIC:
            self.challenge('Basic realm="home"')
            return True
        elif name == "ansi":
            self.error(403, "DENIED", "\x1b[2J\x1b]0;owned\x07look\r\nError: fake")
            return True
        elif name == "403":
            self.error(403, "DENIED", "requested access to the resource is denied")
            return True
        return False

    # --- documents ---

    def tags(self, name):
        page = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("page")
        if name == "tags-link-foreign" and not page:
            link = f'<https://localhost:{ports["other"]}/v2/{name}/tags/list?page=2>; rel="next"'
            return self.answer(200, dumps({"name": name, "tags": ["one"]}), headers=[("Link", link)])
        if name == "tags-evil":
            return self.answer(200, dumps({"name": name, "tags": ["../../x"]}))
        if name == "tags-pages" and not page:
            link = f'</v2/{name}/tags/list?page=2>; rel="next"'
            return self.answer(200, dumps({"name": name, "tags": ["one"]}), headers=[("Link", link)])
        return self.answer(200, dumps({"name": name, "tags": ["two" if page else "one"]}))

    def manifest(self, name, target):
        if name == "html200":
            return self.answer(200, b"<html><body>Please log in to this hotel's network", "text/html")
        if name == "slow-headers":
            time.sleep(30)
        if name.startswith("429-") and (name == "429-1e9" or count(name) == 1):
            after = name[4:]
            if after == "1e9":
                after = "1000000000"
            if after == "date":
                after = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 1))
            return self.error(429, "TOOMANYREQUESTS", "slow down", [("Retry-After", after)] if after != "none" else [])
        if name == "500-then-ok" and count(name) <= 2:
            return self.error(500, "UNKNOWN", "oops")
        if name == "503-always":
            return self.error(503, "UNAVAILABLE", "down for ever")
        if name == "header-64k":
            return self.answer(200, b"{}", MANIFEST, [(f"X-{i}", "y" * 8000) for i in range(20)])
        if name == "manifest-1gib":
            self.send_response(200)
            self.send_header("Content-Type", MANIFEST)
            self.send_header("Content-Length", str(1 << 30))
            self.end_headers()
            for _ in range(1024):
                self.wfile.write(b" " * (1 << 20))
            return None
        found = image(name).find_manifest(target)
        if not found:
            return self.error(404, "MANIFEST_UNKNOWN")
        ctype, body = found
        headers = [("Docker-Content-Digest", digest(body))]
        if name == "wrong-digest-header":
            headers = [("Docker-Content-Digest", digest(b"another"))]
        if name == "evil-digest-header":
            headers = [("Docker-Content-Digest", "sha256:../../x")]
        if name == "no-type":
            ctype = "application/octet-stream"
        return self.answer(200, body, ctype, headers)

    # --- blobs ---

    def blob(self, name, target):
        img = image(name)
        data = img.blobs.get(target)
        if data is None or (name == "layer-404" and data is img.layer):
            return self.error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if name.startswith("redirect-"):
            return self.redirect(name[9:], img, target)
        if data is img.config:
            return self.answer(200, data + b" " if name == "wrong-digest-config" else data, "application/octet-stream")
        return self.blob_bytes(img, data)

    def redirect(self, how, img, target):
        where = {
            "same": f"/blob/{img.name}/{target}",
            "cross": f"https://localhost:{ports['other']}/blob/{img.name}/{target}",
            "http": f"http://localhost:{ports['plain']}/blob/{img.name}/{target}",
            "loop": self.path,
            "metadata-ip": "https://169.254.169.254/latest/meta-data/",
            "file": "file:///etc/passwd",
            "userinfo": f"https://alice:x@localhost:{ports['other']}/blob/{img.name}/{target}",
            "none": "",
        }[how]
        return self.answer(307, headers=[("Location", where)] if where else [])

    def blob_bytes(self, img, data):
        name = img.name
        if data is not img.layer:
            return self.answer(200, data, "application/octet-stream")
        start, status, etag = 0, 200, '"' + digest(data) + '"'
        m = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if name == "etag-changes":
            etag = f'"{count(name)}"'
        if_range = self.headers.get("If-Range")
        if m and name != "range-ignored" and if_range in (None, etag):
            start, status = int(m.group(1)), 206
        if name == "wrong-digest":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if name == "long":
            data += b"more"
        if name == "length-lies":
            data = data[:-10]
        body = data[start:]
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("ETag", etag)
        if status == 206:
            at = 0 if name == "range-wrong" else start
            self.send_header("Content-Range", f"bytes {at}-{len(data) - 1}/{len(data)}")
        return self.send_body(name, body, count("blob-" + name))

    def send_body(self, name, body, nth):
        if name in ("long", "chunked-bad", "short-chunked", "h1-smuggle"):
            self.send_header("Transfer-Encoding", "chunked")
            if name == "h1-smuggle":
                self.send_header("Content-Length", "5")
            self.end_headers()
            if name == "short-chunked":
                body = body[: len(body) // 2]
            self.wfile.write(b"%x\r\n" % len(body) + body)
            self.wfile.write(b"\r\nzz\r\n" if name == "chunked-bad" else b"\r\n0\r\n\r\n")
            self.close_connection = True
            return None
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        if name == "stall":
            self.wfile.write(body[:half])
            self.wfile.flush()
            time.sleep(30)
            self.close_connection = True
        elif name.startswith("slow-"):
            rate = int(name[5:])
            for i in range(0, len(body), max(rate // 20, 1)):
                self.wfile.write(body[i : i + max(rate // 20, 1)])
                self.wfile.flush()
                time.sleep(0.05)
        elif name == "reset-always" or (
            name in ("reset-once", "range-ignored", "range-wrong", "etag-changes") and nth == 1
        ):
            self.wfile.write(body[:half] if name != "reset-always" else body[:1000])
            self.reset()
        elif name == "reset-many" and len(body) > 1:
            self.wfile.write(body[: len(body) // 3 + 100000])
            self.wfile.flush()
            self.close_connection = True
        elif name == "short" and nth == 1:
            self.wfile.write(body[:half])
            self.wfile.flush()
            self.close_connection = True
        else:
            self.wfile.write(body)
        return None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 50

    def __init__(self, role, context=None, cut=False):
        super().__init__(("127.0.0.1", 0), Handler)
        self.role, self.context, self.cut = role, context, cut
        ports[role] = self.server_address[1]

    def finish_request(self, request, client_address):
        if self.cut:
            request.recv(100)  # some of the client's hello
            request.close()
            return
        if self.context:
            request.settimeout(60)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return
        self.RequestHandlerClass(request, client_address, self)

    def handle_error(self, request, client_address):
        pass


def tls(folder, name):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key"))
    return c


def main():
    global log_file
    folder = sys.argv[1]
    log_file = open(os.path.join(folder, "log"), "a", encoding="utf-8")
    old = tls(folder, "server")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    servers = [
        Server("home", tls(folder, "server")),
        Server("other", tls(folder, "server")),
        Server("plain"),
        Server("expired", tls(folder, "expired")),
        Server("wrongname", tls(folder, "wrongname")),
        Server("old", old),
        Server("cut", cut=True),
    ]
    for s in servers:
        threading.Thread(target=s.serve_forever, daemon=True).start()
    tmp = os.path.join(folder, "ports.tmp")
    with open(tmp, "w", encoding="utf-8") as f:
        f.writelines(f"{role}={port}\n" for role, port in ports.items())
    os.rename(tmp, os.path.join(folder, "ports"))
    threading.Event().wait()


main()
