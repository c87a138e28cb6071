"""Answers with the time and its settings, as a stand-in for whatever a Python service does."""

import json
import os
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            return self.answer({"ok": True})
        if self.path == "/":
            return self.answer({"greeting": os.environ.get("GREETING", "hello"), "time": datetime.now(timezone.utc).isoformat()})
        self.send_error(404)

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler)
print(f"service listens on port {server.server_port}")
server.serve_forever()
