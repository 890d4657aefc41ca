"""A seed is a whole storm: the same accounts, faults, kills and human acts each time."""

from collections import Counter

from proof.plan import draw


def test_the_same_seed_draws_the_same_storm():
    first, second = draw(7, cases=40, storm=60), draw(7, cases=40, storm=60)

    assert (first.deeds, first.kills, first.lives) == (second.deeds, second.kills, second.lives)
    assert first.faults == second.faults
    assert [m.script.name for m in first.cast] == [m.script.name for m in second.cast]


def test_different_seeds_draw_different_storms():
    assert draw(1, cases=40, storm=60).deeds != draw(2, cases=40, storm=60).deeds


def test_a_minute_kills_the_server_three_times_the_receiver_five_times_and_postgres_twice():
    victims = Counter(kill.victim for kill in draw(3, cases=10, storm=60).kills)

    assert (victims["temporal"], victims["receiver"], victims["postgres"]) == (3, 5, 2)


def test_a_worker_dies_every_two_to_eight_seconds_while_both_work():
    lives = draw(3, cases=10, storm=60).lives

    assert set(lives) == {"worker-1", "worker-2"}
    assert all(2 * 2 <= life <= 2 * 8 for each in lives.values() for life in each)
    assert all(sum(each) >= 60 for each in lives.values())


def test_every_call_is_hit_by_each_kind_of_fault_five_to_eight_times_in_a_hundred():
    common = draw(11, cases=1, storm=60).faults[:5]

    assert {fault.kind for fault in common} == {
        "latency",
        "rate_limit",
        "error_stored",
        "cut_before",
        "cut_after",
    }
    assert all(0.05 <= fault.probability <= 0.08 for fault in common)


def test_about_a_tenth_pays_elsewhere_and_a_twentieth_is_cancelled():
    plan = draw(5, cases=2_000, storm=60)

    acts = Counter(deed.act for deed in plan.deeds)
    cancelled = acts["cancel_subscription"] + acts["void"] + acts["mark_uncollectible"]

    assert 160 <= acts["customer_pays"] <= 240
    assert 70 <= cancelled <= 130
    assert acts["fails"] == 2_000


def test_half_of_the_seeds_seal_what_temporal_keeps():
    assert [draw(seed, cases=1, storm=1).sealed for seed in range(4)] == [False, True, False, True]


def test_everything_personal_of_an_account_carries_the_canary():
    plan = draw(9, cases=30, storm=10)

    for member in plan.cast:
        assert plan.canary in (member.script.email or "")
        assert plan.canary in member.script.name.lower()
        assert all(plan.canary in note.body for note in member.script.notes)
