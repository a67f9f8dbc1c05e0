"""The files that pages load: read once from package folders, served under a name with the hash of their content.

A hashed address never changes and is kept by the browser for a year; the bare name is asked for again each time.
In a text file "./name" is the way to name another file of the book: it gets that file's hash, as `url` gives it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sentinel.web.server import HEADERS, Reply, refused

ASSETS = Path(__file__).with_name("assets")  # what both daemons share; each adds a folder of its own
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
TEXT = (".css", ".js")
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
_NAMED = re.compile(rb"""(?<=["'(])\./([A-Za-z0-9][A-Za-z0-9._-]*)(?=["')])""")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    content: bytes
    type: str
    hash: str


class AssetBook:
    """All files of the folders whose suffix is in TYPES. ValueError: a name twice, a "./name" that is in none."""

    def __init__(self, *folders: Path) -> None:
        self._paths: dict[str, Path] = {}
        self._assets: dict[str, Asset] = {}
        for path in (path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in TYPES):
            if path.name in self._paths:
                raise ValueError(f"{path.name} is in two folders of assets")
            self._paths[path.name] = path
        for name in self._paths:
            self._read(name, ())

    def url(self, name: str) -> str:
        """The address for pages. KeyError when there is no such file."""
        return f"/assets/{name}?{self._assets[name].hash}"

    def routes(self) -> list[web.RouteDef]:
        """GET and HEAD of every file in the book."""
        return [web.get("/assets/{name}", self._serve)]

    def _read(self, name: str, trail: tuple[str, ...]) -> Asset:
        if name in self._assets:
            return self._assets[name]
        if name in trail or name not in self._paths:
            raise ValueError(f"{trail[-1]} names ./{name}: " + ("a circle" if name in trail else "no such asset"))
        path = self._paths[name]
        content = path.read_bytes()
        if path.suffix in TEXT:
            content = _NAMED.sub(lambda found: self._hashed(found[1].decode(), (*trail, name)), content)
        self._assets[name] = Asset(content, TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])
        return self._assets[name]

    def _hashed(self, name: str, trail: tuple[str, ...]) -> bytes:
        return f"./{name}?{self._read(name, trail).hash}".encode()

    async def _serve(self, request: web.Request) -> Reply:
        asset = self._assets.get(request.match_info["name"])  # a look-up, never a path
        if asset is None:
            return refused(404, "not-found", "no such asset")
        headers = {
            **HEADERS,
            "Cache-Control": FOR_EVER if request.query_string == asset.hash else ASK_AGAIN,
            "ETag": f'"{asset.hash}"',
        }
        known = request.if_none_match or ()
        if any(tag.value in (asset.hash, "*") for tag in known):
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.content, headers={**headers, "Content-Type": asset.type})
