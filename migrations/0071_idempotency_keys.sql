-- What an upload sent with an Idempotency-Key was answered: the same request again gets the same
-- answer, and nothing is done twice. A row without an answer is claimed: somebody works on it.
-- The documents that the answer tells are listed, as it goes with the first of them that is deleted.

CREATE TABLE idempotency_keys (
    collection_id bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    caller        text   NOT NULL,            -- id of the API key; empty: a caller without one
    key           text   NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    digest        bytea  NOT NULL CHECK (octet_length(digest) = 32),
    documents     bigint[] NOT NULL DEFAULT '{}',
    answer        jsonb,
    claimed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (collection_id, caller, key)
);

CREATE INDEX idempotency_keys_age ON idempotency_keys (collection_id, claimed_at);
