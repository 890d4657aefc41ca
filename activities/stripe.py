"""What we ask of Stripe, and how we charge: once, however often we are called.

Four things are ever written: `auto_advance` and our two lines of metadata on the invoice, and the
charge itself. `forgive` and `paid_out_of_band` are not in this program.
"""

from datetime import timedelta
from typing import Any, NoReturn

import stripe
from temporalio import activity

from activities.database import Json
from activities.errors import bug, invalid_request, retry_later
from activities.failpoints import reached
from activities.ledger import Effect, EffectId, InFlightError, Ledger
from activities.readings import StripeReading
from activities.records import Records
from activities.stripe_api import Gone, code_of, connect, disconnect, in_our_words
from activities.stripe_reader import Reader, completed_by, has_ended
from workflows import policy, steps
from workflows.case import Action, Permit
from workflows.facts import BankAttempt, Facts, Source
from workflows.money import Money
from workflows.nouns import ChargeId, Noun, iso
from workflows.playbook import Playbook
from workflows.steps import (
    Announce,
    Done,
    Gather,
    Gathered,
    HandBack,
    Ownership,
    Pay,
    PayKind,
    PaymentState,
    PayResult,
    Recheck,
    Rechecked,
    Ref,
)

__all__ = ["Reader", "StripeActivities", "connect", "disconnect"]

OUR_MARK = "dunning"  # metadata: whose case this invoice is
OUR_PLAN = "dunning_retry_at"  # metadata: when we will charge it

NOTHING_TO_TAKE = "The invoice is not open: there is nothing to take."
NOTHING_TO_GIVE = "The invoice is no longer open: there are no retries to hand back."
STRIPE_RETRIES = "The retries are Stripe's again: it may charge this invoice at once."
NOBODY_RETRIES = "Stripe did not retry this invoice before us: from now on nobody does."
SUBSCRIPTION_ENDED = "The subscription has ended meanwhile: from now on nobody retries."

MOST_ERRORS = 3  # answers with a 5xx before we believe that Stripe has stored one for our key
KEY_LIFE = timedelta(hours=12)  # Stripe keeps a key for at least 24 h; half of that is safe
MOST_EPOCHS = 6  # keys for one charge, before a person must look
LONGEST_SETTLE = (
    60  # seconds after an unclear try before the world's silence means "nothing happened"
)
CLOCKS_DIFFER = timedelta(seconds=60)  # how far Stripe's clock and ours may be apart

NEEDS_CUSTOMER = frozenset(
    {
        "authentication_required",
        "invoice_payment_intent_requires_action",
        "subscription_payment_intent_requires_action",
    }
)
"""https://docs.stripe.com/error-codes: only the cardholder can help, and not off-session."""


class StripeActivities:
    """`live`: the mode of our key. `settle_seconds`: longest rest after an unclear answer."""

    def __init__(
        self,
        client: stripe.StripeClient,
        records: Records,
        ledger: Ledger,
        *,
        live: bool,
        settle_seconds: float = 600,
    ) -> None:
        self._invoices = client.v1.invoices
        self._reader = Reader(client, ledger.clock)
        self._records = records
        self._ledger = ledger
        self._live = live
        self._settle = timedelta(seconds=min(LONGEST_SETTLE, settle_seconds))

    # ── looking ─────────────────────────────────────────────────────────────────────────

    @activity.defn(name=steps.RECHECK.name)
    async def recheck_invoice(self, order: Recheck) -> Rechecked:
        """Is it over? And may `about` be done now? Asked of Stripe as it is this moment."""
        ref = order.ref
        try:
            reading = await self._reader.read_light(ref.invoice)
        except Gone as gone:
            return Rechecked(ending=gone.ending, customer=None, card=None, remaining=None)
        await self._records.note_identity(ref, reading)
        facts = await self._facts(reading, ref)
        ending = policy.ending(facts)
        permit = Permit(ok=True)
        if order.about is not None and ending is None:
            permit = policy.permits(facts, order.about, await self._playbook(ref))
        return Rechecked(
            ending=ending,
            customer=reading.customer.id,
            card=reading.card,
            remaining=reading.invoice.remaining,
            payment=_payment_state(reading),
            latest_charge=reading.latest_charge,
            permitted=permit.ok,
            not_before=permit.not_before,
            objection=permit.reason.text if permit.reason else None,
            disputed=reading.disputed,
        )

    @activity.defn(name=steps.GATHER_STRIPE.name)
    async def gather_stripe(self, order: Gather) -> Gathered:
        """Keep what Stripe knows this round, on the case's clock."""
        ref = order.ref
        try:
            reading = await self._reader.read(ref.invoice)
        except Gone as gone:  # the next recheck ends the case
            raise invalid_request(gone.ending.text) from None
        await self._records.note_identity(ref, reading)
        kept = reading.on(await self._records.clock(ref), ref.now)
        await self._records.put_snapshot(ref, Source.STRIPE, True, kept.model_dump(mode="json"))
        return Gathered(source=Source.STRIPE, found=True, text=_in_a_line(kept))

    async def _facts(
        self, reading: StripeReading, ref: Ref, *, but_for: int | None = None
    ) -> Facts:
        """A fresh reading among what else this round knows."""
        fresh = reading.on(await self._records.clock(ref), ref.now)
        whole = completed_by(fresh, await self._records.reading(ref))
        return await self._records.facts_with(whole, ref, live=self._live, but_for=but_for)

    async def _playbook(self, ref: Ref) -> Playbook:
        return await self._records.playbook_of(ref.invoice)

    # ── who retries ─────────────────────────────────────────────────────────────────────

    @activity.defn(name=steps.TAKE_OWNERSHIP.name)
    async def take_ownership(self, ref: Ref) -> Ownership:
        """Stripe stops retrying, and the invoice says who does.

        What we found is remembered first.
        """
        if (await self._playbook(ref)).retries.owner == "stripe":
            return Ownership(taken=False, text="Stripe keeps the retries, as the playbook says.")
        invoice = await self._bare(ref)
        if invoice is None or not _is_open(invoice):
            return Ownership(taken=False, text=NOTHING_TO_TAKE)
        case = await self._records.case(ref.invoice)
        await self._records.note_ownership(
            ref, owned=case.owned, found=bool(invoice["auto_advance"])
        )
        wanted = {"auto_advance": False, "metadata": {OUR_MARK: f"dunning-{ref.invoice}"}}
        after = await self._set(ref, "own", invoice, wanted)
        if after is None:
            return Ownership(taken=False, text=NOTHING_TO_TAKE)
        if not _is_so(after, wanted):
            text = "Stripe took our change, but its answer says that it still retries by itself."
            return Ownership(taken=False, text=text)
        text = "We retry this invoice now; Stripe has stopped."
        await self._records.note_ownership(ref, owned=True, detail=text)
        return Ownership(taken=True, text=text)

    @activity.defn(name=steps.ANNOUNCE.name)
    async def announce_retry(self, order: Announce) -> Done:
        """Everyone who looks at the invoice in Stripe sees when it will be charged."""
        invoice = await self._bare(order.ref)
        if invoice is not None and _is_open(invoice):
            wanted = {"metadata": {OUR_PLAN: iso(order.at)}}
            await self._set(order.ref, "announce", invoice, wanted)
        return Done()

    @activity.defn(name=steps.HAND_BACK.name)
    async def hand_back(self, order: HandBack) -> Ownership:
        """As we found it. `taken` in the answer: are the retries still ours?"""
        ref = order.ref
        case = await self._records.case(ref.invoice)
        invoice = await self._bare(ref)
        if invoice is None or not _is_open(invoice):
            return await self._released(ref, NOTHING_TO_GIVE)
        if not case.owned and invoice["metadata"].get(OUR_MARK) is None:
            return Ownership(taken=False, text=await self._handed_back_before(ref, invoice))
        # Never seen, or the subscription ended meanwhile: do not let Stripe charge it.
        stripe_retries = case.auto_advance_found is True and not has_ended(invoice)
        wanted: Json = {"metadata": {OUR_MARK: "", OUR_PLAN: ""}}
        if stripe_retries:
            wanted["auto_advance"] = True
        if await self._set(ref, "hand_back", invoice, wanted) is None:
            return await self._released(ref, NOTHING_TO_GIVE)
        if has_ended(invoice):
            return await self._released(ref, SUBSCRIPTION_ENDED)
        return await self._released(ref, STRIPE_RETRIES if stripe_retries else NOBODY_RETRIES)

    async def _handed_back_before(self, ref: Ref, invoice: Json) -> str:
        """A second call says what the first one said: it stands in the closing note."""
        effects = await self._ledger.of(ref.invoice, "hand_back")
        given = [effect for effect in effects if effect.cycle == ref.cycle]
        if not given:
            return "The retries were never ours."
        if has_ended(invoice):
            return SUBSCRIPTION_ENDED
        return STRIPE_RETRIES if given[-1].before.get("auto_advance") else NOBODY_RETRIES

    async def _released(self, ref: Ref, text: str) -> Ownership:
        await self._records.note_ownership(ref, owned=False, detail=text)
        return Ownership(taken=False, text=text)

    async def _bare(self, ref: Ref) -> Json | None:
        try:
            return await self._reader.invoice(ref.invoice)
        except Gone:
            return None

    async def _set(self, ref: Ref, purpose: str, invoice: Json, wanted: Json) -> Json | None:
        """Set fields of the invoice; answer with the invoice as it is then. None: it is closed.

        An effect that sets a value is done when the world has that value, whoever set it. Setting
        it twice does no harm, so a key for which Stripe stored an error is changed without a rest.
        """
        reached(f"{purpose}.before_intent")
        if _is_so(invoice, wanted):
            await self._found_set(ref, purpose, wanted)
            return invoice
        effect = await self._ledger.intend_next(
            ref.invoice, purpose, wanted, cycle=ref.cycle, case_at=ref.now
        )
        reached(f"{purpose}.after_intent")
        if effect.server_errors or self._is_old(effect):
            effect = await self._ledger.new_epoch(effect, "Stripe failed with the old key")
        effect = await self._ledger.begin(effect)
        params: Any = wanted
        try:
            answer = await self._invoices.update_async(
                ref.invoice, params, {"idempotency_key": effect.key}
            )
        except stripe.StripeError as error:
            await self._not_set(ref, effect, error)
            return None
        reached(f"{purpose}.after_call")
        await self._ledger.settle(effect, {"kind": "set"})
        reached(f"{purpose}.after_record")
        return answer.to_dict()

    async def _found_set(self, ref: Ref, purpose: str, wanted: Json) -> None:
        """An earlier try of ours did it, although its answer was lost: its row is done."""
        for effect in (await self._ledger.of(ref.invoice, purpose))[-1:]:
            if effect.tried and not effect.final and effect.before == wanted:
                await self._ledger.settle(effect, {"kind": "set"}, reason="read back")

    async def _not_set(self, ref: Ref, effect: Effect, error: stripe.StripeError) -> None:
        """The invoice was closed while we looked away, or Stripe has to be asked again."""
        if (error.http_status or 0) >= 500:
            await self._ledger.no_answer(effect)
        if error.http_status in (400, 404) and not _is_open(await self._bare(ref)):
            await self._ledger.settle(effect, {"kind": "closed"}, reason="the invoice is closed")
            return
        raise in_our_words(error, ref.invoice) from None

    def _is_old(self, effect: Effect) -> bool:
        """Stripe may soon forget this epoch's key."""
        return effect.key_at is not None and self._ledger.clock() - effect.key_at > KEY_LIFE

    # ── charging ────────────────────────────────────────────────────────────────────────

    @activity.defn(name=steps.PAY.name)
    async def pay_invoice(self, order: Pay) -> PayResult:
        """Charge what is still open, once, however often we are called.

        `RetryLater` asks Temporal to call again: nothing is known to have happened, or Stripe must
        come to rest first. Everything else is a result.
        """
        ref = order.ref
        which = EffectId(invoice=ref.invoice, purpose="pay", ordinal=order.ordinal)
        reached("pay.before_intent")
        effect = await self._ledger.intend(which, cycle=ref.cycle, case_at=ref.now)
        reached("pay.after_intent")
        if effect.final:
            return _result_of(effect)
        playbook = await self._playbook(ref)
        if playbook.retries.owner == "stripe":
            await self._stop_for_good(effect, "the playbook says that Stripe retries, not we")
        try:
            reading = await self._reader.read_light(ref.invoice)
        except Gone as gone:
            return await self._conclude(effect, PayKind.SETTLED, gone.ending.text)
        done = await self._already(effect, reading) or await self._objection(
            effect, reading, order, playbook
        )
        if done is None:
            return await self._charge(effect, reading, order, playbook)
        return await self._keep(effect, done)

    async def reconcile(self, effect: Effect) -> PayResult | None:
        """For the sweep: what became of an unclear charge, from a fresh read only.

        None: still unclear.
        """
        try:
            reading = await self._reader.read_light(effect.invoice)
        except Gone as gone:
            return await self._conclude(effect, PayKind.SETTLED, gone.ending.text)
        done = await self._already(effect, reading)
        return await self._keep(effect, done) if done else None

    async def read_back(self, effect: Effect, gone: bool) -> bool:
        """For the sweep: is it clear now what became of it? `gone`: no run will ask again."""
        if effect.final:
            return True
        if effect.purpose != "pay":
            return await self._read_setting_back(effect)
        if await self.reconcile(effect) is not None:
            return True
        if not gone or effect.state == "unknown" or self._rest_left(effect) > timedelta(0):
            return False
        await self._keep(effect, _superseded("It never reached the bank, and its case is closed."))
        return True

    async def _read_setting_back(self, effect: Effect) -> bool:
        """A value is there or it is not, whoever set it: either way nothing is unclear."""
        try:
            invoice = await self._reader.invoice(effect.invoice)
        except Gone:
            await self._ledger.settle(effect, {"kind": "closed"}, reason="the invoice is gone")
            return True
        if self._rest_left(effect) > timedelta(0):
            return False
        kind = "set" if _is_so(invoice, effect.before) else "not set"
        await self._ledger.settle(effect, {"kind": kind}, reason=f"read back later: {kind}")
        return True

    async def _already(self, effect: Effect, reading: StripeReading) -> PayResult | None:
        """What an earlier try of this charge did, as far as a fresh read shows it."""
        if not effect.tried:
            return None
        known = set(effect.before["charges"])
        fresh = [
            attempt
            for attempt in reading.attempts
            if attempt.invoice == effect.invoice and attempt.charge not in known
        ]
        for attempt in reversed(fresh):
            if await self._is_ours(effect, attempt):
                return _told_by(attempt, reading)
        if fresh and reading.invoice.status == "paid":
            return _settled("It was paid by someone else while we were asking.")
        if fresh:
            return _superseded("Somebody else tried to charge it meanwhile.")
        if reading.invoice.payment_intent_status == "requires_action":
            return _requires_action()
        return None

    async def _is_ours(self, effect: Effect, attempt: BankAttempt) -> bool:
        """Did one of our keys ask for it? If Stripe cannot say: was it then, and that card?"""
        found, key = await self._reader.key_of(attempt.charge, attempt.at)
        if found:
            return key in effect.keys
        assert effect.first_try is not None  # it was tried
        assert effect.last_try is not None
        since, until = effect.first_try - CLOCKS_DIFFER, effect.last_try + 2 * CLOCKS_DIFFER
        return since <= attempt.at <= until and attempt.fingerprint == effect.before["fingerprint"]

    async def _objection(
        self, effect: Effect, reading: StripeReading, order: Pay, playbook: Playbook
    ) -> PayResult | None:
        """Why it must not be charged now; None when it may.

        After an unclear try no objection is believed before Stripe has come to rest: the try may
        still be on its way.
        """
        objection = await self._why_not(effect, reading, order, playbook)
        if objection is not None and effect.tried and reading.invoice.status != "paid":
            self._wait_for_rest(effect)
        return objection

    async def _why_not(
        self, effect: Effect, reading: StripeReading, order: Pay, playbook: Playbook
    ) -> PayResult | None:
        invoice = reading.invoice
        if invoice.payment_intent_status == "processing":
            return PayResult(
                kind=PayKind.PROCESSING,
                text="A payment is under way; the bank has not decided yet.",
            )
        facts = await self._facts(reading, order.ref, but_for=order.ordinal)
        if ending := policy.ending(facts):
            return _settled(ending.text)
        if invoice.payment_intent_status == "requires_action":
            return _requires_action()
        if changed := self._changed(effect, reading, await self._records.reading(order.ref)):
            return _superseded(changed)
        if invoice.next_payment_attempt is not None:
            return _superseded(
                "Stripe itself plans to charge it; two retriers must never hit one card."
            )
        permit = policy.permits(facts, Action.SCHEDULE_RETRY, playbook)
        if not permit.ok:
            return _superseded(permit.reason.text if permit.reason else "The rules say not now.")
        if reading.payment_method is None:
            return _superseded("There is nothing left that could be charged.")
        return None

    def _changed(
        self, effect: Effect, now: StripeReading, decided: StripeReading | None
    ) -> str | None:
        """What is no longer as it was when this was decided, or when it was first tried."""
        remaining = now.invoice.remaining
        if effect.tried:
            amount_then, card_then = effect.before["remaining"], effect.before["card"]
        elif decided is not None:
            amount_then, card_then = decided.invoice.remaining.amount, decided.card
        else:
            return None
        if remaining.amount != amount_then:
            then = Money(amount=amount_then, currency=remaining.currency)
            return f"The amount changed from {then.plain} to {remaining.plain}."
        return "What would be charged changed." if now.card != card_then else None

    async def _charge(
        self, effect: Effect, reading: StripeReading, order: Pay, playbook: Playbook
    ) -> PayResult:
        """The call itself: the fresh read has shown that nothing happened or forbids it."""
        if effect.state == "unknown":
            return PayResult(kind=PayKind.UNCLEAR, text=effect.reason)
        effect = await self._with_a_good_key(effect)
        if effect.state == "unknown":
            return PayResult(kind=PayKind.UNCLEAR, text=effect.reason)
        effect = await self._begin(effect, reading)
        if effect.final:
            return _result_of(effect)
        try:
            answer = await self._invoices.pay_async(
                order.ref.invoice,
                {
                    "off_session": True,
                    "payment_method": effect.before["payment_method"],
                    "expand": ["payments.data.payment.payment_intent"],
                },
                {"idempotency_key": effect.key},
            )
        except stripe.StripeError as error:
            return await self._refused(effect, error, order, playbook)
        reached("pay.after_call")
        if done := _answered(answer.to_dict(), reading.invoice.remaining):
            return await self._keep(effect, done)
        await self._ledger.no_answer(effect)
        raise retry_later(
            f"Stripe answered about {order.ref.invoice}, but did not say what it did."
        )

    async def _with_a_good_key(self, effect: Effect) -> Effect:
        """A key that Stripe still knows, and for which it has not stored an error of its own.

        A stored 500 is answered for 24 h whatever we do, and after 24 h the same key would run
        again. So we take a new key then, and only then: the read just showed that the old one did
        nothing, and its last use is long enough ago to have shown.
        """
        if effect.server_errors < MOST_ERRORS and not self._is_old(effect):
            return effect
        self._wait_for_rest(effect)
        if effect.epoch + 1 >= MOST_EPOCHS:
            return await self._ledger.give_up(
                effect,
                f"Stripe failed {MOST_EPOCHS} times without saying whether it charged. "
                "A person must look at the invoice.",
            )
        return await self._ledger.new_epoch(effect, "the old key did nothing")

    def _wait_for_rest(self, effect: Effect) -> None:
        """Until an unclear try can no longer be on its way inside Stripe.

        Temporal waits, not we.
        """
        left = self._rest_left(effect)
        if left > timedelta(0):
            raise retry_later(
                f"The last charge of {effect.invoice} has no clear answer yet; we look again soon.",
                left,
            )

    def _rest_left(self, effect: Effect) -> timedelta:
        if effect.last_try is None:
            return timedelta(0)
        return effect.last_try + self._settle - self._ledger.clock()

    async def _begin(self, effect: Effect, reading: StripeReading) -> Effect:
        """This try, committed. A charge of an earlier decision that is still unclear goes first."""
        before = _image(reading)
        try:
            return await self._ledger.begin(effect, before)
        except InFlightError as clash:
            other = clash.other
        done = await self._already(other, reading)
        if done is None:
            self._wait_for_rest(other)
            done = _superseded("It never reached the bank; a later decision took its place.")
        await self._keep(other, done)
        return await self._ledger.begin(effect, before)

    async def _refused(
        self, effect: Effect, error: stripe.StripeError, order: Pay, playbook: Playbook
    ) -> PayResult:
        """An error as answer: a decline is a result, most others a reason to look again."""
        status = error.http_status
        if status == 402:
            reached("pay.after_call")
            return await self._keep(effect, _declined(error))
        if status is not None and status >= 500:
            await self._ledger.no_answer(effect)
        if status == 400 and _type_of(error) == "idempotency_error":
            await self._stop_for_good(effect, "one key was used for two different charges")
        if status in (400, 404):
            return await self._look_again(effect, error, order, playbook)
        raise in_our_words(error, order.ref.invoice) from None

    async def _look_again(
        self, effect: Effect, error: stripe.StripeError, order: Pay, playbook: Playbook
    ) -> PayResult:
        """Stripe will not take it: something changed since we looked, or we are at a loss."""
        try:
            reading = await self._reader.read_light(order.ref.invoice)
        except Gone as gone:
            return await self._conclude(effect, PayKind.SETTLED, gone.ending.text)
        done = await self._already(effect, reading) or await self._why_not(
            effect, reading, order, playbook
        )
        if done is None:
            text = f"Stripe does not take this charge ({code_of(error)}). A person must look."
            done = PayResult(kind=PayKind.UNCLEAR, code=code_of(error), text=text)
            blocked = await self._ledger.block(effect, text, _plain(done))
            return _result_of(blocked)
        return await self._keep(effect, done)

    async def _keep(self, effect: Effect, result: PayResult) -> PayResult:
        """Definite, and written down; what was written down first is the answer."""
        settled = await self._ledger.settle(
            effect,
            _plain(result),
            external_id=result.charge,
            reason=f"{result.kind}: {result.text}",
        )
        reached("pay.after_record")
        return _result_of(settled)

    async def _conclude(self, effect: Effect, kind: PayKind, text: str) -> PayResult:
        return await self._keep(effect, PayResult(kind=kind, text=text))

    async def _stop_for_good(self, effect: Effect, why: str) -> NoReturn:
        await self._ledger.block(effect, why)
        raise bug(f"{effect.id} of {effect.invoice} was stopped: {why}. Nothing was charged by it.")


# ── Stripe's answers, as results ────────────────────────────────────────────────────────


def _image(reading: StripeReading) -> Json:
    """The world before our first try: what any later look is compared with."""
    method = reading.payment_method
    return {
        "latest_charge": reading.latest_charge,
        "remaining": reading.invoice.remaining.amount,
        "payment_method": method.id if method else None,
        "card": reading.card,
        "fingerprint": method.fingerprint if method else None,
        "charges": [
            attempt.charge for attempt in reading.attempts if attempt.invoice == reading.invoice.id
        ],
    }


def _result_of(effect: Effect) -> PayResult:
    if effect.result is None:
        raise bug(f"{effect.id} of {effect.invoice} was stopped: {effect.reason}.")
    return PayResult(**effect.result)


def _told_by(attempt: BankAttempt, reading: StripeReading) -> PayResult:
    """Our charge, found in a read because its answer was lost."""
    if attempt.succeeded:
        return _paid(attempt.charge, attempt.amount)
    if attempt.code in NEEDS_CUSTOMER:
        return _requires_action(attempt.charge, attempt.code)
    if attempt.code is None:
        return _processing(attempt.charge)
    return PayResult(
        kind=PayKind.DECLINED,
        charge=attempt.charge,
        code=attempt.code,
        text=f"The charge of {attempt.amount.plain} was declined.",
    )


def _answered(invoice: Json, asked: Money) -> PayResult | None:
    """A 200: paid, or taken on by a bank that answers in days. None: neither, so look again."""
    payments = [
        payment["payment"].get("payment_intent")
        for payment in (invoice.get("payments") or {}).get("data", ())
        if payment["status"] != "canceled"
    ]
    intent = next((each for each in payments if isinstance(each, dict)), {})
    charge = intent.get("latest_charge")
    if invoice["status"] == "paid":
        return _paid(charge, asked)
    if intent.get("status") == "processing":
        return _processing(charge)
    if intent.get("status") == "requires_action":
        return _requires_action()
    return None


def _declined(error: stripe.StripeError) -> PayResult:
    """A 402. The bank's own words stay out of `text`: it is shown to people."""
    body: Any = error.error
    code = getattr(body, "decline_code", None) or getattr(body, "code", None)
    charge = getattr(body, "charge", None)
    if code in NEEDS_CUSTOMER or getattr(body, "code", None) in NEEDS_CUSTOMER:
        return _requires_action(charge, code)
    return PayResult(
        kind=PayKind.DECLINED, charge=charge, code=code, text="The charge was declined."
    )


def _paid(charge: str | None, amount: Money) -> PayResult:
    return PayResult(
        kind=PayKind.PAID,
        charge=ChargeId(charge) if charge else None,
        text=f"Our charge of {amount.plain} was paid.",
    )


def _processing(charge: str | None) -> PayResult:
    return PayResult(
        kind=PayKind.PROCESSING,
        charge=ChargeId(charge) if charge else None,
        text="The bank took the order; it answers within days.",
    )


def _requires_action(charge: str | None = None, code: str | None = None) -> PayResult:
    return PayResult(
        kind=PayKind.REQUIRES_ACTION,
        charge=ChargeId(charge) if charge else None,
        code=code or "authentication_required",
        text="The bank wants the customer to confirm this payment in person.",
    )


def _settled(text: str) -> PayResult:
    return PayResult(kind=PayKind.SETTLED, text=text)


def _superseded(text: str) -> PayResult:
    return PayResult(kind=PayKind.SUPERSEDED, text=text)


def _payment_state(reading: StripeReading) -> PaymentState:
    match reading.invoice.payment_intent_status:
        case "processing":
            return PaymentState.PROCESSING
        case "requires_action":
            return PaymentState.REQUIRES_ACTION
        case _:
            return PaymentState.NONE


def _is_open(invoice: Json | None) -> bool:
    return invoice is not None and invoice["status"] == "open"


def _is_so(invoice: Json, wanted: Json) -> bool:
    """Has the invoice these values? An empty text in metadata means: no such key."""
    metadata = invoice.get("metadata") or {}
    return all(
        metadata.get(key, "") == value for key, value in wanted.get("metadata", {}).items()
    ) and invoice["auto_advance"] == wanted.get("auto_advance", invoice["auto_advance"])


def _in_a_line(reading: StripeReading) -> str:
    """`2 attempts on this invoice, last: insufficient_funds; 1 other open invoice`."""
    tries = sum(attempt.invoice == reading.invoice.id for attempt in reading.attempts)
    parts = [f"{tries} attempt{'' if tries == 1 else 's'} on this invoice"]
    if reading.failure:
        parts[0] += f", last: {reading.failure.decline_code or reading.failure.code}"
    if others := len(reading.other_open_invoices):
        parts.append(f"{others} other open invoice{'' if others == 1 else 's'}")
    if reading.disputed:
        parts.append("an open dispute")
    return "; ".join(parts)


def _type_of(error: stripe.StripeError) -> str | None:
    kind: str | None = getattr(error.error, "type", None)
    return kind


def _plain(noun: Noun) -> Json:
    body: Json = noun.model_dump(mode="json")
    return body
