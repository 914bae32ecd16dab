-- The tables the orchestrator reads and, in LIVE, writes. Plain enough for
-- SQLite and PostgreSQL alike.

create table documents (
    id    text primary key,
    title text not null,
    body  text not null
);

create table information_units (
    id          text primary key,
    document_id text not null references documents (id),
    address     text not null,
    position    integer not null,
    kind        text not null,
    role        text not null,
    title       text not null,
    body        text not null,
    lang        text not null,
    refs        text not null,
    score       integer not null check (score between 0 and 100),
    verdict     text not null check (verdict in ('accept', 'review')),
    digest      text not null,
    unique (document_id, address)
);
