-- Names and numbers: spaces, their collections, indexes and tallies.
CREATE TABLE spaces (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text COLLATE "C" NOT NULL UNIQUE,
    schema     integer NOT NULL DEFAULT 0, -- of the declaration made last
    generation bigint NOT NULL DEFAULT 0,  -- grows when documents begin to be rewritten: who knows less may not write
    settled    text,                       -- JSON: the declaration that all documents fit
    begun      text                        -- JSON: a declaration that documents are being rewritten for
);
CREATE TABLE collections (
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    space integer NOT NULL REFERENCES spaces,
    name  text COLLATE "C" NOT NULL,
    UNIQUE (space, name)
);
CREATE TABLE indexes (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection integer NOT NULL REFERENCES collections,
    name       text COLLATE "C" NOT NULL,
    is_unique  boolean NOT NULL,
    UNIQUE (collection, name)
);
CREATE TABLE tally_kinds (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    space  integer NOT NULL REFERENCES spaces,
    name   text COLLATE "C" NOT NULL,
    fields text[] NOT NULL, -- field n is column f<n> of tallies
    UNIQUE (space, name)
);

-- Documents are mostly below 8 kB: kept in their row, neither compressed nor moved out of it.
CREATE TABLE documents (
    collection integer NOT NULL,
    partition  text COLLATE "C" NOT NULL,
    sort       text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    schema     integer NOT NULL,
    expires    bigint, -- microseconds since 1970
    entries    bytea,  -- the index entries it has, so that they can be removed
    body       text NOT NULL, -- JSON; not jsonb, which refuses U+0000 and changes numbers
    PRIMARY KEY (collection, partition, sort)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX documents_expiring ON documents (expires) WHERE expires IS NOT NULL;
-- Numbers of commits: versions of documents.
CREATE SEQUENCE versions;

CREATE TABLE entries (
    idx       integer NOT NULL,
    key       bytea NOT NULL,
    partition text COLLATE "C" NOT NULL,
    sort      text COLLATE "C" NOT NULL,
    PRIMARY KEY (idx, key, partition, sort)
);

-- Half of each page is left free, so that a row that changes all the time finds room beside itself.
CREATE TABLE tallies (
    kind      integer NOT NULL,
    partition text COLLATE "C" NOT NULL,
    sort      text COLLATE "C" NOT NULL,
    f0 bigint NOT NULL, f1 bigint NOT NULL, f2 bigint NOT NULL, f3 bigint NOT NULL,
    f4 bigint NOT NULL, f5 bigint NOT NULL, f6 bigint NOT NULL, f7 bigint NOT NULL,
    PRIMARY KEY (kind, partition, sort)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- The log, how far it was trimmed, and the last number given to each subject.
CREATE TABLE log (
    position    bigint PRIMARY KEY,
    id          uuid NOT NULL,
    source      text COLLATE "C" NOT NULL,
    detail_type text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    sequence    bigint NOT NULL,
    occurred_at bigint NOT NULL, -- milliseconds since 1970
    body        text NOT NULL
) WITH (toast_tuple_target = 8160);
CREATE TABLE trimmed (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
);
INSERT INTO trimmed (position) VALUES (0);
CREATE TABLE subjects (
    source   text COLLATE "C" NOT NULL,
    subject  text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (source, subject)
) WITH (fillfactor = 80);

-- For people with psql in hand.
CREATE VIEW document AS
    SELECT s.name AS space, c.name AS collection, d.partition, d.sort, d.version, d.schema,
           to_timestamp(d.expires / 1000000.0) AS expires, d.body::json AS body
    FROM documents d JOIN collections c ON c.id = d.collection JOIN spaces s ON s.id = c.space;
