-- The two roles of a run, for a PostgreSQL database made with schema.sql, executed by the owner of its tables.
-- They have no password and so cannot log in over a network until they are given one:
--   alter role governance_ro password '...';

create role governance_ro login;
create role governance_rw login;

-- A dry run and the counts around it: reads, and cannot do anything else.
alter role governance_ro set default_transaction_read_only = on;
grant select on documents, information_units to governance_ro;

-- LIVE: stores units and changes them; documents are not its own, and nothing is ever deleted.
grant select on documents to governance_rw;
grant select, insert, update on information_units to governance_rw;

-- What PostgreSQL gives everybody unless told otherwise.
revoke create on schema public from public;
do $$ begin
  execute format('revoke temporary on database %I from public', current_database());
end $$;
