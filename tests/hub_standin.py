"""A Hub of one folder on this machine: enough of its HTTP interface for models and data sets."""

import contextlib
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Hub(BaseHTTPRequestHandler):
    root: Path

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        asked = json.loads(self.rfile.read(length) or "{}").get("paths", [])
        repo = self._repo(urlsplit(self.path).path.split("/")[2:])
        self._send_json([self._entry(repo, p) for p in asked if (repo / p).is_file()])

    def _answer(self, *, with_body):
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
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
        return self._send(path.read_bytes(), with_body=with_body)

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

    def _send_json(self, value):
        self._send(json.dumps(value).encode(), kind="application/json")

    def _send_missing(self, code):
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, body, *, with_body=True, kind="application/octet-stream"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@contextlib.contextmanager
def serve_hub(root):
    """Serve ``root/models/owner/name`` and ``root/datasets/owner/name``; give the address for HF_ENDPOINT."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hub", (_Hub,), {"root": Path(root)}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
