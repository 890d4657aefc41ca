"""Money as Stripe speaks it: an integer in the currency's minor unit, and the currency's code."""

from pydantic import Field, field_validator

from workflows.nouns import Noun

# https://docs.stripe.com/currencies#zero-decimal and #special-cases (read 2026-11-22). Stripe keeps
# two decimals for ISK and UGX although ISO 4217 says none: their amounts are always whole hundreds.
_ZERO = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
ZERO_DECIMAL = frozenset(_ZERO.split())
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit has at Stripe: 0, 2 or 3."""
    code = currency.lower()
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


class Money(Noun):
    """An amount of money. `amount` is in minor units: 2900 usd is $29.00, 2900 jpy is ¥2,900."""

    amount: int = Field(description="minor units; never a float")
    currency: str = Field(description="ISO 4217, lower case")

    @field_validator("currency")
    @classmethod
    def _known_shape(cls, value: str) -> str:
        code = value.lower()
        if len(code) != 3 or not code.isascii() or not code.isalpha():
            raise ValueError(f"{value!r} is not a three-letter currency code (ISO 4217)")
        return code

    @property
    def plain(self) -> str:
        """`1,200.00 USD`: grouped, the currency's own decimals, the same in every language."""
        decimals = exponent(self.currency)
        sign = "-" if self.amount < 0 else ""
        whole, part = divmod(abs(self.amount), 10**decimals)
        fraction = f".{part:0{decimals}d}" if decimals else ""
        return f"{sign}{whole:,}{fraction} {self.currency.upper()}"
