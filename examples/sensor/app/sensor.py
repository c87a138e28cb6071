"""Reads one value and reports it as JSON. What can't be reported is kept and goes with the next value that can."""

import json
import os
import socket
import sys
import time
import urllib.request

KEPT = 1000


def main(config_file):
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    waiting_file = os.path.join(os.environ.get("STATE_DIRECTORY", "."), "waiting.json")
    try:
        with open(waiting_file, encoding="utf-8") as file:
            waiting = json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        waiting = []

    with open(config["source"], encoding="utf-8") as file:
        value = float(file.read().strip()) / config["divisor"]
    name = config["name"] or socket.gethostname()
    waiting.append({"device": name, "quantity": config["quantity"], "value": value, "time": int(time.time())})
    waiting = waiting[-KEPT:]

    request = urllib.request.Request(
        config["collector"], json.dumps(waiting).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20):
            print(f"reported {len(waiting)} values, the last is {value}")
            waiting = []
    except OSError as error:
        # No failure of the unit: the collector may be away for days.
        print(f"{len(waiting)} values wait for the collector: {error}", file=sys.stderr)
    with open(waiting_file + ".new", "w", encoding="utf-8") as file:
        json.dump(waiting, file)
    os.replace(waiting_file + ".new", waiting_file)


main(sys.argv[1])
