"""A Hub of one folder on this machine: enough of its HTTP interface for models and data sets, and its troubles."""

import contextlib
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".parquet", ".txt")  # kept under their SHA-256, as Git LFS does
PAGE = b"<!DOCTYPE html><html><body>Log in to the network</body></html>" + b" " * 600


class _Hub(BaseHTTPRequestHandler):
    root: Path
    mode: str  # which trouble there is, or "ok"
    elsewhere: str  # an address on another host, to redirect to
    seen: list  # method, path and token of each request
    over: threading.Event

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        asked = json.loads(self.rfile.read(length) or "{}").get("paths", [])
        if self._has_trouble(with_body=True):
            return None
        repo = self._repo(urlsplit(self.path).path.split("/")[2:])
        self._send_json([self._entry(repo, p) for p in asked if (repo / p).is_file()])

    def _answer(self, *, with_body):
        self.seen.append((self.command, self.path, self.headers.get("Authorization")))
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if self._has_trouble(with_body=with_body):
            return None
        if parts == [""]:
            return self._send(b"hub", with_body=with_body)
        if parts[0] == "api":
            repo = self._repo(parts[1:])
            if not repo.is_dir():
                return self._send_missing("RepoNotFound")
            files = sorted(str(p.relative_to(repo)) for p in repo.rglob("*") if p.is_file())
            if "tree" in parts:
                below = repo / "/".join(parts[parts.index("tree") + 2 :])
                if not below.is_dir():
                    return self._send_missing("EntryNotFound")
                return self._send_json(
                    [self._entry(repo, p.relative_to(repo)) for p in sorted(below.iterdir())]
                )
            name = "/".join(parts[2:4])
            siblings = [{"rfilename": f} for f in files]
            return self._send_json({"id": name, "sha": COMMIT, "private": False, "tags": [], "downloads": 0,
                                    "siblings": siblings})  # fmt: skip
        repo = self._repo(parts if parts[0] == "datasets" else ["models", *parts])
        if "resolve" not in parts or not repo.is_dir():
            return self._send_missing("RepoNotFound")
        path = repo / "/".join(parts[parts.index("resolve") + 2 :])
        if not path.is_file():
            return self._send_missing("EntryNotFound")
        return self._send(path.read_bytes(), with_body=with_body, large=path.suffix in LARGE)

    def _repo(self, parts):
        return self.root / "/".join(parts[:3])

    def _entry(self, repo, path):
        if (repo / path).is_dir():
            return {"type": "directory", "path": str(path), "oid": "0"}
        content = (repo / path).read_bytes()
        return {
            "type": "file",
            "path": str(path),
            "size": len(content),
            "oid": hashlib.sha1(content).hexdigest(),
        }

    def _has_trouble(self, *, with_body):
        """Answer in place of the Hub where the mode is a trouble of every answer."""
        mode = self.mode
        if mode.startswith("code"):
            self.send_response(int(mode[4:7]))
            if mode.endswith("wait"):
                self.send_header("Retry-After", "3600")
            self._end(b"", kind="text/plain")
        elif mode == "silent" or (mode == "silent after /" and self.path != "/"):
            self.over.wait(300)
        elif mode == "web page":
            self.send_response(200)
            self._end(PAGE if with_body else b"", kind="text/html; charset=utf-8", length=len(PAGE))
        elif mode == "login page" and self.path != "/login":
            self._redirect("/login")
        elif mode == "login page":
            self.send_response(200)
            self._end(PAGE if with_body else b"", kind="text/html", length=len(PAGE))
        elif mode == "web page as a file":
            self._send(PAGE, with_body=with_body)
        elif mode == "redirect to itself":
            self._redirect(self.path)
        elif mode == "redirect without end":
            self._redirect(self.path + "x")
        elif mode == "garbage":
            self.wfile.write(b"\x00\x01\x02 not http at all\r\n\r\n")
        elif mode == "garbage in JSON":
            self._send(b"[[", kind="application/json", with_body=with_body)
        elif mode == "closed":
            self.close_connection = True
        elif mode == "drip of headers":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"a" * 10_000, size=1)
        else:
            return False
        self.close_connection = True
        return True

    def _redirect(self, address):
        self.send_response(302)
        self.send_header("Location", address)
        self._end(b"", kind="text/plain")

    def _drip(self, content, *, size):
        for start in range(0, len(content), size):
            self.wfile.write(content[start : start + size])
            self.wfile.flush()
            if self.over.wait(5):
                return

    def _send_json(self, value):
        self._send(json.dumps(value).encode(), kind="application/json")

    def _send_missing(self, code):
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _end(self, body, *, kind, length=None):
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, body, *, with_body=True, kind="application/octet-stream", large=False):
        start = 0
        if (asked := self.headers.get("Range")) and with_body and self.mode != "cut, no ranges":
            start = int(asked.removeprefix("bytes=").partition("-")[0])
        digest = (hashlib.sha256 if large else hashlib.sha1)(body).hexdigest()
        if self.mode == "redirect elsewhere" and "/resolve/" in self.path:  # as to a content delivery network
            self.send_response(302)
            self.send_header("Location", self.elsewhere + self.path)
            self.send_header("X-Linked-Etag", f'"{digest}"')
            self.send_header("X-Linked-Size", str(len(body)))
            self.send_header("X-Repo-Commit", COMMIT)
            return self._end(b"", kind="text/plain")
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Repo-Commit", COMMIT)
        body = body[start:]
        if self.mode == "wrong hash" and large:
            body = bytes(255 - byte for byte in body)
        if self.mode == "wrong size" and with_body and large:
            body = body + body
            self._headers_buffer = [
                line if not line.startswith(b"Content-Length") else b"Content-Length: %d\r\n" % len(body)
                for line in self._headers_buffer
            ]
        self.end_headers()
        if not with_body:
            return
        cut_once = self.mode == "cut once" and large and ("cut", self.path, None) not in self.seen
        if large and (cut_once or self.mode in ("cut", "cut, no ranges")):
            self.seen.append(("cut", self.path, None))
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif large and self.mode == "drip":
            self._drip(body, size=1_000)
        elif large and self.mode == "slow":  # 40 kB a second: slow, and healthy
            for place in range(0, len(body), 20_000):
                self.wfile.write(body[place : place + 20_000])
                time.sleep(0.5)
        elif large and self.mode == "silent in the middle":
            self.wfile.write(body[: len(body) // 2])
            self.over.wait(300)
        else:
            self.wfile.write(body)


@contextlib.contextmanager
def serve_hub(root, *, mode="ok", elsewhere=""):
    """Serve ``root/models/owner/name`` and ``root/datasets/owner/name``; yield the address for HF_ENDPOINT."""
    with run_hub(root, mode=mode, elsewhere=elsewhere) as (address, _):
        yield address


@contextlib.contextmanager
def run_hub(root, *, mode="ok", elsewhere=""):
    """Like :func:`serve_hub`, and yield the list of requests as well."""
    settings = {
        "root": Path(root),
        "mode": mode,
        "elsewhere": elsewhere,
        "seen": [],
        "over": threading.Event(),
    }
    hub = type("Hub", (_Hub,), settings)
    server = ThreadingHTTPServer(("127.0.0.1", 0), hub)
    server.handle_error = lambda *args: None  # clients that give up are what is tested
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()
