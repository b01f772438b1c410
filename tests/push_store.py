#!/usr/bin/env python3
"""A profile store for tests: push_store.py FOLDER PORT-FILE.

Keeps what it takes in FOLDER (N.url, N.headers, N.body) and answers as FOLDER/mode says: "take"
(200), "refuse" (400), "busy" (503 with Retry-After), "once" (503, then 200) or "sleep" (no answer).
"""
import http.server
import os
import sys
import time

folder = sys.argv[1]
count = 0


class Store(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(os.path.join(folder, "mode")) as file:
            mode = file.read().strip()
        with open(os.path.join(folder, "tries"), "a") as file:
            file.write(mode + "\n")
        if mode == "sleep":
            time.sleep(3)
            return
        if mode == "once":
            with open(os.path.join(folder, "mode"), "w") as file:
                file.write("take")
        if mode == "take":
            count += 1
            for part, content in (("url", self.path.encode()), ("headers", str(self.headers).encode()), ("body", body)):
                with open(os.path.join(folder, f"{count}.{part}"), "wb") as file:
                    file.write(content)
        self.send_response({"take": 200, "refuse": 400}.get(mode, 503))
        if mode in ("busy", "once"):
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(b"" if mode == "take" else b"no, thank you\n")

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
with open(sys.argv[2] + ".new", "w") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[2] + ".new", sys.argv[2])
server.serve_forever()
