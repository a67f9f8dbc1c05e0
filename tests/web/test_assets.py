"""The files that pages load, asked for over a real port as a browser and as somebody hostile would."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import aiohttp
import pytest

from sentinel.web.assets import ASSETS, AssetBook
from tests.web.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def folder(path: Path, **files: str) -> Path:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return path


async def test_every_file_of_ours_comes_with_its_kind_and_may_be_kept_for_ever(tmp_path: Path) -> None:
    book = AssetBook(ASSETS)
    kinds = {"css": "text/css", "js": "text/javascript", "woff2": "font/woff2", "txt": "text/plain"}
    async with serving(tmp_path, book.routes()) as served, aiohttp.ClientSession() as session:
        for path in ASSETS.iterdir():
            if path.suffix == ".md":
                continue
            async with session.get(served.url + book.url(path.name)) as answer:
                assert answer.status == 200
                assert answer.content_type == kinds[path.suffix[1:]]
                assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                got = await answer.read()
                assert re.sub(rb"\?[0-9a-f]{16}", b"", got) == path.read_bytes()


async def test_a_bare_or_old_address_is_asked_for_again_each_time_and_costs_nothing_when_it_is_the_same(
    tmp_path: Path,
) -> None:
    book = AssetBook(folder(tmp_path / "a", a_css="body{}"))
    async with serving(tmp_path, book.routes()) as served, aiohttp.ClientSession() as session:
        for url in ("/assets/a.css", "/assets/a.css?0000000000000000"):
            async with session.get(served.url + url) as answer:
                assert answer.status == 200
                assert answer.headers["Cache-Control"] == "no-cache"
                tag = answer.headers["ETag"]
        for known, status in ((tag, 304), (f'"x", {tag}', 304), (f"W/{tag}", 304), ("*", 304), ('"x"', 200)):
            async with session.get(served.url + "/assets/a.css", headers={"If-None-Match": known}) as answer:
                assert (answer.status, await answer.read()) == (status, b"" if status == 304 else b"body{}"), known
                assert answer.headers["ETag"] == tag
        async with session.head(served.url + book.url("a.css")) as answer:
            assert (answer.status, await answer.read(), answer.headers["Content-Length"]) == (200, b"", "6")


@pytest.mark.parametrize(
    "path",
    [
        "../server.py",
        "%2e%2e/server.py",
        "..%2fserver.py",
        "%2Fetc%2Fpasswd",
        "nothing.css",
        "README.md",
        "a.css/",
        "a.css%00",
        "",
    ],
)
async def test_nothing_but_the_files_of_the_book_can_be_had(tmp_path: Path, path: str) -> None:
    book = AssetBook(ASSETS, folder(tmp_path / "a", a_css="body{}"))
    async with serving(tmp_path, book.routes()) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(f"GET /assets/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        got = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert got.startswith(b"HTTP/1.1 404"), path
    assert b'{"error":{"code":"not-found"' in got


def test_a_file_that_names_another_changes_its_address_with_it(tmp_path: Path) -> None:
    before = AssetBook(folder(tmp_path / "a", a_css='@font-face{src:url("./b.svg")}', b_svg="<svg/>"))
    after = AssetBook(folder(tmp_path / "a", b_svg="<svg></svg>"))
    assert before.url("a.css") != after.url("a.css")


async def test_a_page_s_own_module_gets_the_shared_one_under_the_address_that_the_page_has(tmp_path: Path) -> None:
    book = AssetBook(ASSETS, folder(tmp_path / "a", page_js='import { serverNow } from "./stream.js";'))
    async with (
        serving(tmp_path, book.routes()) as served,
        aiohttp.ClientSession() as session,
        session.get(served.url + book.url("page.js")) as answer,
    ):
        assert f'"./{book.url("stream.js").removeprefix("/assets/")}"' in await answer.text()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a_js": 'import "./b.js"'}, "a.js names ./b.js: no such asset"),
        ({"a_js": 'import "./b.js"', "b_js": "import './a.js'"}, "b.js names ./a.js: a circle"),
        ({"base_css": ""}, "base.css is in two folders"),
    ],
)
def test_a_wrong_book_is_found_when_the_daemon_starts(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        AssetBook(ASSETS, folder(tmp_path / "a", **files))


def test_a_page_that_asks_for_a_file_that_is_not_there_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError):
        AssetBook(ASSETS).url("jquery.js")
