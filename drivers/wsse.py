"""Signing a SOAP envelope with a name and a password digest (WS-Security UsernameToken). Pure; the HTTP link calls it.

The driver writes MARKER where the header belongs and the time that the device believes in `HttpRequest.wsse`; who knows
the password puts the header there. `refused` tells the link when that signature was a failed login: it may come as
HTTP 400, so the status alone does not say it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

MARKER: Final = b"<!--wsse-->"
NONCE_BYTES: Final = 16

_SECEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_TOKEN = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"  # noqa: S105
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_NO = (b"NotAuthorized", b"FailedAuthentication", b"InvalidSecurityToken", b"not authorized", b"Not Authorized")


def wsse_header(user: str, password: str, created: datetime, nonce: bytes) -> bytes:
    """What takes the place of MARKER. The digest is over the nonce's own bytes, the time as written, the password."""
    at = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha1(nonce + at.encode() + password.encode(), usedforsecurity=False).digest()
    return (
        f'<Security s:mustUnderstand="1" xmlns="{_SECEXT}"><UsernameToken><Username>{escape(user)}</Username>'
        f'<Password Type="{_TOKEN}">{base64.b64encode(digest).decode()}</Password>'
        f'<Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}</Nonce>'
        f'<Created xmlns="{_UTILITY}">{at}</Created></UsernameToken></Security>'
    ).encode()


def refused(status: int, body: bytes) -> bool:
    """The answer says that the name or the password in the header was wrong."""
    return status == 401 or (status != 200 and any(word in body[:8192] for word in _NO))
