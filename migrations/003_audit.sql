-- migrate:up
-- Who did what, when, to which case. Lines are added and never touched again.
create table dunning.audit (
  seq         bigint generated always as identity primary key,
  at          timestamptz not null,                   -- case time
  recorded_at timestamptz not null default now(),
  invoice     text not null,
  actor       text not null,
  event       text not null,
  detail      text not null default '',
  decision    text
);
-- A step that runs twice says the same thing twice; it is kept once.
create unique index audit_said_once
  on dunning.audit (invoice, at, actor, event, md5(detail), coalesce(decision, ''));

create function dunning.audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is append-only: % refused', lower(tg_op);
end $$;
create trigger audit_is_append_only before update or delete on dunning.audit
  for each row execute function dunning.audit_is_append_only();
create trigger audit_is_never_emptied before truncate on dunning.audit
  for each statement execute function dunning.audit_is_append_only();

-- migrate:down
drop table dunning.audit;
drop function dunning.audit_is_append_only;
