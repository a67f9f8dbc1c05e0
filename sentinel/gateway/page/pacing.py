"""HTML made a little at a time: a page in a storm of incidents never holds the loop that alarms run on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from htpy import Element

BLOCK_S = 0.003  # then everybody else has a turn


async def made(element: Element) -> Markup:
    """The element as HTML. Its generators are run as they are reached, so that a card or a row is a piece of its own."""
    chunks: list[str] = []
    began = time.perf_counter()
    for chunk in element.iter_chunks():
        chunks.append(chunk)
        if time.perf_counter() - began > BLOCK_S:
            await asyncio.sleep(0)
            began = time.perf_counter()
    return Markup("".join(chunks))  # noqa: S704 - htpy has escaped it
