"""The stage of `dunning demo`: it watches each story, gives the cues, and judges the ending."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import httpx

from sandbox.accounts import Account
from sandbox.control import Sandbox, SandboxError
from sandbox.demo_accounts import (
    BankSettles,
    Beat,
    CancelsSubscription,
    CustomerClicks,
    CustomerPays,
    InState,
    MailSent,
    PersonApproves,
    ReplacesCard,
    Story,
)
from sandbox.effects import Effects, MailEffect
from starter.temporal import Cases, NoSuchCaseError, RefusedError, UnreachableError
from workflows.case import State, Status
from workflows.money import Money

LOOKS_EVERY = 0.35  # seconds
PAY_LINK = re.compile(r'https?://[^\s"<>]+/pay/[A-Za-z0-9_.\-]+')
TRIES = 8


@dataclass
class Play:
    """One story under way."""

    story: Story
    account: Account
    status: Status | None = None
    charges: int = 0
    to_customer: list[MailEffect] = field(default_factory=list)
    to_us: list[MailEffect] = field(default_factory=list)
    paid: int = 0  # minor units, whoever paid
    given: set[Beat] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)

    @property
    def invoice(self) -> str:
        return self.account.invoice

    @property
    def over(self) -> bool:
        return self.status is not None and self.status.outcome is not None

    @property
    def amount(self) -> Money:
        script = self.story.script
        return Money(amount=script.amount_minor, currency=script.currency)

    @property
    def state(self) -> str:
        return self.status.state if self.status else "not started"

    def differences(self) -> list[str]:
        """What came otherwise than scripted, in words."""
        story = self.story
        found = (
            ("outcome", story.outcome, self.status.outcome if self.status else None),
            ("charges", story.charges, self.charges),
            ("mails to the customer", story.customer_mails, len(self.to_customer)),
            ("mails to the team", story.csm_mails, len(self.to_us)),
        )
        differ = [f"{what}: {got}, not {want}" for what, want, got in found if want != got]
        return differ + self.troubles


class Stage:
    """Plays every story at once."""

    def __init__(self, sandbox: Sandbox, cases: Cases, plays: Sequence[Play]) -> None:
        self.plays = plays
        self._sandbox = sandbox
        self.cases = cases
        self._deeds: set[asyncio.Task[None]] = set()

    async def open(self, between: float = 0.25) -> None:
        """Every first charge fails, one after the other, as signed webhooks."""
        for play in self.plays:
            await self._sandbox.fail(play.invoice)
            await asyncio.sleep(between)

    async def look(self) -> bool:
        """See how all stories stand, and give what cues are due. True when all are over."""
        effects = await self._sandbox.effects()
        await asyncio.gather(*(self._look_at(play, effects) for play in self.plays))
        return all(play.over for play in self.plays) and not self._deeds

    async def close(self) -> None:
        for task in self._deeds:
            task.cancel()
        await asyncio.gather(*self._deeds, return_exceptions=True)

    async def count_money(self) -> None:
        for play in self.plays:
            invoice = await self._sandbox.invoice(play.invoice)
            play.paid = int(invoice["amount_paid"])

    async def _look_at(self, play: Play, effects: Effects) -> None:
        play.charges = len(effects.charges_of(play.invoice, who="ours"))
        play.to_customer = [mail for mail in effects.mails if play.account.email in mail.to]
        play.to_us = list(_about(play, effects.mails))
        if play.over:
            return
        try:
            play.status = await self.cases.status(play.invoice)
        except (NoSuchCaseError, UnreachableError, RefusedError):
            return  # the webhook is under way, or the worker is busy: look again
        for beat in play.story.plot:
            if beat not in play.given and _is_cue(beat, play):
                play.given.add(beat)
                self._give(beat, play)

    def _give(self, beat: Beat, play: Play) -> None:
        task = asyncio.create_task(self._do(beat, play))
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)

    async def _do(self, beat: Beat, play: Play) -> None:
        await asyncio.sleep(beat.after)
        trouble = ""
        for _ in range(TRIES):
            try:
                return await self._deed(beat, play)
            except NoSuchCaseError:
                return None  # the viewer was quicker
            except (SandboxError, httpx.HTTPError, UnreachableError, RefusedError) as problem:
                trouble = f"{type(beat.deed).__name__}: {problem}"
            await asyncio.sleep(LOOKS_EVERY)
        if not isinstance(beat.deed, PersonApproves):  # else the viewer has answered already
            play.troubles.append(trouble)

    async def _deed(self, beat: Beat, play: Play) -> None:
        account, sandbox = play.account, self._sandbox
        match beat.deed:
            case CustomerPays():
                await sandbox.customer_pays(account.invoice)
            case CustomerClicks():
                await click_through(play.to_customer[-1])
            case ReplacesCard(card):
                await sandbox.replace_card(account.customer, card)
            case CancelsSubscription():
                await sandbox.cancel_subscription(account.subscription or "")
            case BankSettles():
                await sandbox.settle(account.invoice)
            case PersonApproves(reason, actor, action):
                order = {"verdict": "approve", "actor": actor, "reason": reason}
                order |= {"action": action} if action else {}
                await self.cases.decide(account.invoice, order)


def _is_cue(beat: Beat, play: Play) -> bool:
    match beat.cue:
        case InState(state):
            return play.state == State(state)
        case MailSent(to, count):
            return len(play.to_customer if to == "customer" else play.to_us) >= count


def _about(play: Play, mails: Iterable[MailEffect]) -> Iterable[MailEffect]:
    """Mails to our own people about this account: its name is in the subject."""
    for mail in mails:
        if play.account.email not in mail.to and play.story.name in mail.subject:
            yield mail


async def click_through(mail: MailEffect) -> None:
    """What a customer does: open our link, press our button, press Stripe's."""
    found = PAY_LINK.search(mail.body)
    if found is None:
        raise SandboxError("the mail holds no link")
    async with httpx.AsyncClient(trust_env=False, timeout=10) as browser:
        (await browser.get(found[0])).raise_for_status()
        pressed = await browser.post(found[0])
        if pressed.status_code != 303:
            raise SandboxError(f"our button answered {pressed.status_code}")
        paid = await browser.post(pressed.headers["location"])
        if paid.is_error:
            raise SandboxError(f"the hosted page answered {paid.status_code}")
