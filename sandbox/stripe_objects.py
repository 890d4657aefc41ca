"""How the world looks in Stripe's JSON, API version 2026-10-28.endive."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sandbox.accounts import Decline
from sandbox.world import (
    Charge,
    Customer,
    Dispute,
    Invoice,
    InvoicePayment,
    PaymentIntent,
    PaymentMethod,
    Subscription,
    World,
)

Json: TypeAlias = dict[str, Any]

_MESSAGES: Final = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
_SELLER_MESSAGES: Final = {
    "blocked": "Stripe blocked this payment.",
    "invalid": "The payment request was invalid.",
    "issuer_declined": "The bank did not return any further details with this decline.",
}


def decline_message(decline: Decline) -> str:
    """What Stripe would tell the cardholder."""
    if decline.message is not None:
        return decline.message
    for code in (decline.decline_code, decline.code):
        if code in _MESSAGES:
            return _MESSAGES[code]
    return "Your card was declined."


class StripeObjects:
    """Renders things of one world, and expands them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._renderers: dict[str, Callable[[str], Json | None]] = {
            "cus_": self._renderer(world, "customers", self.customer),
            "pm_": self._renderer(world, "payment_methods", self.payment_method),
            "sub_": self._renderer(world, "subscriptions", self.subscription),
            "in_": self._renderer(world, "invoices", self.invoice),
            "pi_": self._renderer(world, "payment_intents", self.payment_intent),
            "ch_": self._renderer(world, "charges", self.charge),
            "py_": self._renderer(world, "charges", self.charge),
        }

    @staticmethod
    def _renderer(
        world: World, table: str, render: Callable[[Any], Json]
    ) -> Callable[[str], Json | None]:
        def by_id(id: str) -> Json | None:
            thing = getattr(world, table).get(id)
            return None if thing is None else render(thing)

        return by_id

    def by_id(self, id: str) -> Json | None:
        """Whatever has this id, rendered; None if nothing has."""
        prefix = id.split("_", 1)[0] + "_"
        render = self._renderers.get(prefix)
        return render(id) if render else None

    # --- the objects --------------------------------------------------------------------------

    def customer(self, customer: Customer) -> Json:
        if customer.deleted:
            return {
                "id": customer.id,
                "object": "customer",
                "created": customer.created,
                "deleted": True,
                "livemode": customer.livemode,
            }
        return {
            "id": customer.id,
            "object": "customer",
            "address": _address(customer.country),
            "balance": 0,
            "created": customer.created,
            "currency": customer.currency,
            "default_source": None,
            "delinquent": any(
                invoice.status == "open" and invoice.attempted
                for invoice in self.world.invoices.of(customer=customer.id)
            ),
            "description": None,
            "discount": None,
            "email": customer.email,
            "invoice_prefix": customer.id[-8:].upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": customer.default_payment_method,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": customer.livemode,
            "metadata": dict(customer.metadata),
            "name": customer.name,
            "phone": None,
            "preferred_locales": [customer.locale],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }

    def payment_method(self, method: PaymentMethod) -> Json:
        customer = self.world.customers.get(method.customer)
        rendered: Json = {
            "id": method.id,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": _billing_details(customer),
            "created": method.created,
            "customer": method.customer,
            "livemode": method.livemode,
            "metadata": {},
            "type": method.type,
        }
        match method.type:
            case "card":
                rendered["card"] = {
                    "brand": method.brand,
                    "checks": {
                        "address_line1_check": None,
                        "address_postal_code_check": None,
                        "cvc_check": "pass",
                    },
                    "country": method.country,
                    "display_brand": method.brand,
                    "exp_month": method.exp_month,
                    "exp_year": method.exp_year,
                    "fingerprint": method.fingerprint,
                    "funding": method.funding,
                    "generated_from": None,
                    "last4": method.last4,
                    "networks": {"available": [method.brand], "preferred": None},
                    "three_d_secure_usage": {"supported": True},
                    "wallet": None,
                }
            case "us_bank_account":
                rendered["us_bank_account"] = {
                    "account_holder_type": "company",
                    "account_type": "checking",
                    "bank_name": method.bank_name,
                    "financial_connections_account": None,
                    "fingerprint": method.fingerprint,
                    "last4": method.last4,
                    "networks": {"preferred": "ach", "supported": ["ach"]},
                    "routing_number": "110000000",
                    "status_details": None,
                }
            case "sepa_debit":
                rendered["sepa_debit"] = {
                    "bank_code": "19043",
                    "branch_code": None,
                    "country": method.country,
                    "fingerprint": method.fingerprint,
                    "generated_from": {"charge": None, "setup_attempt": None},
                    "last4": method.last4,
                }
        return rendered

    def subscription(self, subscription: Subscription) -> Json:
        pause = subscription.pause
        price = self._price(subscription)
        return {
            "id": subscription.id,
            "object": "subscription",
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": subscription.created,
            "billing_mode": {"type": "classic"},
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": (subscription.period_end if subscription.cancel_at_period_end else None),
            "cancel_at_period_end": subscription.cancel_at_period_end,
            "canceled_at": subscription.canceled_at,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None},
            "collection_method": subscription.collection_method,
            "created": subscription.created,
            "currency": subscription.currency,
            "customer": subscription.customer,
            "days_until_due": 30 if subscription.collection_method == "send_invoice" else None,
            "default_payment_method": subscription.default_payment_method,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [],
            "ended_at": subscription.canceled_at if subscription.status == "canceled" else None,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "items": listed(
                [
                    {
                        "id": subscription.item,
                        "object": "subscription_item",
                        "billing_thresholds": None,
                        "created": subscription.created,
                        "current_period_end": subscription.period_end,
                        "current_period_start": subscription.period_start,
                        "discounts": [],
                        "metadata": {},
                        "plan": {
                            "id": subscription.price,
                            "object": "plan",
                            "active": True,
                            "amount": subscription.amount,
                            "currency": subscription.currency,
                            "interval": subscription.interval,
                            "interval_count": subscription.interval_count,
                            "nickname": subscription.plan_name,
                            "product": subscription.product,
                        },
                        "price": price,
                        "quantity": 1,
                        "subscription": subscription.id,
                        "tax_rates": [],
                    }
                ],
                f"/v1/subscription_items?subscription={subscription.id}",
            ),
            "latest_invoice": subscription.latest_invoice,
            "livemode": subscription.livemode,
            "metadata": dict(subscription.metadata),
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": (
                None
                if pause is None
                else {"behavior": pause.behavior, "resumes_at": pause.resumes_at}
            ),
            "payment_settings": {
                "payment_method_options": None,
                "payment_method_types": None,
                "save_default_payment_method": "off",
            },
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": subscription.created,
            "status": subscription.status,
            "test_clock": None,
            "transfer_data": None,
            "trial_end": subscription.trial_end,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "trial_start": subscription.created if subscription.trial_end else None,
        }

    def _price(self, subscription: Subscription) -> Json:
        return {
            "id": subscription.price,
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "created": subscription.created,
            "currency": subscription.currency,
            "custom_unit_amount": None,
            "livemode": subscription.livemode,
            "lookup_key": subscription.plan_tier,
            "metadata": {"tier": subscription.plan_tier},
            "nickname": subscription.plan_name,
            "product": subscription.product,
            "recurring": {
                "interval": subscription.interval,
                "interval_count": subscription.interval_count,
                "meter": None,
                "trial_period_days": None,
                "usage_type": "licensed",
            },
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring",
            "unit_amount": subscription.amount,
            "unit_amount_decimal": str(subscription.amount),
        }

    def invoice(self, invoice: Invoice) -> Json:
        customer = self.world.customers[invoice.customer]
        subscription = self.world.subscriptions.get(invoice.subscription or "")
        parent = None
        if subscription is not None:
            parent = {
                "quote_details": None,
                "subscription_details": {
                    "metadata": dict(subscription.metadata),
                    "subscription": subscription.id,
                },
                "type": "subscription_details",
            }
        rendered: Json = {
            "id": invoice.id,
            "object": "invoice",
            "account_country": "US",
            "account_name": "Our Company",
            "account_tax_ids": None,
            "amount_due": invoice.amount_due,
            "amount_overpaid": 0,
            "amount_paid": invoice.amount_paid,
            "amount_remaining": invoice.amount_remaining,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": invoice.attempt_count,
            "attempted": invoice.attempted,
            "auto_advance": invoice.auto_advance and invoice.status in ("draft", "open"),
            "automatic_tax": {
                "disabled_reason": None,
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "automatically_finalizes_at": None,
            "billing_reason": invoice.billing_reason,
            "collection_method": invoice.collection_method,
            "created": invoice.created,
            "currency": invoice.currency,
            "custom_fields": None,
            "customer": invoice.customer,
            "customer_address": _address(customer.country),
            "customer_email": customer.email,
            "customer_name": customer.name,
            "customer_phone": None,
            "customer_shipping": None,
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_payment_method": invoice.default_payment_method,
            "default_source": None,
            "default_tax_rates": [],
            "description": invoice.description,
            "discounts": [],
            "due_date": invoice.due_date,
            "effective_at": invoice.created,
            "ending_balance": 0,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": invoice.hosted_invoice_url,
            "invoice_pdf": f"{invoice.hosted_invoice_url}/pdf",
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "lines": listed([self._line(invoice)], f"/v1/invoices/{invoice.id}/lines"),
            "livemode": invoice.livemode,
            "metadata": dict(invoice.metadata),
            "next_payment_attempt": invoice.next_payment_attempt,
            "number": invoice.number,
            "on_behalf_of": None,
            "parent": parent,
            "payment_settings": {
                "default_mandate": None,
                "payment_method_options": None,
                "payment_method_types": None,
            },
            "period_end": invoice.period_end,
            "period_start": invoice.period_start,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": 0,
            "statement_descriptor": None,
            "status": invoice.status,
            "status_transitions": {
                "finalized_at": invoice.created,
                "marked_uncollectible_at": invoice.marked_uncollectible_at,
                "paid_at": invoice.paid_at,
                "voided_at": invoice.voided_at,
            },
            "subtotal": invoice.amount_due,
            "subtotal_excluding_tax": invoice.amount_due,
            "test_clock": None,
            "total": invoice.amount_due,
            "total_discount_amounts": [],
            "total_excluding_tax": invoice.amount_due,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": invoice.created,
        }
        if invoice.status == "uncollectible":
            rendered["status_details"] = {"uncollectible": {"reason": invoice.uncollectible_reason}}
        return rendered

    def _line(self, invoice: Invoice) -> Json:
        subscription = self.world.subscriptions.get(invoice.subscription or "")
        parent = pricing = None
        if subscription is not None:
            parent = {
                "invoice_item_details": None,
                "subscription_item_details": {
                    "invoice_item": None,
                    "proration": False,
                    "proration_details": {"credited_items": None},
                    "subscription": subscription.id,
                    "subscription_item": subscription.item,
                },
                "type": "subscription_item_details",
            }
            pricing = {
                "price_details": {"price": subscription.price, "product": subscription.product},
                "type": "price_details",
                "unit_amount_decimal": str(invoice.amount_due),
            }
        return {
            "id": f"il_{invoice.id[3:]}",
            "object": "line_item",
            "amount": invoice.amount_due,
            "currency": invoice.currency,
            "description": invoice.description,
            "discount_amounts": [],
            "discountable": True,
            "discounts": [],
            "invoice": invoice.id,
            "livemode": invoice.livemode,
            "metadata": {},
            "parent": parent,
            "period": {"end": invoice.period_end, "start": invoice.period_start},
            "pretax_credit_amounts": [],
            "pricing": pricing,
            "quantity": 1,
            "subtotal": invoice.amount_due,
            "taxes": [],
        }

    def invoice_payment(self, payment: InvoicePayment) -> Json:
        return {
            "id": payment.id,
            "object": "invoice_payment",
            "amount_paid": payment.amount_paid,
            "amount_requested": payment.amount_requested,
            "created": payment.created,
            "currency": payment.currency,
            "invoice": payment.invoice,
            "is_default": payment.is_default,
            "livemode": payment.livemode,
            "payment": {"payment_intent": payment.payment_intent, "type": "payment_intent"},
            "status": payment.status,
            "status_transitions": {
                "canceled_at": payment.canceled_at,
                "paid_at": payment.paid_at,
            },
        }

    def payment_intent(self, intent: PaymentIntent) -> Json:
        paid = intent.status == "succeeded"
        return {
            "id": intent.id,
            "object": "payment_intent",
            "amount": intent.amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": intent.amount if paid else 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{intent.id}_secret_sandbox",
            "confirmation_method": "automatic",
            "created": intent.created,
            "currency": intent.currency,
            "customer": intent.customer,
            "description": None,
            "last_payment_error": self.payment_error(intent),
            "latest_charge": intent.latest_charge,
            "livemode": intent.livemode,
            "metadata": {},
            "next_action": (
                {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
                if intent.status == "requires_action"
                else None
            ),
            "on_behalf_of": None,
            # A declined intent lets go of its card: Stripe keeps it in last_payment_error only.
            "payment_method": (
                None if intent.status == "requires_payment_method" else intent.payment_method
            ),
            "payment_method_options": {},
            "payment_method_types": ["card", "sepa_debit", "us_bank_account"],
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": "off_session",
            "shipping": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": intent.status,
            "transfer_data": None,
            "transfer_group": None,
        }

    def payment_error(self, intent: PaymentIntent) -> Json | None:
        """`last_payment_error`: the story of the latest refusal, with the card it was about."""
        decline = intent.last_decline
        if decline is None:
            return None
        method = self.world.payment_methods.get(intent.payment_method or "")
        error: Json = {
            "type": "card_error" if method and method.type == "card" else "invalid_request_error",
            "charge": intent.latest_charge,
            "code": decline.code,
            "doc_url": f"https://docs.stripe.com/error-codes#{decline.code.replace('_', '-')}",
            "message": decline_message(decline),
        }
        for name in ("decline_code", "advice_code", "network_decline_code", "network_advice_code"):
            if (value := getattr(decline, name)) is not None:
                error[name] = value
        if method is not None:
            error["payment_method"] = self.payment_method(method)
            error["payment_method_type"] = method.type
        return error

    def charge(self, charge: Charge) -> Json:
        customer = self.world.customers[charge.customer]
        succeeded = charge.status == "succeeded"
        return {
            "id": charge.id,
            "object": "charge",
            "amount": charge.amount,
            "amount_captured": charge.amount if succeeded else 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": f"txn_{charge.id[3:]}" if succeeded else None,
            "billing_details": _billing_details(customer),
            "calculated_statement_descriptor": "OUR COMPANY",
            "captured": succeeded,
            "created": charge.created,
            "currency": charge.currency,
            "customer": charge.customer,
            "description": None,
            "disputed": charge.disputed,
            "failure_balance_transaction": None,
            "failure_code": charge.decline.code if charge.decline else None,
            "failure_message": decline_message(charge.decline) if charge.decline else None,
            "fraud_details": {},
            "livemode": charge.livemode,
            "metadata": {},
            "on_behalf_of": None,
            "outcome": _outcome(charge),
            "paid": charge.status != "failed",
            "payment_intent": charge.payment_intent,
            "payment_method": charge.payment_method,
            "payment_method_details": _method_details(charge.method),
            "receipt_email": None,
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": charge.status,
            "transfer_data": None,
            "transfer_group": None,
        }

    def dispute(self, dispute: Dispute) -> Json:
        return {
            "id": dispute.id,
            "object": "dispute",
            "amount": dispute.amount,
            "balance_transactions": [],
            "charge": dispute.charge,
            "created": dispute.created,
            "currency": dispute.currency,
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {
                "due_by": dispute.created + 7 * 86_400,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": None,
            },
            "intended_submission_method": None,
            "is_charge_refundable": dispute.status.startswith("warning_"),
            "livemode": dispute.livemode,
            "metadata": {},
            "network_reason_code": None,
            "payment_intent": dispute.payment_intent,
            "payment_method_details": None,
            "reason": dispute.reason,
            "status": dispute.status,
        }


def listed(data: list[Json], url: str) -> Json:
    """A whole list as Stripe embeds it."""
    return {"object": "list", "data": data, "has_more": False, "url": url}


def _address(country: str) -> Json:
    return {
        "city": None,
        "country": country,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    }


def _billing_details(customer: Customer | None) -> Json:
    return {
        "address": _address(customer.country) if customer else None,
        "email": customer.email if customer else None,
        "name": customer.name if customer else None,
        "phone": None,
        "tax_id": None,
    }


def _outcome(charge: Charge) -> Json:
    decline = charge.decline
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal" if charge.method.type == "card" else "not_assessed",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": decline.advice_code,
        "network_advice_code": decline.network_advice_code,
        "network_decline_code": decline.network_decline_code,
        "network_status": decline.network_status,
        "reason": decline.reason or decline.decline_code,
        "risk_level": decline.risk_level,
        "seller_message": _SELLER_MESSAGES[decline.outcome_type],
        "type": decline.outcome_type,
    }


def _method_details(method: PaymentMethod) -> Json:
    details: Json = {"type": method.type}
    match method.type:
        case "card":
            details["card"] = {
                "amount_authorized": None,
                "authorization_code": None,
                "brand": method.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": None,
                },
                "country": method.country,
                "exp_month": method.exp_month,
                "exp_year": method.exp_year,
                "fingerprint": method.fingerprint,
                "funding": method.funding,
                "installments": None,
                "last4": method.last4,
                "mandate": None,
                "network": method.brand,
                "network_token": {"used": False},
                "three_d_secure": None,
                "wallet": None,
            }
        case "us_bank_account":
            details["us_bank_account"] = {
                "account_holder_type": "company",
                "account_type": "checking",
                "bank_name": method.bank_name,
                "fingerprint": method.fingerprint,
                "last4": method.last4,
                "routing_number": "110000000",
            }
        case "sepa_debit":
            details["sepa_debit"] = {
                "bank_code": "19043",
                "branch_code": None,
                "country": method.country,
                "fingerprint": method.fingerprint,
                "last4": method.last4,
                "mandate": None,
            }
    return details
