"""HTTP and RTSP Digest (RFC 7616, RFC 2617): challenges in, one `Authorization` out. Pure; keeps no password.

A header comes from a device that may be hostile: what is no proper challenge is no challenge, never an exception.
The links sign with it; whether an answer was refused is theirs to judge.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_HEADER: Final = 4096  # characters of one header; real ones have 200
MOST_HEADERS: Final = 8


class Algorithm(StrEnum):
    """The hashes that recorders offer, weakest first."""

    MD5 = "MD5"
    MD5_SESS = "MD5-sess"
    SHA_256 = "SHA-256"
    SHA_256_SESS = "SHA-256-sess"


_BY_NAME: Final = {algorithm.casefold(): algorithm for algorithm in Algorithm}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which the device lets us prove that we know the password."""

    realm: str
    nonce: str
    algorithm: Algorithm = Algorithm.MD5
    named: bool = False  # the device named the algorithm: only then is it named back, some old ones know none
    qop: bool = False  # it takes qop=auth; without, it is of RFC 2069's time
    opaque: str | None = None
    stale: bool = False  # the password was right and only the nonce too old

    def answer(self, username: str, password: str, method: str, uri: str, count: int, cnonce: str) -> str:
        """The value of `Authorization`. `count` is how often this nonce was used, this time included.

        `cnonce` stays the same for one nonce: the -sess algorithms bind their key to the first one.
        """
        secret = self._hash(f"{username}:{self.realm}:{password}")
        if self.algorithm in {Algorithm.MD5_SESS, Algorithm.SHA_256_SESS}:
            secret = self._hash(f"{secret}:{self.nonce}:{cnonce}")
        asked = self._hash(f"{method}:{uri}")
        middle = f"{self.nonce}:{count:08x}:{cnonce}:auth" if self.qop else self.nonce
        parts = [
            f"username={_quoted(username)}",
            f"realm={_quoted(self.realm)}",
            f"nonce={_quoted(self.nonce)}",
            f"uri={_quoted(uri)}",
            f'response="{self._hash(f"{secret}:{middle}:{asked}")}"',
        ]
        if self.named:
            parts.append(f"algorithm={self.algorithm}")
        if self.opaque is not None:
            parts.append(f"opaque={_quoted(self.opaque)}")
        if self.qop:
            parts += ["qop=auth", f"nc={count:08x}"]
        if self.qop or self.algorithm in {Algorithm.MD5_SESS, Algorithm.SHA_256_SESS}:
            parts.append(f"cnonce={_quoted(cnonce)}")
        return "Digest " + ", ".join(parts)

    def _hash(self, text: str) -> str:
        raw = text.encode()
        if self.algorithm in {Algorithm.SHA_256, Algorithm.SHA_256_SESS}:
            return hashlib.sha256(raw).hexdigest()
        return hashlib.md5(raw, usedforsecurity=False).hexdigest()

    @property
    def strength(self) -> tuple[bool, bool]:
        """For choosing: the hash first, then whether the device's nonce alone protects the answer."""
        return self.algorithm in {Algorithm.SHA_256, Algorithm.SHA_256_SESS}, self.qop


def challenge(headers: Iterable[str]) -> Challenge | None:
    """The strongest proper challenge in all the `WWW-Authenticate` headers of one answer; the first of equals."""
    return max(_challenges(headers), key=lambda one: one.strength, default=None)


def offers_basic(headers: Iterable[str]) -> bool:
    """Whether the device would also take the password itself."""
    return any(scheme == "basic" for scheme, _ in _schemes(headers))


def _challenges(headers: Iterable[str]) -> Iterator[Challenge]:
    for scheme, given in _schemes(headers):
        if scheme != "digest" or given is None:
            continue
        named = "algorithm" in given
        algorithm = _BY_NAME.get(given.get("algorithm", "md5").casefold())
        qops = {qop.strip().casefold() for qop in given.get("qop", "").split(",")} - {""}
        if algorithm is None or not given.get("nonce") or "realm" not in given or (qops and "auth" not in qops):
            continue
        stale = given.get("stale", "").casefold() == "true"
        yield Challenge(given["realm"], given["nonce"], algorithm, named, bool(qops), given.get("opaque"), stale)


_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PIECE = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))[ \t]*')
_SCHEME = re.compile(rf"({_WORD})(?:[ \t]+(?={_WORD}[ \t]*=)|[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)|[ \t]*(?=,|$))")
_BETWEEN = re.compile(r"[ \t,]*")
_UNFIT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")  # cannot be said back in a header


def _schemes(headers: Iterable[str]) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Each challenge's scheme in small letters, with its parameters, or None where those are broken."""
    for number, header in enumerate(headers):
        if number < MOST_HEADERS and len(header) <= LONGEST_HEADER and not _UNFIT.search(header):
            yield from _in_one(header)


def _in_one(header: str) -> Iterator[tuple[str, dict[str, str] | None]]:
    scheme = ""
    given: dict[str, str] = {}
    broken = False
    at = 0
    while at < len(header):
        at = _end(_BETWEEN.match(header, at), at)
        if at == len(header):
            break
        if piece := _PIECE.match(header, at):
            key = piece[1].casefold()
            value = re.sub(r"\\(.)", r"\1", piece[2]) if piece[2] is not None else piece[3]
            broken |= given.setdefault(key, value) != value  # said twice, and not the same
            at = piece.end()
        elif found := _SCHEME.match(header, at):
            if scheme:
                yield scheme, None if broken else given
            scheme, given, broken = found[1].casefold(), {}, False
            at = found.end()
        else:  # nothing more of this header can be understood
            broken = True
            break
    if scheme:
        yield scheme, None if broken else given


def _end(match: re.Match[str] | None, at: int) -> int:
    return match.end() if match else at


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
