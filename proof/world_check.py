"""The ten promises, each checked from the world's own log of what happened to it.

A check is a pure function: evidence in, a `Promise` out, with what it counted and every breach.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from proof.cast import FALLBACK, OUR_DOMAIN, OWNERS, SENDER
from proof.evidence import DecisionLine, Evidence, LedgerRow
from sandbox.control import Json
from sandbox.effects import ChargeEffect, MailEffect

SLACK = timedelta(seconds=2)  # between the world's turn and our last act before we could know
NEVER_IN_A_MAIL = re.compile(r"\{\{|\}\}|\{%|%\}|<script|\b(None|null|undefined|NaN)\b")
NAMED = re.compile(r"(\S+) (\d+)")  # how a line of the trail names an effect
THE_END = ("void", "mark_uncollectible", "cancel_subscription")
OURSELVES = {SENDER, FALLBACK, *(owner.email for owner in OWNERS)}
STAND_DOWN = "mail:stand_down"
TO_THE_CUSTOMER = "mail:update_link"
HANDED_BACK = ("cancelled", "exhausted")
OUTCOMES = {
    "recovered",
    "paid_elsewhere",
    "not_collectible",
    "cancelled",
    "subscription_ended",
    "handed_over",
    "exhausted",
}


@dataclass(frozen=True)
class Breach:
    what: str
    invoice: str | None = None


@dataclass(frozen=True)
class Promise:
    code: str
    words: str
    counted: str
    breaches: tuple[Breach, ...]

    @property
    def kept(self) -> bool:
        return not self.breaches


Check = Callable[[Evidence], Promise]


# ── I1, I2: charges ─────────────────────────────────────────────────────────────────────


def one_charge(evidence: Evidence) -> Promise:
    paid = Counter(charge.invoice for charge in money(evidence))
    breaches = [Breach(f"was paid {n} times", invoice) for invoice, n in paid.items() if n > 1]
    return Promise(
        "I1",
        "At most one successful charge an invoice",
        f"{sum(paid.values())} payments of {len(paid)} invoices",
        tuple(breaches),
    )


def every_charge_has_a_key(evidence: Evidence) -> Promise:
    ours = [charge for charge in evidence.effects.charges if charge.who == "ours"]
    keys = Counter(charge.idempotency_key for charge in ours)
    known = {key for row in evidence.ledger if row.purpose == "pay" for key in row.keys}
    breaches = [
        Breach(
            f"was charged under the key {charge.idempotency_key}, which no row has", charge.invoice
        )
        for charge in ours
        if charge.idempotency_key not in known
    ]
    breaches += [
        Breach(f"the key {key} asked the bank {n} times") for key, n in keys.items() if n > 1
    ]
    breaches += _beyond_the_caps(evidence, ours)
    return Promise(
        "I2",
        "Every charge of ours has a key of the ledger, none twice, within the caps",
        f"{len(ours)} attempts, {len(keys)} keys",
        tuple(breaches),
    )


def _beyond_the_caps(evidence: Evidence, ours: Sequence[ChargeEffect]) -> Iterator[Breach]:
    most, all_together = (
        evidence.caps["max_our_attempts"],
        evidence.caps["max_attempts_per_invoice"],
    )
    for invoice, count in Counter(charge.invoice for charge in ours).items():
        everybody = len(evidence.effects.charges_of(invoice))
        if count > most:
            yield Breach(f"{count} attempts of ours, {most} allowed", invoice)
        if everybody > all_together:
            yield Breach(f"{everybody} attempts in all, {all_together} allowed", invoice)


def money(evidence: Evidence) -> list[ChargeEffect]:
    """Every charge that brought money; a bank debit if it is the one that paid the invoice."""
    paying = {paying_charge(body) for body in evidence.invoices.values()}
    return [
        charge
        for charge in evidence.effects.charges
        if charge.outcome == "paid" or (charge.outcome == "processing" and charge.charge in paying)
    ]


def paying_charge(invoice: Json) -> str | None:
    """The charge that paid this invoice, as Stripe shows it."""
    if invoice["status"] != "paid":
        return None
    intent = invoice["payments"]["data"][0]["payment"]["payment_intent"]
    charge: str | None = intent["latest_charge"]
    return charge


# ── I3: nothing after the end ───────────────────────────────────────────────────────────


def nothing_after_the_end(evidence: Evidence) -> Promise:
    over = ends(evidence)
    acts = list(_acts(evidence))
    late = [
        Breach(f"{what} {(at - over[invoice]).total_seconds():.1f} s after it was over", invoice)
        for invoice, at, what in acts
        if invoice in over and at > over[invoice] + SLACK
    ]
    closed = {
        line.invoice: line.recorded_at
        for line in evidence.audit.values()
        if line.event == "case_closed"
    }
    late += [
        Breach(
            f"{what} {(at - closed[invoice]).total_seconds():.1f} s after its case was closed",
            invoice,
        )
        for invoice, at, what in acts
        if invoice in closed and at > closed[invoice]
    ]
    return Promise(
        "I3",
        "No attempt and no chasing mail once it is settled, void or cancelled",
        f"{len(acts)} attempts and mails, {len(over)} ends in the world",
        tuple(late),
    )


def ends(evidence: Evidence) -> dict[str, datetime]:
    """When the world made a further attempt or chasing mail wrong: the first of those moments."""
    moments: dict[str, list[datetime]] = defaultdict(list)
    for charge in evidence.effects.charges:
        if charge.outcome == "paid":
            moments[charge.invoice].append(charge.at)
    paid = {invoice for invoice, body in evidence.invoices.items() if body["status"] == "paid"}
    for done in evidence.done:
        if done.worked and done.act in THE_END:
            moments[done.invoice].append(done.at)
        if done.worked and done.act == "settle" and done.invoice in paid:
            moments[done.invoice].append(_last_settled(evidence, done.invoice))
    return {invoice: min(times) for invoice, times in moments.items()}


def _last_settled(evidence: Evidence, invoice: str) -> datetime:
    return max(
        d.at for d in evidence.done if d.worked and (d.invoice, d.act) == (invoice, "settle")
    )


def _acts(evidence: Evidence) -> Iterator[tuple[str, datetime, str]]:
    for charge in evidence.effects.charges:
        if charge.who == "ours":
            yield charge.invoice, charge.at, "we charged"
    for mail, row in _mails(evidence):
        if row is not None and row.purpose != STAND_DOWN:
            yield row.invoice, mail.at, f"{row} went out"


def _mails(evidence: Evidence) -> Iterator[tuple[MailEffect, LedgerRow | None]]:
    rows = evidence.by_key()
    for mail in evidence.effects.mails:
        yield mail, rows.get(mail.key or "")


# ── I4, I5: mails and notes ─────────────────────────────────────────────────────────────


def each_mail_once(evidence: Evidence) -> Promise:
    mails = evidence.effects.mails
    breaches = [
        Breach(f"the mail with key {key} was sent {count} times")
        for key, count in Counter(mail.key for mail in mails).items()
        if count > 1
    ]
    for mail, row in _mails(evidence):
        breaches += [
            Breach(why, row.invoice if row else None) for why in _wrong(evidence, mail, row)
        ]
    return Promise(
        "I4",
        "Each mail at most once, whole, and only to those it is for",
        f"{len(mails)} mails",
        tuple(breaches),
    )


def _wrong(evidence: Evidence, mail: MailEffect, row: LedgerRow | None) -> Iterator[str]:
    if row is None:
        yield f"“{mail.subject}” has no row in the ledger"
        return
    if not mail.subject.strip() or not mail.text.strip():
        yield f"{row} is empty"
    if found := NEVER_IN_A_MAIL.search(f"{mail.subject}\n{mail.text}"):
        yield f"{row} holds {found[0]!r}"
    readers = {address.lower() for address in (*mail.to, *mail.cc, *mail.bcc)}
    address = next(a.email for a in evidence.accounts.values() if a.invoice == row.invoice)
    allowed = {address} if row.purpose.startswith(TO_THE_CUSTOMER) else OURSELVES
    if not readers or readers - {str(known).lower() for known in allowed}:
        yield f"{row} went to {', '.join(sorted(readers)) or 'nobody'}"
    if mail.sender.lower() != SENDER:
        yield f"{row} was sent by {mail.sender}, not by us at {OUR_DOMAIN}"


def no_note_twice(evidence: Evidence) -> Promise:
    notes = evidence.effects.notes
    keys = Counter(note.key for note in notes)
    same = Counter(
        (note.companies, note.body, note.properties.get("hs_timestamp")) for note in notes
    )
    breaches = [
        Breach(f"the note with key {key} exists {n} times")
        for key, n in keys.items()
        if n > 1 and key
    ]
    breaches += [
        Breach(f"the same note {n} times on {', '.join(on)}: {body[:80]}")
        for (on, body, _), n in same.items()
        if n > 1
    ]
    breaches += [Breach(f"note {note.note} has no key") for note in notes if not note.key]
    return Promise(
        "I5",
        "No CRM note twice, by key or by content",
        f"{len(notes)} notes, {len(keys)} keys",
        tuple(breaches),
    )


# ── I6: never lost ──────────────────────────────────────────────────────────────────────


def every_invoice_one_case(evidence: Evidence) -> Promise:
    breaches = []
    needless = [id for id in evidence.overtaken if not evidence.runs.get(id)]
    for invoice in evidence.failed:
        if invoice not in needless:
            breaches += [Breach(why, invoice) for why in _wrong_with_the_case(evidence, invoice)]
    closed = sum(case.state == "closed" for case in evidence.cases.values())
    outcomes = Counter(case.outcome for case in evidence.cases.values())
    told = ", ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common())
    return Promise(
        "I6",
        "Every failed invoice has exactly one case, and it has ended",
        f"{len(evidence.failed)} failed, {closed} closed ({told})"
        + (f"; {len(needless)} settled before we could hear of it" if needless else ""),
        tuple(breaches),
    )


def _wrong_with_the_case(evidence: Evidence, invoice: str) -> Iterator[str]:
    runs = evidence.runs.get(invoice, ())
    case = evidence.cases.get(invoice)
    terminated = sum(run.status == "TERMINATED" for run in runs)
    if case is None or not runs:
        yield "has no case"
        return
    if len(runs) - terminated != 1 or case.cycle != 1:
        yield f"has {len(runs)} runs ({terminated} terminated) and cycle {case.cycle}"
    ended = [run for run in runs if run.status == "COMPLETED"]
    if not ended or case.state != "closed":
        state = ", ".join(run.status.lower() for run in runs)
        yield f"has not ended: its run is {state}, its record is {case.state}"
        return
    if case.outcome not in OUTCOMES or case.outcome != ended[-1].result:
        yield f"the run says {ended[-1].result}, the record {case.outcome}"


# ── I7: the ledger is the world ─────────────────────────────────────────────────────────


def ledger_is_the_world(evidence: Evidence) -> Promise:
    breaches = [
        *_charges_without_rows(evidence),
        *_rows_without_charges(evidence),
        *_mails_and_rows(evidence),
        *_notes_and_rows(evidence),
        *_retries_given_back(evidence),
    ]
    done = sum(row.state == "done" for row in evidence.ledger)
    unclear = Counter(r.purpose.partition(":")[0] for r in evidence.ledger if r.state in UNCLEAR)
    left = ", ".join(f"{n} {what}" for what, n in unclear.items()) or "none"
    return Promise(
        "I7",
        "Our ledger and the world agree, both ways",
        f"{len(evidence.ledger)} rows, {done} done, left unclear: {left}",
        tuple(breaches),
    )


UNCLEAR = ("trying", "unknown")


def _charges_without_rows(evidence: Evidence) -> Iterator[Breach]:
    rows = evidence.by_key()
    for charge in evidence.effects.charges:
        row = rows.get(charge.idempotency_key or "") if charge.who == "ours" else None
        if row is None:
            continue  # not ours, or told by I2
        if row.state != "done" or row.kind not in _true_of(charge, evidence):
            said = f"{row.state} {row.kind}".strip()
            yield Breach(f"the bank {charge.outcome} {row}, the ledger says {said}", row.invoice)


def _true_of(charge: ChargeEffect, evidence: Evidence) -> tuple[str, ...]:
    """What may be said of a charge. The answer to a debit is "processing"; if it was lost, and is
    read back when the bank has settled, what the bank said in the end is as true.
    """
    if charge.outcome != "processing":
        return (charge.outcome,)
    paid = charge.charge == paying_charge(evidence.invoices[charge.invoice])
    return (charge.outcome, "paid" if paid else "declined")


def _rows_without_charges(evidence: Evidence) -> Iterator[Breach]:
    asked = {charge.idempotency_key for charge in evidence.effects.charges}
    for row in evidence.ledger:
        if row.asked_the_bank and row.first_try and not asked & set(row.keys):
            if row.kind == "processing":
                continue  # a debit that was under way before, found by the read
            yield Breach(f"the ledger says {row} was {row.kind}, no bank was asked", row.invoice)


def _mails_and_rows(evidence: Evidence) -> Iterator[Breach]:
    sent = {mail.key for mail in evidence.effects.mails}
    for row in evidence.ledger:
        if not row.purpose.startswith("mail:"):
            continue
        left = bool(sent & set(row.keys))
        if left and row.state != "done":
            yield Breach(f"{row} went out, the ledger says {row.state}", row.invoice)
        if row.state == "done" and row.kind == "sent" and not left:
            yield Breach(f"the ledger says {row} was sent, nothing left", row.invoice)


def _notes_and_rows(evidence: Evidence) -> Iterator[Breach]:
    rows, written = evidence.by_key(), {note.key for note in evidence.effects.notes}
    for note in evidence.effects.notes:
        if note.key not in rows:
            yield Breach(f"note {note.note} has no row in the ledger")
        elif (row := rows[note.key]).state == "blocked":
            yield Breach(f"{row} was written, the ledger says it never will be", row.invoice)
    for row in evidence.ledger:
        if row.purpose.startswith("note:") and row.state == "done" and not written & set(row.keys):
            yield Breach(f"the ledger says {row} was written, HubSpot has none", row.invoice)


def _retries_given_back(evidence: Evidence) -> Iterator[Breach]:
    """Cancelled or exhausted: what we took is given back, unless the subscription is gone."""
    gone = {d.invoice for d in evidence.done if d.worked and d.act == "cancel_subscription"}
    taken = {row.invoice for row in evidence.ledger if row.purpose == "own" and row.first_try}
    for invoice, case in evidence.cases.items():
        body = evidence.invoices[invoice]
        if body["status"] != "open" or case.state != "closed":
            continue
        retries = bool(body["auto_advance"])
        if case.outcome in HANDED_BACK and "dunning" in (body["metadata"] or {}):
            yield Breach(f"ended {case.outcome}, and still bears our mark at Stripe", invoice)
        if case.outcome in HANDED_BACK and invoice in taken - gone and not retries:
            yield Breach(f"ended {case.outcome}, and Stripe did not get its retries back", invoice)
        if case.outcome == "handed_over" and case.owned and retries:
            yield Breach("was handed over, and Stripe may charge it again", invoice)
        if invoice in gone and invoice in taken and retries:
            yield Breach("its subscription is cancelled, and we let Stripe charge it", invoice)


# ── I8: the trail ───────────────────────────────────────────────────────────────────────


def the_trail_is_whole(evidence: Evidence) -> Promise:
    breaches = [
        Breach(f"the database let us {what}")
        for what, worked in evidence.tampering.items()
        if worked
    ]
    breaches += list(_changed_lines(evidence))
    breaches += list(_without_approval(evidence))
    breaches += list(_untold(evidence))
    approvals = sum(decision.needs_approval for decision in evidence.decisions)
    return Promise(
        "I8",
        "The audit trail only grows, and approvals precede what needs them",
        f"{len(evidence.audit)} lines, {len(evidence.audit_copies)} earlier copies, "
        f"{approvals} decisions that needed approval",
        tuple(breaches),
    )


def _changed_lines(evidence: Evidence) -> Iterator[Breach]:
    for copy in evidence.audit_copies:
        for seq, line in copy.items():
            if evidence.audit.get(seq) != line:
                yield Breach(f"line {seq} of the trail changed or is gone", line.invoice)


def _without_approval(evidence: Evidence) -> Iterator[Breach]:
    approved: dict[str | None, datetime] = {}
    for line in evidence.audit.values():
        if line.event == "approved":
            approved.setdefault(line.decision, line.recorded_at)
    for decision in evidence.decisions:
        if not decision.needs_approval or decision.decided_by == "person":
            continue
        for row in _carried_out(evidence, decision):
            if row.first_try and not approved.get(decision.id, row.first_try) < row.first_try:
                yield Breach(f"{row} was done without the approval it needs", row.invoice)


def _carried_out(evidence: Evidence, decision: DecisionLine) -> Iterable[LedgerRow]:
    return (
        row
        for row in evidence.rows(decision.invoice)
        if row.ordinal == decision.ordinal and row.purpose in ("pay", TO_THE_CUSTOMER)
    )


def _untold(evidence: Evidence) -> Iterator[Breach]:
    """Every effect that was done or blocked has its line."""
    told = {
        (line.invoice, line.event, found[1], int(found[2]))
        for line in evidence.audit.values()
        if line.event.startswith("effect_") and (found := NAMED.match(line.detail))
    }
    for row in evidence.ledger:
        line = (row.invoice, f"effect_{row.state}", row.purpose, row.ordinal)
        if row.state in ("done", "blocked") and line not in told:
            yield Breach(f"the trail does not tell that {row} was {row.state}", row.invoice)


# ── I9, I10 ─────────────────────────────────────────────────────────────────────────────


def nothing_leaks(evidence: Evidence) -> Promise:
    breaches = [
        Breach(f"{file} holds a customer's name, address or note") for file in evidence.leaks
    ]
    where = "logs and Temporal's file" if evidence.plan.sealed else "logs (payloads not sealed)"
    control = "" if evidence.plan.sealed else f"; found in {evidence.seen_in_the_open} open files"
    return Promise("I9", "No personal data where it must not be", where + control, tuple(breaches))


def the_money_is_right(evidence: Evidence) -> Promise:
    in_the_world: Counter[str] = Counter()
    in_our_books: Counter[str] = Counter()
    for charge in money(evidence):
        if charge.who == "ours":
            in_the_world[charge.currency] += charge.amount
    for row in evidence.ledger:
        body = evidence.invoices[row.invoice]
        if row.kind == "paid" or (
            row.kind == "processing" and row.external_id == paying_charge(body)
        ):
            in_our_books[str(body["currency"])] += int(row.before["remaining"])
    breaches = [*_wrong_sums(in_the_world, in_our_books), *_wrong_outcomes(evidence)]
    told = ", ".join(f"{n / 100:,.2f} {c.upper()}" for c, n in in_the_world.items()) or "nothing"
    return Promise("I10", "Recovered money is the world's charges of ours", told, tuple(breaches))


def _wrong_sums(world: Counter[str], books: Counter[str]) -> Iterator[Breach]:
    for currency in sorted({*world, *books}):
        if world[currency] != books[currency]:
            yield Breach(f"{currency}: the banks say {world[currency]}, we say {books[currency]}")


def _wrong_outcomes(evidence: Evidence) -> Iterator[Breach]:
    payer = {charge.invoice: charge.who for charge in money(evidence)}
    for invoice, case in evidence.cases.items():
        if payer.get(invoice) == "ours" and case.outcome != "recovered":
            yield Breach(f"our charge paid it, the case says {case.outcome}", invoice)
        if case.outcome in ("recovered", "paid_elsewhere") and invoice not in payer:
            yield Breach(f"the case says {case.outcome}, nobody paid", invoice)


CHECKS: tuple[Check, ...] = (
    one_charge,
    every_charge_has_a_key,
    nothing_after_the_end,
    each_mail_once,
    no_note_twice,
    every_invoice_one_case,
    ledger_is_the_world,
    the_trail_is_whole,
    nothing_leaks,
    the_money_is_right,
)


def judge(evidence: Evidence) -> list[Promise]:
    return [check(evidence) for check in CHECKS]
