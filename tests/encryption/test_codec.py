"""The seal itself: what it hides, what it vouches for, and which keys it refuses."""

import base64
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter

from encryption import (
    KEY_ID,
    SEALED,
    BrokenSealError,
    KeyRing,
    PayloadCodec,
    SealError,
    UnknownKeyError,
    data_converter,
)
from settings import Settings, SettingsError, load
from tests.encryption.conftest import ring

payloads = st.builds(
    lambda metadata, data: Payload(metadata=metadata, data=data),
    st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=4).filter(
        lambda metadata: metadata.get("encoding") != SEALED
    ),
    st.binary(max_size=3_000),
)
HELLO = Payload(metadata={"encoding": b"json/plain"}, data=b'"hello, Dana"')


def codec(*kids: str, namespace: str = "default") -> PayloadCodec:
    return PayloadCodec(ring(*(kids or ("k1",))), namespace)


@given(payloads)
def test_any_payload_comes_back_as_it_was(payload: Payload) -> None:
    assert codec().open(codec().seal(payload)) == payload


@given(payloads, st.data())
def test_any_flipped_bit_breaks_the_seal(payload: Payload, data: st.DataObject) -> None:
    sealed = codec().seal(payload)
    bit = data.draw(st.integers(0, len(sealed.data) * 8 - 1))
    changed = bytearray(sealed.data)
    changed[bit // 8] ^= 1 << bit % 8
    sealed.data = bytes(changed)

    with pytest.raises(BrokenSealError):
        codec().open(sealed)


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_junk_that_calls_itself_sealed_is_never_opened(junk: bytes, kid: bytes) -> None:
    with pytest.raises(SealError):
        codec().open(Payload(metadata={"encoding": SEALED, KEY_ID: kid}, data=junk))


@given(st.integers(0, 60))
def test_a_cut_payload_is_never_opened(length: int) -> None:
    sealed = codec().seal(HELLO)
    sealed.data = sealed.data[: min(length, len(sealed.data) - 1)]

    with pytest.raises(BrokenSealError):
        codec().open(sealed)


def test_a_payload_cannot_be_moved_to_another_namespace() -> None:
    with pytest.raises(BrokenSealError):
        codec(namespace="staging").open(codec(namespace="live").seal(HELLO))


def test_a_payload_cannot_be_passed_off_under_another_key() -> None:
    same = os.urandom(32)
    both = PayloadCodec(KeyRing({"k1": same, "k2": same}), "default")
    sealed = both.seal(HELLO)
    sealed.metadata[KEY_ID] = b"k2"

    with pytest.raises(BrokenSealError):
        both.open(sealed)


def test_no_nonce_is_used_twice() -> None:
    """NIST SP 800-38D, 8: a repeated nonce under one key gives the key stream away."""
    sealer = codec()

    nonces = {sealer.seal(HELLO).data[:12] for _ in range(5_000)}

    assert len(nonces) == 5_000


def test_the_first_key_seals_and_every_key_opens() -> None:
    before, after = codec("k1", "k2"), codec("k2", "k1")

    assert before.seal(HELLO).metadata[KEY_ID] == b"k1"
    assert after.seal(HELLO).metadata[KEY_ID] == b"k2"
    assert after.open(before.seal(HELLO)) == HELLO
    assert before.open(after.seal(HELLO)) == HELLO


def test_what_was_never_sealed_is_accepted() -> None:
    assert codec().open(HELLO) == HELLO


def test_a_missing_key_is_alerted_once_however_often_temporal_tries(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sealed, opener = codec("lost").seal(HELLO), codec("k1")

    for _ in range(20):
        with pytest.raises(UnknownKeyError, match="key lost"):
            opener.open(sealed)

    [alert] = caplog.records
    assert alert.levelno == logging.ERROR
    assert vars(alert)["alert"] == "payload_key_unknown"
    assert vars(alert)["kid"] == "lost"


def test_a_key_id_that_somebody_made_up_is_not_repeated_anywhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    forged = Payload(metadata={"encoding": SEALED, KEY_ID: b"dana@example.com\n"}, data=b"0" * 40)

    with pytest.raises(UnknownKeyError) as refusal:
        codec().open(forged)

    assert "dana" not in str(refusal.value) + caplog.text + str(vars(caplog.records[0]))


def test_without_keys_payloads_stay_readable() -> None:
    assert data_converter(None) is pydantic_data_converter


# ── the key ring ────────────────────────────────────────────────────────────────────────


def entry(kid: str, key: bytes) -> str:
    return f"{kid}:{base64.b64encode(key).decode()}"


def test_the_first_entry_of_the_variable_is_the_active_key() -> None:
    new, old = os.urandom(32), os.urandom(32)

    ring = KeyRing.parse(f"{entry('2027', new)},{entry('2026', old)}")

    assert ring.active == ("2027", new)
    assert ring.keys["2026"] == old


MALFORMED = {
    "a byte too short": entry("k1", os.urandom(31)),
    "a byte too long": entry("k1", os.urandom(33)),
    "half as long": entry("k1", os.urandom(16)),
    "not base64": "k1:not-base64-at-all!",
    "without an id": base64.b64encode(os.urandom(32)).decode(),
    "an id twice": f"{entry('k1', os.urandom(32))},{entry('k1', os.urandom(32))}",
    "empty": ":",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_key_is_refused_by_the_variables_name_never_its_value(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUNNING_PAYLOAD_KEYS", text)

    with pytest.raises(SettingsError) as refusal:
        load(Settings)

    assert "DUNNING_PAYLOAD_KEYS" in str(refusal.value)
    assert all(part not in str(refusal.value) for part in text.split(":") if len(part) > 4)


@pytest.mark.parametrize(
    "sample",
    [
        bytes(32),
        b"\xff" * 32,
        bytes(range(32)),
        bytes(range(255, 223, -1)),
        b"0123456789abcdef" * 2,
        b"test-key-test-key-test-key-test!",  # Temporal's encryption samples
        b"your-32-byte-encryption-key-here",
        b"\x8f\x02\xe1\x9a" * 8,
    ],
)
def test_a_key_that_anybody_could_know_is_refused(sample: bytes) -> None:
    good = os.urandom(32)

    with pytest.raises(SettingsError) as refusal:
        data_converter(KeyRing({"k2": good, "k1": sample}))

    assert "DUNNING_PAYLOAD_KEYS holds a sample key" in str(refusal.value)
    assert "entry 2" in str(refusal.value)
    assert base64.b64encode(sample).decode() not in str(refusal.value)


def test_random_keys_are_never_mistaken_for_samples() -> None:
    for _ in range(2_000):
        data_converter(KeyRing({"k1": os.urandom(32)}))


def test_a_ring_does_not_show_its_keys() -> None:
    secret = os.urandom(32)

    shown = repr(KeyRing({"k1": secret})) + repr(data_converter(KeyRing({"k1": secret})))

    assert repr(secret)[2:-1] not in shown
    assert secret.hex() not in shown
