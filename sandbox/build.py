"""Turns the script of an account into things that exist."""

from datetime import datetime, timedelta

from sandbox.accounts import (
    Account,
    AccountScript,
    CardScript,
    DealScript,
    DisputeScript,
    NoteScript,
    OwnerScript,
    PastInvoice,
    TicketScript,
)
from sandbox.billing import Billing
from sandbox.crm import add_record, iso
from sandbox.money import major
from sandbox.world import (
    DAY,
    Charge,
    CrmRecord,
    Customer,
    Invoice,
    InvoicePayment,
    Owner,
    PaymentIntent,
    PaymentMethod,
    PropertyDefinition,
    Subscription,
    World,
)

_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_TICKET_STAGES = {"new": "1", "waiting": "2", "open": "3", "closed": "4"}
_CLOSED_DEALS = {"closedwon": "true", "closedlost": "false"}


class Builder:
    """Puts accounts into one world."""

    def __init__(self, world: World, billing: Billing) -> None:
        self.world = world
        self.billing = billing

    def account(self, script: AccountScript) -> Account:
        """Everything the script says; the invoice is open and no attempt was made yet."""
        customer = self._customer(script)
        method = None
        if script.card is not None:
            method = self.payment_method(customer, script.card)
            if script.default_on == "customer":
                customer.default_payment_method = method.id
        subscription = self._subscription(script, customer) if script.subscription else None
        if subscription and method and script.default_on == "subscription":
            subscription.default_payment_method = method.id
        for past in script.history:
            self._past(script, customer, subscription, method, past)
        for dispute in script.disputes:
            self._disputed(script, customer, subscription, method, dispute)
        invoice = self._invoice(script, customer, subscription)
        invoice.metadata = dict(script.metadata)
        if method and script.default_on == "invoice":
            invoice.default_payment_method = method.id
        if subscription is not None:
            subscription.latest_invoice = invoice.id
        company = self._company(script, customer) if script.crm else None
        return Account(
            customer=customer.id,
            invoice=invoice.id,
            invoice_number=invoice.number,
            subscription=subscription.id if subscription else None,
            payment_method=method.id if method else None,
            payment_intent=self.world.intent_of(invoice).id,
            company=company.id if company else None,
            contact=next(iter(self._linked(company, "contacts")), None),
            owner=company.properties.get("hubspot_owner_id") if company else None,
            email=customer.email,
            hosted_invoice_url=invoice.hosted_invoice_url,
        )

    # --- Stripe -------------------------------------------------------------------------------

    def payment_method(self, customer: Customer, card: CardScript) -> PaymentMethod:
        """Attach a payment method to the customer; it becomes nobody's default."""
        method = PaymentMethod(
            id=self.world.ids.new("pm_1"),
            created=self.world.clock.stamp(),
            livemode=customer.livemode,
            customer=customer.id,
            type=card.type,
            brand=card.brand,
            funding=card.funding,
            last4=card.last4,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            country=card.country,
            fingerprint=card.fingerprint or self.world.ids.new("", 16),
            bank_name=card.bank_name,
            outcomes=card.outcomes,
        )
        self.world.payment_methods[method.id] = method
        return method

    def _customer(self, script: AccountScript) -> Customer:
        created = self._stamp(script.created)
        earliest = min((self._stamp(past.created) for past in script.history), default=created)
        customer = Customer(
            id=self.world.ids.new("cus_", 14),
            created=min(earliest, created) - DAY,
            livemode=script.livemode,
            name=script.name,
            email=script.email,
            locale=script.locale,
            country=script.country,
            currency=script.currency,
            timezone=script.timezone,
        )
        self.world.customers[customer.id] = customer
        return customer

    def _subscription(self, script: AccountScript, customer: Customer) -> Subscription:
        start, end = self._period(script)
        first = script.billing_reason == "subscription_create"
        subscription = Subscription(
            id=self.world.ids.new("sub_1"),
            created=start if first else customer.created,
            livemode=script.livemode,
            customer=customer.id,
            status=script.subscription_status or ("incomplete" if first else "active"),
            currency=script.currency,
            amount=script.amount_minor,
            plan_name=script.plan_name,
            plan_tier=script.plan_tier,
            price=self.world.ids.new("price_1"),
            product=self.world.ids.new("prod_", 14),
            item=self.world.ids.new("si_", 14),
            interval=script.interval,
            interval_count=script.interval_count,
            period_start=start,
            period_end=end,
            collection_method=script.collection_method,
            trial_end=self._stamp(script.trial_end) if script.trial_end else None,
            cancel_at_period_end=script.cancel_at_period_end,
            metadata={"plan_tier": script.plan_tier, "plan_name": script.plan_name},
        )
        self.world.subscriptions[subscription.id] = subscription
        return subscription

    def _invoice(
        self,
        script: AccountScript,
        customer: Customer,
        subscription: Subscription | None,
        *,
        amount: int | None = None,
        created: int | None = None,
    ) -> Invoice:
        start, end = self._period(script)
        created = self._stamp(script.created) if created is None else created
        amount = script.amount_minor if amount is None else amount
        due = self._stamp(script.due_date) if script.due_date else None
        if due is None and script.collection_method == "send_invoice":
            due = created + 30 * DAY
        invoice_id = self.world.ids.new("in_1")
        ordinal = len(self.world.invoices.of(customer=customer.id)) + 1
        invoice = Invoice(
            id=invoice_id,
            number=f"{customer.id[-8:].upper()}-{ordinal:04d}",
            created=created,
            livemode=script.livemode,
            customer=customer.id,
            subscription=subscription.id if subscription else None,
            currency=script.currency,
            amount_due=amount,
            description=script.description or f"{script.plan_name} plan",
            period_start=start,
            period_end=end,
            billing_reason=script.billing_reason if subscription else "manual",
            collection_method=script.collection_method,
            auto_advance=script.auto_advance,
            hosted_invoice_url=f"{self.world.origin}/hosted/{invoice_id}",
            due_date=due,
        )
        intent = PaymentIntent(
            id=self.world.ids.new("pi_3"),
            created=created,
            livemode=script.livemode,
            customer=customer.id,
            invoice=invoice.id,
            amount=amount,
            currency=script.currency,
        )
        payment = InvoicePayment(
            id=self.world.ids.new("inpay_1"),
            created=created,
            livemode=script.livemode,
            invoice=invoice.id,
            payment_intent=intent.id,
            amount_requested=amount,
            currency=script.currency,
        )
        self.world.invoices[invoice.id] = invoice
        self.world.payment_intents[intent.id] = intent
        self.world.invoice_payments[payment.id] = payment
        return invoice

    def _past(
        self,
        script: AccountScript,
        customer: Customer,
        subscription: Subscription | None,
        method: PaymentMethod | None,
        past: PastInvoice,
    ) -> Charge | None:
        """An earlier invoice. A paid one has the charge that paid it; no effect is logged."""
        invoice = self._invoice(
            script,
            customer,
            subscription,
            amount=past.amount_minor,
            created=self._stamp(past.created),
        )
        if past.paid_at is None:
            return None
        if method is None:
            method = self.payment_method(customer, CardScript())
        paid_at = self._stamp(past.paid_at)
        intent, payment = self.world.intent_of(invoice), self.world.payment_of(invoice)
        charge = Charge(
            id=self.world.ids.new("ch_3"),
            created=paid_at,
            livemode=script.livemode,
            customer=customer.id,
            payment_intent=intent.id,
            payment_method=method.id,
            method=method,
            amount=past.amount_minor,
            currency=script.currency,
            status="succeeded",
        )
        self.world.charges[charge.id] = charge
        intent.status, intent.latest_charge = "succeeded", charge.id
        intent.payment_method = method.id
        payment.status, payment.paid_at, payment.amount_paid = "paid", paid_at, past.amount_minor
        invoice.status, invoice.paid_at, invoice.amount_paid = "paid", paid_at, past.amount_minor
        invoice.attempted, invoice.attempt_count = True, 1
        return charge

    def _disputed(
        self,
        script: AccountScript,
        customer: Customer,
        subscription: Subscription | None,
        method: PaymentMethod | None,
        dispute: DisputeScript,
    ) -> None:
        charge = self.paid_charge(customer)
        if charge is None:
            a_month_ago = self.world.clock.now() - timedelta(days=30)
            past = PastInvoice(
                amount_minor=dispute.amount_minor or script.amount_minor,
                created=a_month_ago,
                paid_at=a_month_ago,
            )
            charge = self._past(script, customer, subscription, method, past)
        if charge is not None:
            self.billing.dispute(
                charge, reason=dispute.reason, status=dispute.status, amount=dispute.amount_minor
            )

    def paid_charge(self, customer: Customer) -> Charge | None:
        """The customer's latest successful charge, if there is one."""
        paid = [
            charge
            for charge in self.world.charges.of(customer=customer.id)
            if charge.status == "succeeded"
        ]
        return max(paid, key=lambda charge: charge.created, default=None)

    def _period(self, script: AccountScript) -> tuple[int, int]:
        start = self._stamp(script.period_start or script.created)
        if script.period_end is not None:
            return start, self._stamp(script.period_end)
        return start, start + _DAYS[script.interval] * script.interval_count * DAY

    def _stamp(self, at: datetime | None) -> int:
        return self.world.clock.stamp() if at is None else int(at.timestamp())

    # --- HubSpot ------------------------------------------------------------------------------

    def _company(self, script: AccountScript, customer: Customer) -> CrmRecord:
        domain = script.domain or (script.email.rsplit("@", 1)[1] if script.email else None)
        properties = {
            "name": script.company_name or script.name,
            "lifecyclestage": script.lifecycle,
            "country": script.country,
            "timezone": script.timezone,
            "hs_language": script.locale,
            "plan_tier": script.plan_tier,
            "vip": _flag(script.vip),
            "do_not_contact": _flag(script.do_not_contact),
        }
        if domain:
            properties["domain"] = domain
        if script.health_score is not None:
            properties["health_score"] = str(script.health_score)
        if script.linked:
            properties["stripe_customer_id"] = customer.id
        if script.owner is not None:
            properties["hubspot_owner_id"] = self._owner(script.owner).id
        company = self._record("companies", {**properties, **script.properties}, script.created)
        if script.email is not None:
            contact = self._record(
                "contacts",
                {"email": script.email, "hs_email_optout": _flag(script.marketing_opt_out)},
                script.created,
            )
            self.world.link("companies", company.id, "contacts", contact.id)
        for note in script.notes:
            self.note(company.id, note)
        for ticket in script.tickets:
            self.ticket(company.id, ticket)
        for deal in script.deals:
            self.deal(company.id, deal, script.currency)
        return company

    def _owner(self, script: OwnerScript) -> Owner:
        for owner in self.world.owners.values():
            if owner.email.casefold() == script.email.casefold():
                return owner
        first, _, last = script.name.partition(" ")
        owner = Owner(
            id=self.world.ids.number(),
            user_id=int(self.world.ids.number()) % 10**8,
            email=script.email,
            first_name=first,
            last_name=last,
            created_at=self.world.clock.now(),
            archived=script.archived,
        )
        self.world.owners[owner.id] = owner
        return owner

    def note(self, company: str, note: NoteScript) -> CrmRecord:
        at = note.created_at or self.world.clock.now()
        properties = {
            "hs_note_body": note.body,
            "hs_timestamp": iso(at),
            "author_type": note.author_type,
        }
        return self._of_company(company, "notes", properties, at)

    def ticket(self, company: str, ticket: TicketScript) -> CrmRecord:
        properties = {
            "subject": ticket.subject,
            "content": ticket.body,
            "hs_pipeline": "0",
            "hs_pipeline_stage": _TICKET_STAGES[ticket.status],
            "hs_ticket_priority": ticket.priority,
        }
        if ticket.status == "closed":
            properties["closed_date"] = iso(ticket.created_at or self.world.clock.now())
        return self._of_company(company, "tickets", properties, ticket.created_at)

    def deal(self, company: str, deal: DealScript, currency: str) -> CrmRecord:
        currency = deal.currency or currency
        properties = {
            "dealname": deal.name,
            "dealtype": deal.type,
            "dealstage": deal.stage,
            "pipeline": "default",
            "amount": f"{major(deal.amount_minor, currency):f}",
            "deal_currency_code": currency.upper(),
            "hs_is_closed": _flag(deal.stage in _CLOSED_DEALS),
            "hs_is_closed_won": _CLOSED_DEALS.get(deal.stage, "false"),
        }
        if deal.close_date is not None:
            properties["closedate"] = iso(deal.close_date)
        return self._of_company(company, "deals", properties, None)

    def _of_company(
        self, company: str, kind: str, properties: dict[str, str], at: datetime | None
    ) -> CrmRecord:
        record = self._record(kind, properties, at)
        self.world.link("companies", company, kind, record.id)
        return record

    def _record(self, kind: str, properties: dict[str, str], at: datetime | None) -> CrmRecord:
        for name in properties:
            self.world.properties[kind].setdefault(
                name, PropertyDefinition(name=name, label=name, hubspot_defined=False)
            )
        return add_record(self.world, kind, properties, created_at=at)

    def _linked(self, company: CrmRecord | None, kind: str) -> list[str]:
        return self.world.linked("companies", company.id, kind) if company else []


def _flag(value: bool) -> str:
    return "true" if value else "false"
