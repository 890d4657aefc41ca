-- migrate:up
create table dunning.playbook (
  hash       text primary key,
  body       jsonb not null,
  stored_at  timestamptz not null default now()
);

-- One failed invoice, one row, for ever. A case that is opened again on purpose keeps its row and its
-- history; only the cycle goes up.
create table dunning."case" (
  invoice            text primary key,
  cycle              int not null default 1 check (cycle >= 1),
  workflow_id        text not null,
  run_id             text not null,
  rounds_before      int not null default 0,          -- of this cycle, by runs that were lost
  customer           text,
  customer_name      text,
  customer_email     text,
  subscription       text,
  payment_intent     text,
  charges            text[] not null default '{}',    -- every charge of this customer we have seen
  currency           text,
  remaining          bigint,                          -- minor units, as last read
  decline_code       text,                            -- as last read
  plan_tier          text,
  state              text not null default 'open' check (state in ('open', 'closed')),
  outcome            text,
  closed_by_person   boolean not null default false,
  opened_at          timestamptz not null,            -- case time
  closed_at          timestamptz,                     -- case time
  playbook           text not null references dunning.playbook,
  speed              double precision not null default 1 check (speed > 0),
  auto_advance_found boolean,                         -- what we must restore; null: never looked
  owned              boolean not null default false,  -- are the retries ours at this moment?
  opened_recorded_at timestamptz not null default now(),
  updated_at         timestamptz not null default now(),
  check ((state = 'closed') = (closed_at is not null))
);
create index case_customer on dunning."case" (customer) where customer is not null;
create index open_case_intent on dunning."case" (payment_intent) where state = 'open';
create index open_case_charges on dunning."case" using gin (charges) where state = 'open';

-- What a source answered in a round. `found` false: it answered, and has no such record.
create table dunning.snapshot (
  invoice  text not null references dunning."case",
  cycle    int not null,
  round    int not null,
  source   text not null check (source in ('stripe', 'billing', 'crm')),
  taken_at timestamptz not null,                      -- case time
  found    boolean not null,
  body     jsonb,
  primary key (invoice, cycle, round, source),
  check (found = (body is not null))
);

-- The evidence exactly as the rules and the model saw it.
create table dunning.pack (
  hash      text primary key,
  body      jsonb not null,
  stored_at timestamptz not null default now()
);

create table dunning.decision (
  id               text primary key,                  -- {invoice}.{ordinal}
  invoice          text not null references dunning."case",
  ordinal          int not null check (ordinal >= 1),
  cycle            int not null,
  round            int not null,
  step             int not null default 0,            -- 0: the round's own; then one per override
  at               timestamptz not null,              -- case time
  recorded_at      timestamptz not null default now(),
  pack             text not null references dunning.pack,
  playbook         text not null references dunning.playbook,
  prompts          jsonb not null default '{}',       -- prompt name -> hash of its text
  model            text,
  tokens_in        int not null default 0,
  tokens_out       int not null default 0,
  cost_usd         numeric(12, 6) not null default 0,
  options          jsonb not null,
  proposal         jsonb,
  problem          text,
  verdict          jsonb not null,
  why              text not null,
  decided_by       text not null,
  action           text not null,
  actor            text,                              -- the person, when one overrode
  approval_verdict text,
  approver         text,
  approval_at      timestamptz,                       -- case time
  unique (invoice, ordinal),
  unique (invoice, cycle, round, step),
  check ((approval_verdict is null) = (approval_at is null))
);

-- A mail's words, fixed once written. Whom it goes to is chosen by code, from records, never by its text.
create table dunning.letter (
  id          text primary key,                       -- {invoice}.{ordinal}.{kind}[.{step}]
  invoice     text not null references dunning."case",
  ordinal     int not null,
  kind        text not null,
  step        int not null default 0,
  subject     text not null,
  body_text   text not null,
  body_html   text not null,
  addressee   jsonb not null default '{}',
  data        jsonb not null default '{}',            -- what the page behind its links must know
  hash        text not null,                          -- of subject and both bodies
  written_by  text not null,
  checks      jsonb not null default '[]',
  written_at  timestamptz not null default now(),
  unique (invoice, ordinal, kind, step)
);

-- What models cost: one row a call, and the running sums that the budgets look at.
create table dunning.model_call (
  seq        bigint generated always as identity primary key,
  invoice    text not null,
  cycle      int not null,
  round      int not null,
  purpose    text not null,                           -- decide | draft
  model      text not null,
  prompts    jsonb not null default '{}',
  tokens_in  int not null default 0,
  tokens_out int not null default 0,
  cost_usd   numeric(12, 6) not null default 0,
  problem    text,
  called_at  timestamptz not null default now()
);
create index model_call_round on dunning.model_call (invoice, cycle, round);

create table dunning.budget (
  day     date not null,                              -- UTC
  invoice text not null,
  usd     numeric(12, 6) not null default 0,
  primary key (day, invoice)
);
create index budget_invoice on dunning.budget (invoice);

create function dunning.only_the_approval_may_follow() returns trigger language plpgsql as $$
begin
  if to_jsonb(new) - '{approval_verdict,approver,approval_at}'::text[]
     is distinct from to_jsonb(old) - '{approval_verdict,approver,approval_at}'::text[] then
    raise exception 'decision % is history: only its approval can be added', old.id;
  end if;
  if old.approval_verdict is not null then
    raise exception 'decision % was already answered: %', old.id, old.approval_verdict;
  end if;
  return new;
end $$;
create trigger decisions_are_history before update on dunning.decision
  for each row execute function dunning.only_the_approval_may_follow();

-- migrate:down
drop table dunning.budget, dunning.model_call, dunning.letter, dunning.decision, dunning.pack,
  dunning.snapshot, dunning."case", dunning.playbook;
drop function dunning.only_the_approval_may_follow;
