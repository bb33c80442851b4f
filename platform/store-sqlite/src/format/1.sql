-- Names and numbers: spaces, their collections, indexes and tallies.
CREATE TABLE spaces (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    settled     TEXT, -- JSON: the declaration that all documents fit
    begun       TEXT  -- JSON: a declaration that documents are being rewritten for
);
CREATE TABLE collections (
    id    INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    name  TEXT NOT NULL,
    UNIQUE (space, name)
);
CREATE TABLE indexes (
    id         INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    name       TEXT NOT NULL,
    is_unique  INTEGER NOT NULL,
    UNIQUE (collection, name)
);
CREATE TABLE tally_kinds (
    id     INTEGER PRIMARY KEY,
    space  INTEGER NOT NULL,
    name   TEXT NOT NULL,
    fields TEXT NOT NULL, -- JSON array; field n is column f<n> of tallies
    UNIQUE (space, name)
);

-- The counters that must never go back: commits (versions of documents), positions of the log, its trimmed part.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters VALUES ('commit', 0), ('position', 0), ('trimmed', 0);

CREATE TABLE documents (
    id         INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    partition  TEXT NOT NULL,
    sort       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    schema     INTEGER NOT NULL,
    expires    INTEGER, -- microseconds since 1970
    entries    BLOB,    -- the index entries it has, so that they can be removed
    body       TEXT NOT NULL,
    UNIQUE (collection, partition, sort)
);
CREATE INDEX documents_expiring ON documents (expires) WHERE expires IS NOT NULL;

CREATE TABLE entries (
    idx       INTEGER NOT NULL,
    key       BLOB NOT NULL,
    partition TEXT NOT NULL,
    sort      TEXT NOT NULL,
    document  INTEGER NOT NULL,
    PRIMARY KEY (idx, key, partition, sort)
) WITHOUT ROWID;

CREATE TABLE tallies (
    kind      INTEGER NOT NULL,
    partition TEXT NOT NULL,
    sort      TEXT NOT NULL,
    f0 INTEGER NOT NULL, f1 INTEGER NOT NULL, f2 INTEGER NOT NULL, f3 INTEGER NOT NULL,
    f4 INTEGER NOT NULL, f5 INTEGER NOT NULL, f6 INTEGER NOT NULL, f7 INTEGER NOT NULL,
    PRIMARY KEY (kind, partition, sort)
) WITHOUT ROWID;

-- The log and the last number given to each subject.
CREATE TABLE log (
    position    INTEGER PRIMARY KEY,
    id          TEXT NOT NULL,
    source      TEXT NOT NULL,
    detail_type TEXT NOT NULL,
    subject     TEXT NOT NULL,
    sequence    INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL, -- milliseconds since 1970
    body        TEXT NOT NULL
);
CREATE TABLE subjects (
    source   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (source, subject)
) WITHOUT ROWID;

-- For people with sqlite3 in hand.
CREATE VIEW document AS
    SELECT s.name AS space, c.name AS collection, d.partition, d.sort, d.version, d.schema,
           datetime(d.expires / 1000000, 'unixepoch') AS expires, d.body
    FROM documents d JOIN collections c ON c.id = d.collection JOIN spaces s ON s.id = c.space;
