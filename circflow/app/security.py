"""Who gets in: the person who started the app, from the browser that was opened for them.

* A random token in the opened address, kept in a cookie that other sites cannot use.
* The `Host` must be this machine's own name with our port: a foreign name that resolves to this
  machine (DNS rebinding) is refused.
* What changes anything must come from our own pages: `Origin` (or `Sec-Fetch-Site`) is looked at.
* Pages may run our own script files and nothing else, and ask nobody but us.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "circflow"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-src 'self'; "
    "frame-ancestors 'self'; base-uri 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_SAFE = ("GET", "HEAD")


class TooMuchError(Exception):
    """A request that is larger than the app takes."""


class Gate:
    """Lets in who has the token; everybody else gets 401 or 403 and learns nothing."""

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str], most: int) -> None:
        """`most`: bytes of the largest request that is taken."""
        self.app, self.token, self.most = app, token, most
        self.hosts = frozenset(hosts)
        self.origins = frozenset(f"http://{host}" for host in self.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        answer = self._refusal(request) or self._entry(request)
        if answer is not None:
            answer.headers.update(HEADERS)
            await answer(scope, receive, send)
            return
        try:
            await self.app(scope, self._bounded(receive), _with_headers(send))
        except TooMuchError:
            answer = PlainTextResponse("more than the app takes", 413, headers=HEADERS)
            await answer(scope, receive, send)

    def _bounded(self, receive: Receive) -> Receive:
        """No more of a body than is taken."""
        size = 0

        async def receiving() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.most:
                raise TooMuchError
            return message

        return receiving

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("host", "") not in self.hosts:
            return PlainTextResponse("this address is not the app's own", 403)
        if request.method in _SAFE:
            return None
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        if origin is not None and origin not in self.origins:
            return PlainTextResponse("the request comes from another site", 403)
        if origin is None and site not in ("same-origin", "none"):
            return PlainTextResponse("the request does not say where it comes from", 403)
        return None

    def _entry(self, request: Request) -> Response | None:
        if self._is_token(request.cookies.get(COOKIE, "")):
            return None
        if request.method in _SAFE and self._is_token(request.query_params.get("token", "")):
            answer = RedirectResponse(request.url.path, 303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict", path="/")
            return answer
        return PlainTextResponse("open the address that circflow app printed", 401)

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.token.encode())


def _with_headers(send: Send) -> Send:
    """Our headers on every answer; a page of a run brings its own policy along."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**HEADERS, "Content-Security-Policy": POLICY}.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
