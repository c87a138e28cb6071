"""Takes lists of values by POST, writes them to a file by day, and answers GET with the latest of each device."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 1_000_000
directory = os.environ.get("STATE_DIRECTORY", ".")
latest = {}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, latest)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST:
            return self.answer(413, {"error": "too much at once"})
        try:
            values = json.loads(self.rfile.read(length))
            lines = []
            for value in values:
                key = f"{value['device']}/{value['quantity']}"
                kept = {"value": float(value["value"]), "time": int(value["time"])}
                lines.append(json.dumps({"key": key, **kept}))
                latest[key] = kept
        except (ValueError, TypeError, KeyError):
            return self.answer(400, {"error": "expected a list of {device, quantity, value, time}"})
        with open(os.path.join(directory, time.strftime("%Y-%m-%d.jsonl")), "a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        self.answer(200, {"taken": len(lines)})

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("", int(sys.argv[1])), Handler)
print(f"collects on port {server.server_port}")
server.serve_forever()
