"""Who fails to pay in a storm: accounts of every kind, each with a made-up, unmistakable name.

Every name, address and note of an account holds the run's canary word, so that one search finds
whether any of it came to a place where it must not be.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.accounts import (
    AccountScript,
    Approve,
    CardScript,
    DealScript,
    Decline,
    DisputeScript,
    NoteScript,
    OwnerScript,
    PastInvoice,
    Processing,
    RequiresAction,
    TicketScript,
)

OUR_DOMAIN = "northwind-cloud.example"
SENDER = f"billing@{OUR_DOMAIN}"
FALLBACK = f"collections@{OUR_DOMAIN}"
OWNERS = tuple(
    OwnerScript(name=name, email=f"{name.split()[0].lower()}@{OUR_DOMAIN}")
    for name in ("Dana Whitfield", "Marco Ricci", "Ines Aydin")
)

NO_FUNDS = Decline(
    decline_code="insufficient_funds", advice_code="try_again_later", network_decline_code="51"
)
TECHNICAL = Decline(code="processing_error", decline_code="processing_error")
EXPIRED = Decline(code="expired_card", decline_code="expired_card", network_decline_code="54")
LOST = Decline(decline_code="lost_card", advice_code="do_not_try_again", network_decline_code="41")
NOT_HONOURED = Decline(
    decline_code="do_not_honor", network_decline_code="05", network_advice_code="26"
)
BOUNCED = Decline(code="insufficient_funds", network_decline_code="R01")

Traits = dict[str, Any]
"""What makes an account of this kind differ from an everyday one: fields of `AccountScript`."""


def pays_at_the_first_retry(rng: Random, now: datetime) -> Traits:
    return {"card": _card(NO_FUNDS, Approve())}


def pays_at_the_second_retry(rng: Random, now: datetime) -> Traits:
    return {"card": _card(NO_FUNDS, NO_FUNDS, Approve())}


def had_a_technical_fault(rng: Random, now: datetime) -> Traits:
    return {"card": _card(TECHNICAL, Approve())}


def never_pays(rng: Random, now: datetime) -> Traits:
    return {"card": _card(NO_FUNDS)}


def must_wait_as_the_network_says(rng: Random, now: datetime) -> Traits:
    return {"card": _card(NOT_HONOURED, Approve()).model_copy(update={"brand": "mastercard"})}


def has_an_expired_card(rng: Random, now: datetime) -> Traits:
    return {"card": _card(EXPIRED).model_copy(update={"exp_year": now.year - 1})}


def is_unknown_to_the_crm(rng: Random, now: datetime) -> Traits:
    return has_an_expired_card(rng, now) | {"crm": False}


def must_confirm_in_person(rng: Random, now: datetime) -> Traits:
    return {"card": _card(RequiresAction())}


def is_a_large_account_with_a_lost_card(rng: Random, now: datetime) -> Traits:
    return {"card": _card(LOST), "plan_tier": "enterprise", "amount_minor": 840_000}


def owes_so_much_that_a_person_must_agree(rng: Random, now: datetime) -> Traits:
    return {"card": _card(TECHNICAL, Approve()), "plan_tier": "business", "interval": "year"} | {
        "amount_minor": rng.randrange(1_200_000, 2_000_000)
    }


def pays_by_bank_debit(rng: Random, now: datetime) -> Traits:
    then = rng.choice((Approve(), Approve(), BOUNCED))
    outcomes = (BOUNCED, Processing(then=then), Processing())
    return {"card": CardScript(type="us_bank_account", last4="6789", outcomes=outcomes)}


def disputes_an_earlier_charge(rng: Random, now: datetime) -> Traits:
    return {"card": _card(NO_FUNDS, Approve()), "disputes": (DisputeScript(),)}


def is_about_to_renew(rng: Random, now: datetime) -> Traits:
    deal = DealScript(name="Renewal", amount_minor=6_800_000, close_date=now + timedelta(days=21))
    return {"card": _card(NO_FUNDS, Approve()), "deals": (deal,), "plan_tier": "business"}


KINDS: tuple[tuple[int, Callable[[Random, datetime], Traits]], ...] = (
    (24, pays_at_the_first_retry),
    (12, pays_at_the_second_retry),
    (9, had_a_technical_fault),
    (9, never_pays),
    (3, must_wait_as_the_network_says),
    (9, has_an_expired_card),
    (4, is_unknown_to_the_crm),
    (7, must_confirm_in_person),
    (6, is_a_large_account_with_a_lost_card),
    (8, owes_so_much_that_a_person_must_agree),
    (5, pays_by_bank_debit),
    (2, disputes_an_earlier_charge),
    (2, is_about_to_renew),
)


def account(rng: Random, number: int, canary: str, now: datetime) -> tuple[str, AccountScript]:
    """One account of a kind drawn by weight, and the name of that kind."""
    make = rng.choices([kind for _, kind in KINDS], [weight for weight, _ in KINDS])[0]
    traits = make(rng, now)
    who = f"{canary}{number:03d}"
    script = {
        "name": f"{who.capitalize()} {rng.choice(('GmbH', 'Ltd', 'Studios', 'SARL'))}",
        "email": f"ap.{who}@{who}.example",
        "amount_minor": rng.randrange(2_500, 60_000),
        "plan_tier": rng.choice(("starter", "growth", "growth", "business")),
        "timezone": rng.choice(("UTC", "America/Chicago", "Europe/Berlin", "Asia/Tokyo")),
        "owner": rng.choice(OWNERS),
        "history": _history(rng, now),
        "notes": _notes(rng, who, now),
        "tickets": _tickets(rng, who, now),
        "created": now - timedelta(hours=rng.randrange(2, 20)),
    }
    return make.__name__, AccountScript(**(script | traits))


def _card(*outcomes: Any) -> CardScript:
    return CardScript(outcomes=outcomes)


def _history(rng: Random, now: datetime) -> tuple[PastInvoice, ...]:
    amount, payday = rng.randrange(2_500, 60_000), rng.randrange(1, 28)
    paid = []
    for months in range(rng.randrange(1, 5), 0, -1):
        at = now - timedelta(days=30 * months + payday)
        paid.append(PastInvoice(amount_minor=amount, created=at - timedelta(days=1), paid_at=at))
    return tuple(paid)


def _notes(rng: Random, who: str, now: datetime) -> tuple[NoteScript, ...]:
    if rng.random() < 0.7:
        return ()
    body = f"Spoke to {who} about the rollout; they are happy and will add seats."
    return (NoteScript(body=body, created_at=now - timedelta(days=rng.randrange(2, 60))),)


def _tickets(rng: Random, who: str, now: datetime) -> tuple[TicketScript, ...]:
    if rng.random() < 0.9:
        return ()
    return (TicketScript(subject=f"How do I export for {who}?", created_at=now),)
