-- What your own database knows of the customer. Change it to your tables; keep the names of the columns.
--
-- It is run as one read-only statement of at most three seconds, by a database role that should be able
-- to read these tables and nothing else. `$1` is Stripe's customer id; `$2`, if you use it, the invoice's.
-- It returns one row, or none for a customer it does not know.
--
--   plan_tier         text         starter, growth, business, enterprise, or your own words
--   plan_name         text         as the customer knows it
--   mrr_minor         bigint       monthly recurring revenue, in minor units (4900 is $49.00)
--   currency          text         of mrr_minor, and of amounts below that name none: usd, eur, jpy …
--   customer_since    date or timestamptz; or instead tenure_days, a whole number
--   seats             int          optional
--   paid_invoices     jsonb        optional: [{number, amount, currency, created, paid_at, attempts}]
--   failed_payments   jsonb        optional: [{at, code, amount, currency}]
--   prior_recoveries  jsonb        optional: [{failed_at, recovered_at, via}]
--
-- Amounts are minor units, times carry a time zone. Other columns are ignored. `dunning doctor` checks this.

with customer as (
  select * from customers where stripe_customer_id = $1
),
history as (
  select * from invoices where customer_id = (select id from customer)
  order by created_at desc limit 36
),
failures as (
  select history.number, history.amount_minor, history.currency, history.paid_at,
         failure.at, failure.code, failure.paid_via
  from history join payment_failures failure on failure.invoice_id = history.id
)
select
  subscription.plan_tier,
  subscription.plan_name,
  subscription.mrr_minor,
  subscription.currency,
  customer.created_at as customer_since,
  subscription.seats,
  (select jsonb_agg(jsonb_build_object(
            'number', number, 'amount', amount_minor, 'currency', currency,
            'created', created_at, 'paid_at', paid_at, 'attempts', attempts) order by created_at)
     from history where paid_at is not null) as paid_invoices,
  (select jsonb_agg(jsonb_build_object(
            'at', at, 'code', code, 'amount', amount_minor, 'currency', currency) order by at)
     from failures) as failed_payments,
  (select jsonb_agg(recovery order by recovery ->> 'failed_at')
     from (select jsonb_build_object('failed_at', min(at), 'recovered_at', paid_at,
                                     'via', max(paid_via)) as recovery
             from failures where paid_at is not null group by number, paid_at) as recoveries
  ) as prior_recoveries
from customer join subscriptions subscription on subscription.customer_id = customer.id;
