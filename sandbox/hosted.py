"""The pages that customers see: Stripe's hosted invoice page and its portal, in small."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.director import Director, ImpossibleError
from sandbox.money import readable

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.6rem 2rem;border:0;border-radius:.4rem;background:#635bff;color:#fff}}
small{{color:#666}}</style></head><body>{body}
<p><small>Sandbox: no money moves here.</small></p></body></html>"""


def routes(director: Director) -> list[Route]:
    """GET shows, POST pays: opening the link never moves money."""

    async def show(request: Request) -> Response:
        try:
            invoice = director.invoice(request.path_params["invoice"])
        except ImpossibleError:
            return _page("Not found", "<h1>This invoice does not exist.</h1>", 404)
        title = f"Invoice {invoice['number']}"
        amount = readable(invoice["amount_remaining"], invoice["currency"])
        body = f"<h1>{escape(title)}</h1><p>{escape(invoice['description'])}</p>"
        match invoice["status"]:
            case "open" | "uncollectible":
                body += (
                    f"<p><strong>{escape(amount)}</strong></p>"
                    '<form method="post"><button>Pay</button></form>'
                )
            case "paid":
                body += "<p>Paid. Thank you.</p>"
            case _:
                body += "<p>This invoice can no longer be paid.</p>"
        return _page(title, body)

    async def pay(request: Request) -> Response:
        try:
            director.customer_pays(request.path_params["invoice"])
        except ImpossibleError as problem:
            return _page("Not possible", f"<h1>{escape(str(problem))}</h1>", 409)
        return RedirectResponse(request.url.path, 303)

    async def portal(request: Request) -> Response:
        return _page("Billing portal", "<h1>Billing portal</h1><p>Cards live here.</p>")

    return [
        Route("/hosted/{invoice}", show, methods=["GET"]),
        Route("/hosted/{invoice}", pay, methods=["POST"]),
        Route("/portal/{session}", portal, methods=["GET"]),
    ]


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), status)
