"""Which language a page comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from sentinel.web import language
from sentinel.web.server import page
from tests.web.serving import serving

if TYPE_CHECKING:
    from pathlib import Path


def asking(query: str = "", **headers: str) -> web.Request:
    return make_mocked_request(
        "GET", f"/{query}", headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


@pytest.mark.parametrize(
    ("query", "headers", "chosen"),
    [
        ("?lang=en", {"Cookie": "lang=hi", "Accept_Language": "hi"}, "en"),
        ("", {"Cookie": "lang=en", "Accept_Language": "hi"}, "en"),
        ("", {"Accept_Language": "en-IN,en;q=0.9,hi;q=0.8"}, "hi"),  # as browsers are sold in India
        ("", {}, "hi"),
        ("?lang=fr", {"Cookie": "lang=en"}, "en"),
        ("?lang=%3Cscript%3E", {"Cookie": "lang=../..", "Accept_Language": ";;q=,,en;q=9"}, "hi"),
        ("?lang=", {"Cookie": "lang=", "Accept_Language": "x" * 5000 + ",en"}, "hi"),
    ],
)
def test_the_address_then_the_cookie_then_the_branch_decides(query: str, headers: dict[str, str], chosen: str) -> None:
    assert language.choose(asking(query, **headers), "hi") == chosen


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255)), st.text(max_size=300))
def test_whatever_is_asked_for_the_page_comes_in_one_of_the_two(header: str, lang: str) -> None:
    request = make_mocked_request("GET", "/", headers={"Accept-Language": header})
    request = request.clone(rel_url=request.rel_url.with_query(lang=lang.encode("utf-8", "replace").decode()))
    assert language.choose(request, "en") in language.LANGUAGES


@pytest.mark.real
async def test_the_choice_is_remembered_for_this_site_only(tmp_path: Path) -> None:
    async def show(request: web.Request) -> web.Response:
        lang = language.choose(request, "hi")
        response = page(lang)
        if language.asked(request) is not None:
            language.remember(response, lang)
        return response

    async with (
        serving(tmp_path, [web.get("/", show)]) as served,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        said = []
        for url in ("/", "/?lang=en", "/", "/?lang=xx"):
            async with session.get(served.url + url) as answer:
                said.append((await answer.text(), answer.headers.get("Set-Cookie")))
    assert [text for text, _ in said] == ["hi", "en", "en", "en"]
    assert said[1][1] == "lang=en; HttpOnly; Max-Age=31536000; Path=/; SameSite=Strict"
    assert [cookie for _, cookie in (said[0], said[2], said[3])] == [None, None, None]
