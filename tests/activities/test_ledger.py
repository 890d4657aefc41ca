"""What we do to the world is written down before, only moves forward, and is never done under two
keys.
"""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from activities.database import Pool, transact
from activities.ledger import EffectId, InFlightError, Ledger
from activities.records import Records
from tests.activities.given import INVOICE, NOON, a_ref, an_open_case
from tests.fixtures.stripe import MovableClock

PAY_1 = EffectId(invoice=INVOICE, purpose="pay", ordinal=1)
PAY_2 = EffectId(invoice=INVOICE, purpose="pay", ordinal=2)
MAIL = EffectId(invoice=INVOICE, purpose="mail:update_link", ordinal=1)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def ledger(pool: Pool, records: Records, clock: MovableClock) -> Ledger:
    await an_open_case(records)
    return Ledger(pool, clock)


async def intended(ledger: Ledger, which: EffectId = PAY_1):
    return await ledger.intend(which, cycle=1, case_at=NOON)


# ── keys ────────────────────────────────────────────────────────────────────────────────


async def test_a_key_is_made_of_business_facts_and_survives_any_restart(ledger: Ledger):
    effect = await intended(ledger)

    assert effect.key.startswith("d1:")
    assert len(effect.key) == len("d1:") + 40
    assert (await intended(Ledger(ledger._pool))).key == effect.key


async def test_no_two_effects_share_a_key(ledger: Ledger, records: Records):
    await an_open_case(records, a_ref("in_2"))
    elsewhere = PAY_1.model_copy(update={"invoice": "in_2"})
    effects = [await intended(ledger, which) for which in (PAY_1, PAY_2, MAIL, elsewhere)]
    effects.append(await ledger.new_epoch(await ledger.begin(effects[2]), "old"))

    assert len({effect.key for effect in effects}) == 5


# ── a row's life ────────────────────────────────────────────────────────────────────────


async def test_the_intent_is_committed_before_anything_else_happens(ledger: Ledger, pool: Pool):
    await intended(ledger)

    async with pool.acquire() as somebody_else:
        assert await somebody_else.fetchval("select state from dunning.effect") == "intent"


async def test_the_world_before_is_kept_from_the_first_try(ledger: Ledger):
    effect = await ledger.begin(await intended(ledger), {"latest_charge": "ch_1"})
    effect = await ledger.begin(effect, {"latest_charge": "ch_2"})

    assert effect.before == {"latest_charge": "ch_1"}
    assert effect.tries == 2


async def test_what_was_settled_first_stays(ledger: Ledger):
    effect = await ledger.begin(await intended(ledger))

    await ledger.settle(effect, {"kind": "paid"}, external_id="ch_1")
    late = await ledger.settle(effect, {"kind": "declined"}, external_id="ch_2")
    later = await ledger.block(effect, "too late")

    assert late.result == later.result == {"kind": "paid"}
    assert late.external_id == "ch_1"


async def test_a_late_zombie_cannot_start_a_finished_effect_again(ledger: Ledger):
    effect = await ledger.begin(await intended(ledger))
    await ledger.settle(effect, {"kind": "paid"})

    for zombie in (
        ledger.begin(effect),
        ledger.new_epoch(effect, "late"),
        ledger.give_up(effect, ""),
    ):
        assert (await zombie).state == "done"


async def test_giving_up_is_not_the_end_reading_may_still_settle_it(ledger: Ledger):
    effect = await ledger.give_up(await ledger.begin(await intended(ledger)), "Stripe is silent")

    assert effect.state == "unknown"
    assert (await ledger.settle(effect, {"kind": "paid"})).state == "done"


@pytest.mark.parametrize(
    "attempt",
    [
        "update dunning.effect set state = 'intent'",
        "update dunning.effect set before = '{}'",
        "update dunning.effect set epoch = -1",
        "update dunning.effect set first_try = now()",
        "update dunning.effect set ordinal = 7",
        "delete from dunning.effect",
        "truncate dunning.effect",
    ],
)
async def test_the_database_itself_refuses_to_forget(ledger: Ledger, pool: Pool, attempt: str):
    await ledger.begin(await intended(ledger), {"latest_charge": None})

    with pytest.raises(asyncpg.RaiseError):
        await pool.execute(attempt)


async def test_what_is_done_is_final_even_for_someone_with_sql(ledger: Ledger, pool: Pool):
    await ledger.settle(await intended(ledger), {"kind": "sent"})

    with pytest.raises(asyncpg.RaiseError, match="that is final"):
        await pool.execute("update dunning.effect set result = '{}'")


async def test_there_is_no_effect_without_a_case(ledger: Ledger):
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await intended(ledger, PAY_1.model_copy(update={"invoice": "in_unknown"}))


# ── one charge at a time ────────────────────────────────────────────────────────────────


async def test_a_second_charge_is_refused_while_the_first_is_unclear(ledger: Ledger):
    first = await ledger.begin(await intended(ledger, PAY_1))
    second = await intended(ledger, PAY_2)

    with pytest.raises(InFlightError, match="pay 1 of in_1") as refusal:
        await ledger.begin(second)
    assert refusal.value.other.id == PAY_1

    await ledger.give_up(first, "silence")
    with pytest.raises(InFlightError):
        await ledger.begin(second)

    await ledger.settle(first, {"kind": "declined"})
    assert (await ledger.begin(second)).state == "trying"


async def test_mails_and_charges_do_not_stand_in_each_others_way(ledger: Ledger):
    await ledger.begin(await intended(ledger, PAY_1))

    assert (await ledger.begin(await intended(ledger, MAIL))).state == "trying"


async def test_workers_that_race_on_one_row_count_each_try_and_agree_on_the_end(ledger: Ledger):
    effect = await intended(ledger)

    await asyncio.gather(*(ledger.begin(effect) for _ in range(8)))
    ends = await asyncio.gather(*(ledger.settle(effect, {"by": n}) for n in range(8)))

    assert len({str(end.result) for end in ends}) == 1
    assert (await ledger.find(PAY_1)).tries == 8


async def test_one_new_key_even_when_two_workers_want_one(ledger: Ledger):
    effect = await ledger.begin(await intended(ledger))

    await asyncio.gather(*(ledger.new_epoch(effect, "worn") for _ in range(4)))

    assert (await ledger.find(PAY_1)).epoch == 1


# ── values that are set ─────────────────────────────────────────────────────────────────


async def test_a_value_wanted_again_later_is_set_under_another_key(ledger: Ledger):
    async def set_to(value: str):
        effect = await ledger.intend_next(INVOICE, "announce", {"at": value}, cycle=1, case_at=NOON)
        return effect, await ledger.settle(await ledger.begin(effect), {"kind": "set"})

    keys = [(await set_to(value))[0].key for value in ("monday", "tuesday", "monday")]

    assert len(set(keys)) == 3


async def test_a_value_whose_setting_was_interrupted_is_set_under_the_same_key(ledger: Ledger):
    async def want(value: str):
        return await ledger.intend_next(INVOICE, "announce", {"at": value}, cycle=1, case_at=NOON)

    first = await ledger.begin(await want("monday"))

    assert (await want("monday")).key == first.key
    assert (await want("tuesday")).key != first.key


# ── external ids, the sweep, the trail ──────────────────────────────────────────────────


async def test_only_one_draft_is_ever_bound_to_a_mail(ledger: Ledger):
    effect = await intended(ledger, MAIL)

    bound = await asyncio.gather(*(ledger.bind_external(effect, f"draft-{n}") for n in range(4)))

    assert len({each.external_id for each in bound}) == 1


async def test_the_sweep_is_shown_what_has_been_unclear_for_long(ledger: Ledger, clock):
    await ledger.begin(await intended(ledger, PAY_1))
    clock.forward(timedelta(minutes=20))
    await ledger.begin(await intended(ledger, MAIL))
    clock.forward(timedelta(minutes=20))

    unclear = await ledger.unclear(older_than=timedelta(minutes=30))

    assert [effect.id for effect in unclear] == [PAY_1]


async def test_every_change_of_an_effect_is_in_the_trail_of_its_case(ledger, records: Records):
    effect = await ledger.begin(await intended(ledger))
    effect = await ledger.new_epoch(effect, "the old key did nothing")
    await ledger.settle(await ledger.begin(effect), {"kind": "paid"}, reason="paid: all of it")

    told = [(line.event, line.detail) for line in await records.audit_trail(INVOICE)][1:]
    assert told == [
        ("effect_trying", "pay 1"),
        ("effect_trying", "pay 1, key 2: the old key did nothing"),
        ("effect_done", "pay 1, key 2: paid: all of it"),
    ]


# ── transactions ────────────────────────────────────────────────────────────────────────


async def test_a_transaction_that_lost_a_race_is_tried_three_times(pool: Pool):
    tries = []

    async def unlucky(connection):
        tries.append(1)
        raise asyncpg.SerializationError("could not serialize access")

    with pytest.raises(asyncpg.SerializationError):
        await transact(pool, unlucky)
    assert len(tries) == 3


async def test_a_transaction_that_deadlocks_once_succeeds(pool: Pool):
    tries = []

    async def unlucky_once(connection):
        tries.append(1)
        if len(tries) == 1:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return await connection.fetchval("select 1")

    assert await transact(pool, unlucky_once) == 1
