-- How fast a stage goes: when it began, and how much was done already when it did.
ALTER TABLE versions
    ADD COLUMN stage_since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN stage_from  int NOT NULL DEFAULT 0;

-- Vectors of a version on its way: an attempt that is killed leaves them to the next one.
CREATE TABLE passage_embeddings (
    collection_id bigint NOT NULL,
    document_id   bigint NOT NULL,
    model         text   NOT NULL,
    embedded_hash bytea  NOT NULL,                  -- SHA-256 of the text that was embedded
    embedding     bytea  NOT NULL,                  -- float32, little-endian
    PRIMARY KEY (collection_id, document_id, model, embedded_hash),
    FOREIGN KEY (collection_id, document_id) REFERENCES documents ON DELETE CASCADE
);
