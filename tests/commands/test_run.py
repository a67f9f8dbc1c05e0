"""What `sentinel run` spares, as its own process: the memory of a branch is counted in MiB."""

from __future__ import annotations

import json
import os
import subprocess
import sys

ASKED = """
import json, os, ssl
from sentinel.commands.run import _thrift
with _thrift():
    import aiohttp.connector, frozenlist
print(json.dumps({
    "authorities": len(aiohttp.connector._SSL_CONTEXT_VERIFIED.get_ca_certs()),
    "in_python": frozenlist.FrozenList is frozenlist.PyFrozenList,
    "afterwards": [os.environ.get("SSL_CERT_FILE"), os.environ.get("FROZENLIST_NO_EXTENSIONS")],
}))
"""


def test_aiohttp_is_loaded_without_what_nobody_here_uses_and_the_environment_stays_as_it_was() -> None:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("SSL_CERT")}
    for given in ({}, {"SSL_CERT_FILE": "/etc/hostname"}):
        found = subprocess.run(
            [sys.executable, "-c", ASKED], env=environment | given, capture_output=True, text=True, check=True
        )
        assert json.loads(found.stdout) == {
            "authorities": 0,
            "in_python": True,
            "afterwards": [given.get("SSL_CERT_FILE"), None],
        }
