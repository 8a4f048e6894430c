#!/usr/bin/python3
"""uploads.py - a registry that takes uploads, breaks the first one in the middle, and lets it go on

    uploads.py PORT BYTES LOG

On 127.0.0.1:PORT, everything in memory. The first PATCH is cut after BYTES bytes; GET on the upload's
place then says how much has arrived. A line per request goes to LOG: method, path, Content-Range.
"""
import hashlib, http.server, re, sys

port, limit, log = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], "w")
blobs, uploads, manifests = {}, {}, {}
state = {"cut": False}


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
        self.answer(200 if self.path.rsplit("/", 1)[1] in blobs else 404)

    def do_POST(self):
        self.note()
        self.body()
        uploads[str(len(uploads))] = b""
        self.answer(202, Location=f"/v2/x/blobs/uploads/{len(uploads) - 1}")

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
        key = self.path.rsplit("/", 1)[1]
        part = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", ""))
        if (int(part[1]) if part else 0) != len(uploads[key]):
            self.answer(416)
        elif not state["cut"]:
            state["cut"] = True
            uploads[key] += self.body(limit)
            self.close_connection = True
        else:
            uploads[key] += self.body()
            self.answer(202, Location=self.path)

    def do_PUT(self):
        self.note()
        if "/manifests/" in self.path:
            manifests[self.path] = self.body()
            digest = "sha256:" + hashlib.sha256(manifests[self.path]).hexdigest()
            return self.answer(201, **{"Docker-Content-Digest": digest})
        key, digest = re.search(r"/(\d+)\?digest=(\S+)", self.path).groups()
        if "sha256:" + hashlib.sha256(uploads[key]).hexdigest() != digest:
            return self.answer(400)
        blobs[digest] = uploads.pop(key)
        self.answer(201)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
