"""Who gets a letter. Decided by code from two structured fields, never from anything somebody wrote
in prose.

A handoff goes to the address of the HubSpot *owner record*, if its domain is one of ours; else to
the playbook's fallback owner; else to the sending mailbox itself, so that nothing is lost. A
customer's letter goes to Stripe's `customer_email` and nowhere else.
"""

import re
from dataclasses import dataclass

from workflows.facts import Facts
from workflows.playbook import Playbook

# Narrower than RFC 5322 on purpose: no quotes, comments, display names, literals, controls.
_ADDRESS = re.compile(
    r"(?=.{6,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)


@dataclass(frozen=True)
class Recipient:
    address: str
    notice: str | None = None  # why it is not the account's owner, for the letter's text


def valid(address: str | None) -> str | None:
    """The address if it is one plain address, else None."""
    candidate = (address or "").strip()
    return candidate if _ADDRESS.fullmatch(candidate) else None


def domain_of(address: str | None) -> str | None:
    return address.rpartition("@")[2].lower() if valid(address) and address else None


def allowed_domains(playbook: Playbook, sender: str) -> frozenset[str]:
    """Where handoffs may go: what the playbook says, else the sender's and the fallback owner's
    domains.
    """
    stated = frozenset(domain.lower().lstrip("@") for domain in playbook.handoff.domains)
    ours = {domain_of(sender), domain_of(playbook.handoff.fallback_owner)} - {None}
    return stated or frozenset(domain for domain in ours if domain)


def csm(facts: Facts, playbook: Playbook, sender: str) -> Recipient:
    """Who works on this account, and if it is not its owner, why."""
    owner = facts.crm.owner if facts.crm else None
    address = valid(owner.email) if owner else None
    if address and domain_of(address) in allowed_domains(playbook, sender):
        return Recipient(address)
    fallback = valid(playbook.handoff.fallback_owner)
    reason = _why_not_the_owner(facts, address)
    if fallback:
        return Recipient(fallback, f"You get this because {reason}.")
    return Recipient(
        sender,
        f"This reached the sending mailbox because {reason} and no fallback owner is set "
        "(playbook.toml, handoff.fallback_owner).",
    )


def _why_not_the_owner(facts: Facts, address: str | None) -> str:
    if facts.crm is None:
        return "we found no HubSpot record for this customer"
    if facts.crm.owner is None:
        return "this account has no active owner in HubSpot"
    if address is None:
        return "the owner's address in HubSpot is missing or malformed"
    return "the owner's address in HubSpot is outside the allowed domains"


def customer(facts: Facts) -> str | None:
    """Stripe's address of the billing contact, or None: then nothing is sent."""
    return valid(facts.customer.email)
