-- The text of each served page, folded and without white space: any piece of a document finds it.
-- Written with the chunks, in the transaction that swaps a version in.
CREATE TABLE page_texts (
    collection_id bigint NOT NULL,
    document_id   bigint NOT NULL,
    page_number   int    NOT NULL,
    squeezed      text   NOT NULL,
    PRIMARY KEY (collection_id, document_id, page_number),
    FOREIGN KEY (collection_id, document_id) REFERENCES documents ON DELETE CASCADE
);

CREATE INDEX page_texts_trigrams ON page_texts USING gin (squeezed gin_trgm_ops);

-- Words that the users of a collection have taught it; they take effect with the next question.
CREATE TABLE lexicon (
    collection_id bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    word          text   NOT NULL CHECK (char_length(word) BETWEEN 2 AND 50),
    PRIMARY KEY (collection_id, word)
);
