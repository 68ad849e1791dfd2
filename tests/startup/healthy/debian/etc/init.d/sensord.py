#!/usr/bin/env python3
"""Publishes the values of sensors."""
### BEGIN INIT INFO
# Provides:          sensord
# Default-Start:     2 3 4 5
### END INIT INFO
import base64
import json
import subprocess
import sys
import urllib.request

CONFIG = json.load(open("/etc/sensord.json"))


def values():
    out = subprocess.run(["sensors", "-j"], capture_output=True, check=True).stdout
    return json.loads(out)


def send(data):
    auth = base64.b64encode(f"{CONFIG['user']}:{CONFIG['password']}".encode()).decode()
    request = urllib.request.Request(
        CONFIG["url"],
        data=json.dumps(data).encode(),
        headers={"Authorization": "Basic " + auth},
    )
    urllib.request.urlopen(request, timeout=10).read()


if __name__ == "__main__":
    if sys.argv[1:] == ["start"]:
        subprocess.Popen(["/usr/local/bin/sensord-loop"], stdout=open("/tmp/sensord.log", "w"))
