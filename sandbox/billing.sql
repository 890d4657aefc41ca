-- A small company's own billing tables, as `playbook/billing.sql` expects them. The demo and the tests
-- create them and add a row for each account; your company has its own, and its own query.
create table if not exists customers (
  id                 bigint generated always as identity primary key,
  stripe_customer_id text not null unique,
  name               text not null,
  created_at         timestamptz not null
);
create table if not exists subscriptions (
  customer_id bigint primary key references customers,
  plan_tier   text not null,                       -- starter | growth | business | enterprise
  plan_name   text not null,
  mrr_minor   bigint not null,                     -- monthly recurring revenue in minor units
  currency    text not null,
  seats       int
);
create table if not exists invoices (
  id                bigint generated always as identity primary key,
  customer_id       bigint not null references customers,
  number            text not null,
  stripe_invoice_id text,
  amount_minor      bigint not null,
  currency          text not null,
  created_at        timestamptz not null,
  paid_at           timestamptz,
  attempts          int not null default 1
);
create index if not exists invoices_of_customer on invoices (customer_id, created_at);
create table if not exists payment_failures (
  invoice_id bigint not null references invoices,
  at         timestamptz not null,
  code       text,
  paid_via   text                                  -- how it was cured: retry | new_card | bank_transfer
);
create index if not exists failures_of_invoice on payment_failures (invoice_id, at);
