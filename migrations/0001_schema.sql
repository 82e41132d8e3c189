-- collection_id leads every key: one Postgres today, a cluster distributed by it tomorrow.
-- Only the version a reader may see has chunks; a version becomes visible, whole, in one transaction.

CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE collections (
    collection_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 100),
    embedding_model text NOT NULL,
    dimension       int  NOT NULL CHECK (dimension BETWEEN 1 AND 4000),
    calibration     jsonb,
    created_at      timestamptz NOT NULL DEFAULT now()
);

-- One table of vectors for each embedding model: embeddings_<table_key>, made when the model is first used.
CREATE TABLE embedding_models (
    name      text PRIMARY KEY,
    table_key text NOT NULL UNIQUE CHECK (table_key ~ '^[a-z0-9_]{1,48}$'),
    dimension int  NOT NULL
);

CREATE TABLE documents (
    collection_id   bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    document_id     bigint GENERATED ALWAYS AS IDENTITY,
    name            text NOT NULL CHECK (name <> ''),
    current_version int,                       -- the version that is served; null: none yet
    newest_version  int NOT NULL DEFAULT 0,
    metadata        jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (collection_id, document_id),
    UNIQUE (collection_id, name)
);

CREATE TABLE versions (
    collection_id bigint NOT NULL,
    document_id   bigint NOT NULL,
    version       int    NOT NULL CHECK (version >= 1),
    sha256        text   NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes         bigint NOT NULL CHECK (bytes >= 0),
    status        text   NOT NULL DEFAULT 'queued'
                  CHECK (status IN ('queued', 'processing', 'ready', 'failed')),
    cancelled     boolean NOT NULL DEFAULT false,   -- asked to stop; the worker obeys
    attempts      int    NOT NULL DEFAULT 0,
    pages         int    NOT NULL DEFAULT 0,
    ocr_pages     int    NOT NULL DEFAULT 0,
    tables        int    NOT NULL DEFAULT 0,
    chunks        int    NOT NULL DEFAULT 0,
    error_code    text,
    error_message text,
    warnings      jsonb  NOT NULL DEFAULT '[]',
    stage         text   NOT NULL DEFAULT 'queued',
    done          int    NOT NULL DEFAULT 0,
    total         int    NOT NULL DEFAULT 0,
    password      text,                             -- kept only until the version is read
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (collection_id, document_id, version),
    FOREIGN KEY (collection_id, document_id) REFERENCES documents ON DELETE CASCADE,
    CHECK ((status = 'failed') = (error_code IS NOT NULL))
);

CREATE INDEX versions_file ON versions (collection_id, sha256);

-- What reading one page gave, by the content of the page: a killed or edited document goes on from here.
CREATE TABLE page_reads (
    collection_id bigint NOT NULL,
    document_id   bigint NOT NULL,
    page_key      text   NOT NULL,
    raw           bytea  NOT NULL,
    PRIMARY KEY (collection_id, document_id, page_key),
    FOREIGN KEY (collection_id, document_id) REFERENCES documents ON DELETE CASCADE
);

CREATE TABLE pages (
    collection_id  bigint NOT NULL,
    document_id    bigint NOT NULL,
    version        int    NOT NULL,
    page_number    int    NOT NULL CHECK (page_number >= 1),
    page_key       text   NOT NULL,
    width          real   NOT NULL,
    height         real   NOT NULL,
    source         text   NOT NULL CHECK (source IN ('text', 'ocr', 'empty')),
    ocr_confidence real,
    text           text   NOT NULL,
    blocks         jsonb  NOT NULL,
    char_boxes     bytea  NOT NULL,                 -- zlib of float32 (characters, 4)
    PRIMARY KEY (collection_id, document_id, version, page_number),
    FOREIGN KEY (collection_id, document_id, version) REFERENCES versions ON DELETE CASCADE
);

CREATE TABLE chunks (
    collection_id bigint NOT NULL,
    chunk_id      bigint GENERATED ALWAYS AS IDENTITY,
    document_id   bigint NOT NULL,
    version       int    NOT NULL,
    ordinal       int    NOT NULL,                  -- reading order within the document, from 0
    page_number   int    NOT NULL,
    span_start    int    NOT NULL CHECK (span_start >= 0),
    span_end      int    NOT NULL CHECK (span_end > span_start),
    kind          text   NOT NULL CHECK (kind IN ('text', 'table')),
    headings      text[] NOT NULL DEFAULT '{}',
    text          text   NOT NULL,
    embedded_hash bytea  NOT NULL,                  -- SHA-256 of the text that was embedded
    terms         int[]  NOT NULL,                  -- hashes of the lexical terms, repeated as often as they occur
    PRIMARY KEY (collection_id, chunk_id),
    UNIQUE (collection_id, document_id, ordinal),
    FOREIGN KEY (collection_id, document_id, version, page_number) REFERENCES pages ON DELETE CASCADE
);

CREATE INDEX chunks_terms ON chunks USING gin (terms);

-- Document frequencies and lengths for BM25, kept in the transaction that swaps the chunks.
CREATE TABLE term_stats (
    collection_id bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    term          int    NOT NULL,
    df            int    NOT NULL CHECK (df >= 0),
    PRIMARY KEY (collection_id, term)
);

CREATE TABLE collection_stats (
    collection_id bigint PRIMARY KEY REFERENCES collections ON DELETE CASCADE,
    chunks        bigint NOT NULL DEFAULT 0 CHECK (chunks >= 0),
    terms         bigint NOT NULL DEFAULT 0 CHECK (terms >= 0)
);

-- Files of the nightly batch: a stat, then a hash, tells whether anything changed.
CREATE TABLE sources (
    collection_id bigint NOT NULL,
    root          text   NOT NULL,
    path          text   NOT NULL,                  -- relative to root
    document_id   bigint NOT NULL,
    bytes         bigint NOT NULL,
    mtime_ns      bigint NOT NULL,
    sha256        text   NOT NULL,
    PRIMARY KEY (collection_id, root, path),
    FOREIGN KEY (collection_id, document_id) REFERENCES documents ON DELETE CASCADE
);

CREATE TABLE batch_runs (
    collection_id bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    run_id        bigint GENERATED ALWAYS AS IDENTITY,
    paths         text[] NOT NULL,
    report        jsonb,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    PRIMARY KEY (collection_id, run_id)
);

CREATE TABLE answers (
    collection_id   bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    answer_id       bigint GENERATED ALWAYS AS IDENTITY,
    conversation_id text,
    question        text  NOT NULL,
    record          jsonb NOT NULL,
    documents       bigint[] NOT NULL,              -- whose text the record holds
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (collection_id, answer_id)
);

CREATE INDEX answers_conversation ON answers (collection_id, conversation_id, answer_id)
    WHERE conversation_id IS NOT NULL;
CREATE INDEX answers_documents ON answers USING gin (documents);

CREATE TABLE feedback (
    collection_id bigint NOT NULL,
    answer_id     bigint NOT NULL,
    feedback_id   bigint GENERATED ALWAYS AS IDENTITY,
    rating        int    NOT NULL CHECK (rating IN (-1, 1)),
    comment       text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (collection_id, answer_id, feedback_id),
    FOREIGN KEY (collection_id, answer_id) REFERENCES answers ON DELETE CASCADE
);
