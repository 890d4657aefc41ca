"""A canary's song: personal data goes through a whole case, and must not be found afterwards.

Looked at, byte by byte: the file that Temporal keeps everything in, what workers log, and what
Temporal's own core writes to standard error. Looked for: the words as they are, and as they read
inside base64 or JSON. A detector that finds nothing proves nothing, so it must find the same
words where nothing is sealed, and one word that Temporal may know in either case.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from encryption import KeyRing
from tests.encryption.conftest import Case, Installation, ring
from tests.logs.capture import Captured, configured
from tests.workflows.outside import Outside, retry
from workflows import steps
from workflows.case import Brief, State
from workflows.money import Money

pytestmark = pytest.mark.system

EMAIL = "canarina@copperworks-canary.example"
NAME = "Canarina Fieldfare"
COMPANY = "Kanarienvogel Kupferwerke GmbH"
NOTE = "CANARY she said the crate was late and she is upset"
LETTER = "CANARY your payment did not go through, please update your card"
CANARIES = (EMAIL, NAME, COMPANY, NOTE, LETTER)
ALLOWED = "canary_in_a_search_attribute"  # where a decline code stands

log = structlog.get_logger("dunning.canary")


class Gossip(Outside):
    """The scripted world, with a canary wherever free text can be, and careless programmers."""

    def _trouble(self, text: str) -> ApplicationError:
        return ApplicationError(text, {"who": NAME}, type="Refused", non_retryable=True)

    def gather_billing(self, order: steps.Gather) -> steps.Gathered:
        log.info("billing read", email=EMAIL, name=NAME, invoice=order.ref.invoice, found=True)
        activity.logger.warning("the plan of %s", COMPANY)
        activity.logger.error(f"no plan for '{COMPANY}' <{EMAIL}>")
        return steps.Gathered(source="billing", found=True, text=f"{COMPANY}: {NOTE}")

    def gather_crm(self, order: steps.Gather) -> steps.Gathered:
        raise self._trouble(f"HubSpot knows no {NAME} <{EMAIL}> of {COMPANY}")

    def weigh_evidence(self, order: steps.Weigh) -> steps.Weighed:
        if "weigh" in self.down:
            raise self._trouble(f"{NAME}: {NOTE}")
        brief = Brief(
            account=COMPANY,
            amount=Money(amount=2900, currency="usd"),
            why=NOTE,
            decline_code=ALLOWED,
            plan_tier="growth",
        )
        return super().weigh_evidence(order).model_copy(update={"brief": brief})

    def propose(self, order: steps.Propose) -> steps.Proposed:
        return steps.Proposed(proposal=None, problem=f"The model said: {NAME}, {NOTE}")

    def conclude(self, order: steps.Conclude) -> steps.Concluded:
        return super().conclude(order).model_copy(update={"why": f"{NAME} wrote: {NOTE}"})

    def write_letter_from_template(self, order: steps.Write) -> steps.Written:
        written = super().write_letter_from_template(order)
        return written.model_copy(update={"subject": f"{COMPANY}: {LETTER}"})

    def send_letter(self, order: steps.Send) -> steps.SendResult:
        if not self.mails:
            self.mails.append(order.kind)
            raise ValueError(f"Graph cannot deliver {LETTER} to {EMAIL}")  # tried again
        return steps.SendResult(kind=steps.SendKind.BLOCKED, text=f"{EMAIL} is blocked")

    def write_note(self, order: steps.WriteNote) -> steps.NoteWritten:
        return steps.NoteWritten(written=True, text=f"{NAME}: {NOTE}")


@pytest.fixture
def gossip() -> Gossip:
    world = Gossip()
    world.model = True
    world.plans = [retry(days=0, approval="APPR_AMOUNT")]
    return world


@pytest.fixture
def written() -> Iterator[Captured]:
    """Everything this process logs, as a worker would."""
    with configured("worker") as out:
        yield out


@pytest.mark.parametrize("sealed", [True, False])
async def test_no_word_about_a_customer_stays_behind(
    sealed: bool,
    installation: Installation,
    gossip: Gossip,
    written: Captured,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keys = ring("k1") if sealed else None

    await a_case_is_approved(installation, gossip, keys)
    await a_case_fails(installation, gossip, keys)

    kept = everything_in(installation.database)
    assert found_in(kept, ALLOWED), "the detector finds what Temporal may know"
    leaks = [canary for canary in CANARIES if found_in(kept, canary)]
    assert leaks == ([] if sealed else list(CANARIES))
    printed = "".join(capfd.readouterr()) + written.getvalue()
    assert "billing read" in printed
    assert [canary for canary in CANARIES if found_in(printed.encode(), canary)] == []


async def a_case_is_approved(
    installation: Installation, gossip: Gossip, keys: KeyRing | None
) -> None:
    async with installation.workers(keys, gossip) as client:
        case = await installation.start(client)
        await case.reaches(State.AWAITING_APPROVAL)
        await case.handle.signal("reject", {"decision_id": NAME, "actor": EMAIL, "reason": NOTE})
        await case.handle.signal("nonsense", f"{NAME}: {NOTE}")
        await case.handle.execute_update(
            "decide", {"verdict": "approve", "actor": EMAIL, "reason": NOTE}
        )
        assert await case.outcome() == "recovered"
        assert NOTE in await details(case)  # the canary did sing


async def a_case_fails(installation: Installation, gossip: Gossip, keys: KeyRing | None) -> None:
    gossip.ending, gossip.down = None, {"weigh"}
    async with installation.workers(keys, gossip) as client:
        case = await installation.start(client)
        with pytest.raises(WorkflowFailureError):
            await case.outcome()


async def details(case: Case) -> str:
    metadata = await case.handle.query("__temporal_workflow_metadata")
    return str(metadata)


def everything_in(database: Path) -> bytes:
    """The file and its write-ahead log."""
    files = sorted(database.parent.glob(f"{database.name}*"))
    assert database in files
    return b"".join(file.read_bytes() for file in files)


def found_in(haystack: bytes, canary: str) -> bool:
    return any(needle in haystack for needle in disguises(canary))


def disguises(text: str) -> Iterator[bytes]:
    """The text as it is, and inside base64 wherever its first byte fell among the three."""
    raw = text.encode()
    yield raw
    yield text.encode("utf-16-le")
    yield text.replace(" ", "+").encode()
    yield text.replace(" ", "%20").replace("@", "%40").encode()
    for shift in range(3):
        whole = raw[shift : shift + (len(raw) - shift) // 3 * 3]
        yield base64.b64encode(whole)
        yield base64.urlsafe_b64encode(whole)


def test_the_detector_sees_through_base64() -> None:
    for offset in range(6):
        hidden = base64.b64encode(b"x" * offset + NAME.encode() + b" and more")
        assert found_in(b"..." + hidden + b"...", NAME)
    assert not found_in(b"nothing to see here", NAME)
