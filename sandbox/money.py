"""Money as people read it. Inside the sandbox it is always integer minor units."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision


def major(amount: int, currency: str) -> Decimal:
    """Minor units as major ones: 4900 usd are 49.00, 4900 jpy are 4900."""
    return Decimal(amount).scaleb(-get_currency_precision(currency.upper()))


def readable(amount: int, currency: str) -> str:
    """An amount for a page: US$ 49.00."""
    return str(format_currency(major(amount, currency), currency.upper(), locale="en"))
