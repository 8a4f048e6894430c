#!/usr/bin/python3
"""uploads.py - a registry that takes uploads, breaks the first one in the middle, and lets it go on

    uploads.py PORT BYTES LOG

On 127.0.0.1:PORT, everything in memory. The first PATCH is cut after BYTES bytes; GET on the upload's
place then says how much has arrived. A line per request goes to LOG: method, path, Content-Range.
Repositories that behave in another way:
    min     asks for chunks of at least BYTES; so do those below
    less    keeps half of each PATCH, and says so
    none    takes a PATCH and keeps nothing of it
    forget  forgets the whole upload at the second PATCH, once
    back    begins anew at every second PATCH
    small   413 for a PATCH of more than BYTES
    tiny    413 for every PATCH
"""
import hashlib, http.server, re, sys

port, limit, log = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], "w")
blobs, uploads, manifests = {}, {}, {}
state = {"cut": False, "forgot": False}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k, v)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def note(self):
        log.write(f"{self.command} {self.path} {self.headers.get('Content-Range', '-')}\n")
        log.flush()

    def body(self, size=None):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)) if size is None else size)

    def do_HEAD(self):
        self.note()
        self.answer(200 if (self.repo(), self.path.rsplit("/", 1)[1]) in blobs else 404)

    def do_POST(self):
        self.note()
        self.body()
        state["n"] = state.get("n", 0) + 1
        uploads[str(state["n"])] = b""
        more = {"OCI-Chunk-Min-Length": str(limit)} if self.repo() in ("min", "less", "none", "forget", "back") else {}
        self.answer(202, Location=f"/v2/{self.repo()}/blobs/uploads/{state['n']}", **more)

    def repo(self):
        return self.path.split("/")[2]

    def do_GET(self):
        self.note()
        key = self.path.rsplit("/", 1)[1]
        if self.path == "/v2/":
            self.answer(200)
        elif key in uploads:
            self.answer(204, Location=self.path, Range=f"0-{max(len(uploads[key]) - 1, 0)}")
        else:
            self.answer(404)

    def do_PATCH(self):
        self.note()
        key, repo = self.path.rsplit("/", 1)[1], self.repo()
        part = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", ""))
        if key not in uploads:
            return self.answer(404)
        if (int(part[1]) if part else 0) != len(uploads[key]):
            self.body()
            return self.answer(416)
        if repo == "tiny" or (repo == "small" and int(self.headers["Content-Length"]) > limit):
            self.body()
            return self.answer(413)
        if repo == "forget" and part and int(part[1]) > 0 and not state["forgot"]:
            state["forgot"] = True
            del uploads[key]
            self.body()
            return self.answer(404)
        if repo == "cut" and not state["cut"]:
            state["cut"] = True
            uploads[key] += self.body(limit)
            self.close_connection = True
            return
        body = self.body()
        if repo == "less":
            body = body[: (len(body) + 1) // 2]
        if repo == "none":
            body = b""
        uploads[key] += body
        if repo == "back" and part and int(part[1]) > 0:
            uploads[key] = b""
        self.answer(202, Location=self.path, Range=f"0-{max(len(uploads[key]) - 1, 0)}")

    def do_PUT(self):
        self.note()
        if "/manifests/" in self.path:
            manifests[self.path] = self.body()
            digest = "sha256:" + hashlib.sha256(manifests[self.path]).hexdigest()
            return self.answer(201, **{"Docker-Content-Digest": digest})
        key, digest = re.search(r"/(\d+)\?digest=(\S+)", self.path).groups()
        if "sha256:" + hashlib.sha256(uploads[key]).hexdigest() != digest:
            return self.answer(400)
        blobs[self.repo(), digest] = uploads.pop(key)
        self.answer(201)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
