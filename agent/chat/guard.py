"""Who is let in, and what every answer carries: the page's own origin alone, no frame around it, nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seewhy.agent.chat.accounts import Accounts
from seewhy.agent.chat.page import PERSON
from seewhy.agent.chat.routes import COOKIE

OPEN = ("/login", "/static/style.css")
LOCAL = ("localhost", "127.0.0.1", "[::1]")
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "font-src 'self' data:; connect-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; "
    "object-src 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """An ASGI application around the page.

    Args:
        app: the page.
        accounts: who may log in; without any, whoever is at this machine.
        hosts: names under which the page may be asked for besides this machine's own; "*" for any.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, hosts: Iterable[str] = ()) -> None:
        self._app, self._accounts, self._hosts = app, accounts, {*LOCAL, *hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused is not None:
            await refused(scope, receive, _carrying(send))
            return
        await self._app(scope, receive, _carrying(send))

    def _refused(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        host = headers.get("host", "")
        if "*" not in self._hosts and _name(host) not in self._hosts:
            return PlainTextResponse("this name is not served", 421)
        if scope["method"] not in ("GET", "HEAD") and not _own(headers, host):
            return PlainTextResponse("another site asked", 403)
        if not self._accounts:
            return None
        scope[PERSON] = person = self._accounts.person(_cookie(headers.get("cookie", "")))
        if person is not None or scope["path"] in OPEN:
            return None
        return (
            RedirectResponse("/login", 303)
            if scope["method"] == "GET" and "text/html" in headers.get("accept", "")
            else PlainTextResponse("log in", 401)
        )


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0] if not host.endswith("]") else host


def _own(headers: dict[str, str], host: str) -> bool:
    """Whether a request that changes something comes from the page itself, or from no browser."""
    origin = headers.get("origin", "")
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none") and (not origin or urlsplit(origin).netloc == host)


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _carrying(send: Send) -> Send:
    """Answers carry the page's headers, unless they have stricter ones of their own."""

    async def carry(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in own]
            if b"content-security-policy" in own:  # a document in its own frame
                added = [(name, value) for name, value in added if name != b"x-frame-options"]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return carry
