-- Times are milliseconds since 1970, amounts are minor units.

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    reference TEXT NOT NULL,
    return_url TEXT,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A token is known by its digest only, a card by its name in the table of test cards.
CREATE TABLE tokens (
    digest BLOB PRIMARY KEY,
    card TEXT NOT NULL,
    session TEXT REFERENCES sessions (id),
    expires_at INTEGER NOT NULL,
    used_by TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE authorisations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    card TEXT NOT NULL,
    return_url TEXT,
    status TEXT NOT NULL,
    decline_code TEXT,
    captured INTEGER NOT NULL CHECK (captured BETWEEN 0 AND amount),
    refunded INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND captured),
    disputed INTEGER NOT NULL CHECK (disputed BETWEEN 0 AND captured),
    authorised_until INTEGER,
    deadline INTEGER, -- when the worker has to resolve or expire it
    events INTEGER NOT NULL, -- webhooks made so far
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX authorisations_by_reference ON authorisations (reference, seq);
CREATE INDEX authorisations_by_deadline ON authorisations (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    authorisation TEXT NOT NULL REFERENCES authorisations (id),
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    currency TEXT NOT NULL,
    at INTEGER NOT NULL,
    movement TEXT,
    decline_code TEXT,
    idempotency_key TEXT
) STRICT;
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    authorisation TEXT NOT NULL REFERENCES authorisations (id),
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'set_aside')),
    copies INTEGER NOT NULL, -- successful deliveries still owed
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_due ON messages (due_at) WHERE state = 'queued';
CREATE INDEX messages_in_order ON messages (authorisation, seq) WHERE state = 'queued';

CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message TEXT NOT NULL REFERENCES messages (id),
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    status_code INTEGER,
    error TEXT
) STRICT;
