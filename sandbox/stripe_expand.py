"""Stripe's `expand`: ids replaced by the objects they name, four levels deep at most."""

from collections.abc import Iterable, Sequence
from typing import Final

from sandbox.stripe_objects import Json, StripeObjects, listed
from sandbox.world import newest_first

MAX_LEVELS: Final = 4

_INCLUDABLE: Final = {("invoice", "payments"), ("customer", "subscriptions")}
_EXPANDABLE: Final = {
    ("invoice", "customer"),
    ("invoice", "default_payment_method"),
    ("invoice", "parent.subscription_details.subscription"),
    ("invoice_payment", "invoice"),
    ("invoice_payment", "payment.payment_intent"),
    ("invoice_payment", "payment.charge"),
    ("payment_intent", "customer"),
    ("payment_intent", "latest_charge"),
    ("payment_intent", "payment_method"),
    ("charge", "customer"),
    ("charge", "payment_intent"),
    ("customer", "default_source"),
    ("customer", "invoice_settings.default_payment_method"),
    ("subscription", "customer"),
    ("subscription", "default_payment_method"),
    ("subscription", "latest_invoice"),
    ("payment_method", "customer"),
    ("dispute", "charge"),
    ("dispute", "payment_intent"),
}


def _leads_somewhere(owner: str, here: str) -> bool:
    return any(o == owner and path.startswith(f"{here}.") for o, path in _EXPANDABLE)


class ExpansionError(Exception):
    """A property that cannot be expanded was asked for."""


class Expander:
    """Expands rendered objects of one world."""

    def __init__(self, objects: StripeObjects) -> None:
        self.objects = objects

    def expand(self, rendered: Json, paths: Iterable[str]) -> Json:
        """Replace ids by the objects they name. Raises `ExpansionError`."""
        for path in paths:
            parts = path.split(".")
            if len(parts) > MAX_LEVELS:
                raise ExpansionError(
                    f"You cannot expand more than {MAX_LEVELS} levels of a property. "
                    f"Property: {path}"
                )
            self._expand(rendered, parts, path)
        return rendered

    def _expand(
        self, node: Json, parts: Sequence[str], path: str, owner: str = "", prefix: str = ""
    ) -> None:
        """Walk one path. `owner` and `prefix` say where in which object a plain part sits."""
        if isinstance(node.get("object"), str):
            owner, prefix = node["object"], ""
        head, *rest = parts
        if owner == "list" and head == "data" and rest:
            for item in node["data"]:
                self._expand(item, rest, path)
            return
        here = f"{prefix}{head}"
        if (owner, here) in _INCLUDABLE:
            node.setdefault(head, self._included(owner, node["id"]))
        elif (owner, here) in _EXPANDABLE:
            if isinstance(node.get(head), str):
                node[head] = self.objects.by_id(node[head])
        elif not rest or not _leads_somewhere(owner, here):
            raise ExpansionError(f"This property cannot be expanded ({path}).")
        if rest and isinstance(node.get(head), dict):
            self._expand(node[head], rest, path, owner, f"{here}.")

    def _included(self, owner: str, id: str) -> Json:
        if owner == "invoice":
            payments = self.objects.world.invoice_payments.of(invoice=id)
            url = f"/v1/invoice_payments?invoice={id}"
            return listed([self.objects.invoice_payment(p) for p in newest_first(payments)], url)
        subscriptions = self.objects.world.subscriptions.of(customer=id)
        url = f"/v1/customers/{id}/subscriptions"
        return listed([self.objects.subscription(s) for s in newest_first(subscriptions)], url)
