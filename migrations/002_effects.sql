-- migrate:up
-- What we do to the outside world. The row is committed before the call, and its key is made of these
-- business facts only: invoice, purpose, ordinal, epoch. Run ids and attempt numbers never enter.
create table dunning.effect (
  invoice       text not null references dunning."case",
  purpose       text not null,                        -- pay | own | announce | hand_back | mail:… | note:…
  ordinal       int not null,
  cycle         int not null,
  epoch         int not null default 0,               -- one more each time the key must be a new one
  state         text not null default 'intent'
                check (state in ('intent', 'trying', 'unknown', 'done', 'blocked')),
  before        jsonb not null default '{}',          -- the world before our first try
  result        jsonb,
  external_id   text,                                 -- the vendor's id: charge, draft, note
  reason        text not null default '',             -- why it was settled or blocked, for people
  case_at       timestamptz not null,                 -- when, on the case's own clock
  key_at        timestamptz,                          -- first use of this epoch's key
  first_try     timestamptz,
  last_try      timestamptz,
  tries         int not null default 0,               -- with this epoch's key
  server_errors int not null default 0,               -- of them, answered with a 5xx or with nothing definite
  created_at    timestamptz not null default now(),
  primary key (invoice, purpose, ordinal)
);
create unique index effect_external_id on dunning.effect (purpose, external_id)
  where external_id is not null;
create unique index one_pay_in_flight on dunning.effect (invoice)
  where purpose = 'pay' and state in ('trying', 'unknown');
create index effect_unclear on dunning.effect (last_try) where state in ('trying', 'unknown');

create function dunning.effects_only_move_forward() returns trigger language plpgsql as $$
declare
  rank constant jsonb := '{"intent": 0, "trying": 1, "unknown": 1, "done": 2, "blocked": 2}';
begin
  if tg_op <> 'UPDATE' then
    raise exception 'effects are never removed';
  end if;
  if old.state in ('done', 'blocked') then
    raise exception 'effect % % % is %: that is final', old.invoice, old.purpose, old.ordinal, old.state;
  end if;
  if (rank ->> new.state)::int < (rank ->> old.state)::int then
    raise exception 'effect % % %: % cannot become % again',
      old.invoice, old.purpose, old.ordinal, old.state, new.state;
  end if;
  if (new.invoice, new.purpose, new.ordinal, new.cycle, new.created_at)
     is distinct from (old.invoice, old.purpose, old.ordinal, old.cycle, old.created_at)
     or new.epoch < old.epoch
     or (old.before <> '{}' and new.before is distinct from old.before)
     or (old.first_try is not null and new.first_try is distinct from old.first_try) then
    raise exception 'effect % % %: what it is and what preceded it cannot change',
      old.invoice, old.purpose, old.ordinal;
  end if;
  return new;
end $$;
create trigger effects_only_move_forward before update or delete on dunning.effect
  for each row execute function dunning.effects_only_move_forward();
create trigger effects_are_never_removed before truncate on dunning.effect
  for each statement execute function dunning.effects_only_move_forward();

-- migrate:down
drop table dunning.effect;
drop function dunning.effects_only_move_forward;
