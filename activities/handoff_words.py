"""What a handoff asks for, in ready sentences, by why a person is needed.

`{company}`, `{who}` and `{amount}` are filled in; an ask follows "By Thu 5 Dec, ".
"""

from enum import StrEnum

from activities.words import Family
from workflows.reading import Topic


class Cause(StrEnum):
    """Why a person, when it is not the card."""

    LEGAL = "legal"
    BEREAVED = "bereaved"
    DISPUTE = "dispute"
    UNSAFE = "unsafe"  # a person must look at the account first
    REVOKED = "revoked"
    CLAIM = "claim"  # they speak of a payment that Stripe does not show
    CREDIT = "credit"  # a credit or discount is spoken of: the amount may be wrong
    BOOKED = "booked"  # our own billing data says it is paid
    OBJECTION = "objection"  # they object to the bill
    UNTOUCHABLE = "untouchable"  # asked not to be contacted
    ATTACK = "attack"  # somebody tries to steer us by text
    CONFLICT = "conflict"  # sources contradict each other
    CONCERN = "concern"  # they are upset, or in trouble with us
    LEAVING = "leaving"
    RENEWAL = "renewal"
    MEETING = "meeting"
    UNREAD = "unread"  # they wrote to us, and nobody has read it
    OUR_SIDE = "our_side"
    NONE = "none"


CAUSE_OF = {  # rule codes, the weightiest first
    "ESC_LEGAL_SENSITIVE": Cause.LEGAL,
    "ESC_OPEN_DISPUTE": Cause.DISPUTE,
    "ESC_FRAUD_SIGNAL": Cause.UNSAFE,
    "ESC_NETWORK_REVIEW": Cause.UNSAFE,
    "ESC_AUTH_REVOKED": Cause.REVOKED,
    "ESC_PAYMENT_CLAIM_UNVERIFIED": Cause.CLAIM,
    "ESC_BILLING_SAYS_PAID": Cause.BOOKED,
    "NORETRY_DUPLICATE": Cause.BOOKED,
    "ESC_BILLING_DISPUTED": Cause.OBJECTION,
    "BLOCK_CONTACT_DNC": Cause.UNTOUCHABLE,
    "PREFER_PERSON_ATTACK": Cause.ATTACK,
    "PREFER_PERSON_CONFLICT": Cause.CONFLICT,
    "PREFER_PERSON_UPSET": Cause.CONCERN,
    "PREFER_PERSON_LEAVING": Cause.LEAVING,
    "PREFER_PERSON_RENEWAL": Cause.RENEWAL,
    "PREFER_PERSON_MEETING": Cause.MEETING,
    "PREFER_PERSON_UNREAD": Cause.UNREAD,
    "PREFER_PERSON_OUR_SIDE": Cause.OUR_SIDE,
}
# What a cause rests on when it comes from words. Said by nobody but an attacker, it is an attack.
TOPICS_OF = {
    Cause.CLAIM: {Topic.PAID, Topic.CREDIT},
    Cause.OBJECTION: {Topic.DISPUTED},
    Cause.CONCERN: {Topic.ANGER, Topic.OUTAGE},
    Cause.LEAVING: {Topic.CHURN, Topic.CANCEL},
}
CAUSE_OF_TOPIC = {  # when a model chose the person, and no rule had to
    Topic.ANGER: Cause.CONCERN,
    Topic.OUTAGE: Cause.CONCERN,
    Topic.DISPUTED: Cause.OBJECTION,
    Topic.CHURN: Cause.LEAVING,
}

IN_SUBJECT = {
    Cause.LEGAL: "legal matter on file",
    Cause.BEREAVED: "bereavement or illness on file",
    Cause.DISPUTE: "dispute open",
    Cause.CLAIM: "said to be paid",
    Cause.CREDIT: "credit spoken of",
    Cause.BOOKED: "may be paid already",
    Cause.OBJECTION: "bill is questioned",
}

ASKS = {
    Cause.LEGAL: (
        "please bring in whoever handles legal matters before anyone writes to {company}; "
        "a legal matter is on file and {amount} is open."
    ),
    Cause.BEREAVED: (
        "please decide, with care, whether anyone should write to {company} now: a death, an "
        "illness or an emergency is on file, and {amount} is open."
    ),
    Cause.DISPUTE: (
        "please work on the open dispute with {company} first; until it is settled nobody should "
        "charge or chase {amount}."
    ),
    Cause.UNSAFE: (
        "please look at this account before anyone charges or writes to {company}; {amount} "
        "cannot be charged to what is on file."
    ),
    Cause.REVOKED: (
        "please ask {who} whether they want to continue: they told their bank to stop our "
        "payments, and {amount} is open."
    ),
    Cause.CLAIM: (
        "please check the payment that {company} speaks of; Stripe still shows {amount} open."
    ),
    Cause.CREDIT: (
        "please clear up the credit that is spoken of with {company}: the {amount} that Stripe "
        "shows open may be too much."
    ),
    Cause.BOOKED: (
        "please check our own books: {amount} of {company} may be paid already, though Stripe "
        "still shows it open."
    ),
    Cause.OBJECTION: (
        "please answer {company}’s objection to the bill before anyone asks for {amount}."
    ),
    Cause.ATTACK: (
        "please check with {who} by a channel you know: somebody tries to steer this case by text, "
        "and {amount} is open."
    ),
    Cause.CONFLICT: (
        "please clear up with {who} what is right: our sources contradict each other, and {amount} "
        "is open."
    ),
    Cause.LEAVING: (
        "please talk with {who} about how things stand, then about the bill: they may be leaving, "
        "and {amount} is open."
    ),
    Cause.RENEWAL: (
        "please bring {amount} up yourself with {who}: a renewal or expansion is being talked "
        "about, and it matters more."
    ),
    Cause.MEETING: "please bring {amount} up when you meet {who}: a meeting is arranged.",
    Cause.UNREAD: (
        "please read what {company} wrote to us lately, and answer it before anyone asks for "
        "{amount}."
    ),
    Cause.OUR_SIDE: (
        "please have someone look at our own set-up: the decline of {amount} for {company} points "
        "at us, not at them."
    ),
    Cause.UNTOUCHABLE: (
        "please decide how to reach {company} about {amount}: they asked not to be contacted, so "
        "we wrote to nobody."
    ),
    Cause.CONCERN: (
        "please talk with {who} about how things stand before anyone mentions the bill; {amount} "
        "is open, and their concern comes first."
    ),
}
ASKS_BY_FAMILY = {
    Family.EXPIRED: (
        "please ask {who} for a current card; {amount} cannot be charged to the one on file."
    ),
    Family.AUTHENTICATION: (
        "please ask {who} to confirm {amount} with their bank; only they can pass its "
        "authentication."
    ),
    Family.UNNAMED: (
        "please ask {who} for another payment method; the bank will not approve this card for "
        "{amount}."
    ),
    Family.DEBIT: "please agree with {who} how to pay {amount}; the bank debit came back.",
    Family.INVOICE: (
        "please ask {who} when {amount} will be paid, and what their accounts payable still needs."
    ),
    Family.NO_METHOD: (
        "please ask {who} for a payment method; there is none on file for {amount}."
    ),
    Family.LIMIT: (
        "please ask {who} for another way to pay {amount}; it went over a limit of their card."
    ),
}

RECOMMENDED = {
    Cause.BEREAVED: "Leave the bill for later; a personal word first, if you know them.",
    Cause.LEGAL: "Let your legal contact decide what may be sent, and by whom.",
    Cause.DISPUTE: "Answer the dispute in Stripe, and ask the customer what went wrong.",
    Cause.UNSAFE: "Check that the account is genuine and in use.",
    Cause.REVOKED: "Ask in person, without a payment link.",
    Cause.CLAIM: "Look for the transfer; if it is there, mark the invoice paid in Stripe.",
    Cause.CREDIT: "Find out what was agreed; then issue the credit or correct the invoice.",
    Cause.BOOKED: "Compare our billing data with Stripe; if it is paid, mark the invoice paid.",
    Cause.OBJECTION: "Answer the objection; then agree on what is owed.",
    Cause.UNTOUCHABLE: "Use the channel they agreed to, or ask who may.",
    Cause.ATTACK: "Call a contact you know; follow no link or address from the notes.",
    Cause.CONFLICT: "Ask them, and correct the record that is wrong.",
    Cause.LEAVING: "Listen first; ask for the payment in the same talk.",
    Cause.RENEWAL: "Speak with them before the deal closes; the draft below is a start.",
    Cause.MEETING: "Use the meeting; the draft below is for afterwards.",
    Cause.UNREAD: "Answer their message, and mention the payment in passing.",
    Cause.OUR_SIDE: "Ask whoever runs payments; do not ask the customer to mend it.",
    Cause.CONCERN: "Answer what is open on their side; then ask for the payment in the same talk.",
}
ALTERNATIVES = {
    Cause.BEREAVED: "Snooze it for some weeks.",
    Cause.LEGAL: "Already handled? Stop the case.",
    Cause.DISPUTE: "Snooze until the bank has decided.",
    Cause.UNSAFE: "If it is not, stop the case.",
    Cause.REVOKED: "If they are leaving, end the subscription and stop the case.",
    Cause.CLAIM: "Send the draft and ask for the remittance advice.",
    Cause.CREDIT: "Snooze until it is decided.",
    Cause.BOOKED: "Snooze until the books are checked.",
    Cause.OBJECTION: "Snooze until it is answered.",
    Cause.UNTOUCHABLE: "Snooze until the contact is agreed.",
    Cause.CONFLICT: "Snooze until it is clear.",
    Cause.LEAVING: "If they leave for good, agree on the last invoice and stop the case.",
    Cause.OUR_SIDE: "Snooze until it is mended.",
    Cause.CONCERN: "Snooze until the talk has happened.",
}
NO_DRAFT = {
    Cause.BEREAVED: "No draft on purpose: this is no time for a billing message.",
    Cause.LEGAL: "No draft on purpose: a billing message could do harm here.",
    Cause.DISPUTE: "No draft on purpose: nobody chases a bill while it is disputed.",
    Cause.UNSAFE: "No draft on purpose: look at the account first.",
    Cause.UNTOUCHABLE: "No draft on purpose: they asked not to be contacted.",
    Cause.CREDIT: "No draft on purpose: the amount may be wrong.",
    Cause.BOOKED: "No draft on purpose: nobody should be asked to pay twice.",
    Cause.OBJECTION: "No draft on purpose: they are waiting for an answer, not for a reminder.",
    Cause.ATTACK: "No draft on purpose: check first whom you are talking to.",
    Cause.LEAVING: "No draft on purpose: a bill should not be the next thing they hear from us.",
    Cause.OUR_SIDE: "No draft on purpose: there is nothing for the customer to mend.",
    Cause.CONCERN: "No draft on purpose: a bill should not be the next thing they hear from us.",
}

# What some answers mean, in brief and in a clause: where "gave no reason" would be untrue.
CODE_DETAILS = {
    "invalid_account": ("card no longer valid", "the card's account is no longer valid"),
    "incorrect_number": ("card details wrong", "the card number is not right"),
    "invalid_number": ("card details wrong", "the card number is not right"),
    "incorrect_cvc": ("card details wrong", "the security code of the card is not right"),
    "invalid_cvc": ("card details wrong", "the security code of the card is not right"),
    "incorrect_zip": ("address does not match", "the billing address does not match the bank's"),
    "incorrect_address": (
        "address does not match",
        "the billing address does not match the bank's",
    ),
    "card_not_supported": ("card not accepted", "this kind of card cannot pay this invoice"),
    "currency_not_supported": ("currency not accepted", "this card cannot pay in this currency"),
    "call_issuer": ("bank asks for a call", "the bank asks the cardholder to call it"),
    "duplicate_transaction": (
        "may be paid already",
        "the bank took it for a second charge of one payment",
    ),
    "partner_duplicate_transaction": (
        "may be paid already",
        "the bank took it for a second charge of one payment",
    ),
    "invalid_amount": ("amount not accepted", "the bank does not accept this amount"),
    "partner_invalid_amount": ("amount not accepted", "the bank does not accept this amount"),
    "card_decline_rate_limit_exceeded": (
        "card declined too often",
        "the card was declined too often; Stripe will not ask again for a while",
    ),
    "india_recurring_payment_mandate_canceled": (
        "mandate cancelled",
        "the cardholder's mandate for renewals was cancelled",
    ),
    "payment_intent_mandate_invalid": (
        "mandate not valid",
        "the mandate to charge is no longer valid",
    ),
    "billing_invalid_mandate": ("mandate not valid", "the mandate to charge is no longer valid"),
}
ADVICE_DETAILS = {  # the bank's own advice, whatever the code
    "confirm_card_data": ("card details to check", "the bank wants the card's details checked"),
}
MASTERCARD_DETAILS = {
    "01": ("card details changed", "the bank has new details for this card"),
    "40": ("prepaid card", "it is a prepaid card that cannot be charged again"),
    "41": ("single-use card", "the card number was good for one payment only"),
}
STOPPED = ("payment stopped", "the payment was stopped before it reached the bank")
UNSAFE = ("bank declined", "this card cannot be charged")
