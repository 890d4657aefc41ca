"""The page behind the link in a customer's mail: `/pay/{token}`.

Looking does nothing, so a mail scanner may follow the link as often as it likes. The button reads
the invoice afresh and leads to where Stripe takes the payment; that address is not kept or logged.
"""

import base64
import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from settings import is_loopback
from starter.pay_words import Words, words_for
from workflows.nouns import InvoiceId

PER_MINUTE = 10
REMEMBERED_ADDRESSES = 10_000


@dataclass(frozen=True)
class Bill:
    """The invoice as Stripe holds it at this moment."""

    status: str
    pay_url: str | None


class ReadsTokens(Protocol):
    """`activities.links.Links`: raises for every flaw alike."""

    def read(self, token: str) -> InvoiceId: ...


ReadBill = Callable[[InvoiceId], Awaitable[Bill]]


class CannotReadBillError(Exception):
    """Stripe does not answer now."""


class PayPage:
    """`GET` shows, `POST` acts."""

    def __init__(
        self,
        links: ReadsTokens,
        read_bill: ReadBill,
        *,
        company: str,
        sandbox: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._links = links
        self._read_bill = read_bill
        self._company = company
        self._sandbox = sandbox  # Stripe's stand-in on this machine: its pages have no TLS
        self._limit = Limit(PER_MINUTE, clock)

    async def show(self, request: Request) -> Response:
        words = words_for(request.headers.get("accept-language", ""))
        if not self._limit.admits(_address(request)):
            return self._page(words, words.slow_down, status=429)
        if self._invoice(request) is None:
            return self._page(words, words.gone, status=410)
        return self._page(words, words.ask, button=words.button)

    async def go(self, request: Request) -> Response:
        words = words_for(request.headers.get("accept-language", ""))
        if not self._limit.admits(_address(request)):
            return self._page(words, words.slow_down, status=429)
        invoice = self._invoice(request)
        if invoice is None:
            return self._page(words, words.gone, status=410)
        try:
            bill = await self._read_bill(invoice)
        except CannotReadBillError:
            return self._page(words, words.later, status=503, button=words.again)
        return self._lead_on(words, bill)

    def _lead_on(self, words: Words, bill: Bill) -> Response:
        if bill.status == "paid":
            return self._page(words, words.thanks)
        if bill.status == "open" and bill.pay_url and self._trusted(bill.pay_url):
            return RedirectResponse(bill.pay_url, 303, headers=self._headers())
        return self._page(words, words.contact)

    def _invoice(self, request: Request) -> InvoiceId | None:
        try:
            return self._links.read(request.path_params["token"])
        except Exception:  # whatever is wrong with a stranger's token, the answer is the same
            return None

    def _trusted(self, url: str) -> bool:
        return urlsplit(url).scheme == "https" or (self._sandbox and is_loopback(url))

    def _page(
        self, words: Words, text: tuple[str, str], *, status: int = 200, button: str | None = None
    ) -> Response:
        title, body = (part.format(company=self._company) for part in text)
        html = PAGE.format(
            language=words.language,
            title=escape(title),
            body=escape(body),
            company=escape(self._company),
            style=STYLE,
            form=FORM.format(button=escape(button)) if button else "",
            foot=escape(words.secure if button else ""),
        )
        return Response(html, status, headers=self._headers(), media_type="text/html")

    def _headers(self) -> dict[str, str]:
        # Browsers apply form-action to the redirect as well, and Stripe's page may have the
        # company's own domain.
        targets = "'self' https:" + (" http://127.0.0.1:* http://localhost:*" * self._sandbox)
        policy = (
            f"default-src 'none'; style-src '{STYLE_HASH}'; form-action {targets}; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        return {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
            "Vary": "Accept-Language",
        }


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


class Limit:
    """So many requests a minute from one address."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._most = per_minute
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def admits(self, address: str) -> bool:
        now = self._clock()
        times = self._seen.setdefault(address, deque())
        self._seen.move_to_end(address)
        if len(self._seen) > REMEMBERED_ADDRESSES:
            self._seen.popitem(last=False)
        while times and now - times[0] >= 60:
            times.popleft()
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


STYLE = """
:root{color-scheme:light dark;--paper:#fff;--wall:#f4f3ef;--ink:#1d1f23;--soft:#5d626b;--go:#1f5eff}
@media(prefers-color-scheme:dark){:root{--paper:#1c1e22;--wall:#121316;--ink:#eceef1;--soft:#a3a9b3;
--go:#4c7dff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px 16px;
background:var(--wall);color:var(--ink);
font:17px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{width:100%;max-width:26rem;background:var(--paper);border-radius:16px;padding:32px 28px;
box-shadow:0 1px 2px rgb(0 0 0/.06),0 12px 32px rgb(0 0 0/.07)}
.from{margin:0 0 20px;font-size:15px;font-weight:600;color:var(--soft)}
h1{margin:0 0 12px;font-size:24px;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}
p{margin:0;text-wrap:pretty}
form{margin:28px 0 0}
button{width:100%;min-height:52px;border:0;border-radius:10px;background:var(--go);color:#fff;
font:inherit;font-weight:600;cursor:pointer}
button:hover{filter:brightness(1.08)}
button:focus-visible{outline:3px solid var(--go);outline-offset:3px}
.foot{margin:16px 0 0;font-size:14px;color:var(--soft);text-align:center}
.foot:empty{display:none}
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

FORM = '<form method="post"><button type="submit">{button}</button></form>'
PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<p class="from">{company}</p>
<h1>{title}</h1>
<p>{body}</p>
{form}
<p class="foot">{foot}</p>
</main>
</body>
</html>
"""
