"""The page about the rules cannot lie, and the rules cannot lack a word."""

from tests.policy.rules_page import PAGE, page
from tests.policy.shipped import declines, words
from workflows.case import Action
from workflows.declines import DANGER_CODES, EXPIRED_CODES, FUNDS_CODES, LIMIT_CODES, REVOKED_CODES
from workflows.phrases import alone, plain, spoken
from workflows.policy import CHOICES, ENDINGS, FILTERS, RULES
from workflows.reading import Topic

BANK_CODES = {"R01", "R05", "R07", "R08", "R09", "R10", "R29", "AM04", "MD01"}  # not Stripe's own


def test_the_page_is_what_the_rules_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.policy.rules_page"


def test_every_rule_has_its_own_code_a_sentence_and_a_source() -> None:
    rules = (*ENDINGS, *FILTERS, *RULES)

    assert len({rule.code for rule in rules}) == len(rules)
    assert all(rule.because and rule.source for rule in rules)


def test_rules_stand_in_the_order_of_their_groups() -> None:
    groups = [rule.group for rule in RULES]

    assert groups == sorted(groups)


def test_handing_over_is_never_forbidden() -> None:
    assert not any(Action.ESCALATE_NOW in rule.forbids for rule in RULES)
    assert CHOICES[-1].action is Action.ESCALATE_NOW


def test_codes_that_rules_name_are_in_the_table() -> None:
    known = {row.code for row in declines()} | BANK_CODES

    for named in (FUNDS_CODES, LIMIT_CODES, REVOKED_CODES, EXPIRED_CODES, DANGER_CODES):
        assert named <= known


def test_no_code_stands_in_the_table_twice() -> None:
    codes = [row.code for row in declines()]

    assert len(codes) == len(set(codes))


def test_a_code_that_may_not_be_retried_has_no_attempts_left() -> None:
    assert all(row.max_attempts == 0 for row in declines() if row.retry_off_session == "no")


def test_every_topic_has_words_and_every_word_list_is_read() -> None:
    made_by_code = {Topic.INJECTION, Topic.CONTACT_CHANGE}
    helpers = {"negation", "settled", "history", "held", "harmless", "orders"}

    assert set(words()) == (set(Topic) - made_by_code) | helpers


def test_every_phrase_compiles_and_finds_something_that_is_not_empty() -> None:
    for languages in words().values():
        for phrases in languages.values():
            for phrase in phrases:
                assert alone(phrase).search("") is None


def test_every_phrase_is_found_in_a_text_that_says_it_in_any_of_its_ways() -> None:
    for languages in words().values():
        for phrases in languages.values():
            for phrase in phrases:
                for text in ways_to_say(phrase):
                    found = [said for said, _ in spoken(phrases, text)]
                    assert phrase in found, (phrase, text)


def ways_to_say(phrase: str) -> list[str]:
    """`have/had paid*`: "have paidx", "had paidx"."""
    ways = [""]
    for word in plain(phrase).split():
        said = ["und dann"] if word == ".." else [w.replace("*", "x") for w in word.split("/")]
        ways = [f"{way} {each}".strip() for way in ways for each in said]
    return ways


def test_topics_are_known_in_thirteen_languages() -> None:
    spoken = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "ja", "ko", "zh", "ar"}

    for languages in words().values():
        assert spoken <= set(languages)
