-- The words of a collection as they are written, for questions that misspell one. Kept, like the
-- statistics of terms, in the transaction that swaps the chunks.

CREATE TABLE words (
    collection_id bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    word          text   COLLATE "C" NOT NULL CHECK (word ~ '^[a-z]{5,24}$'),
    chunks        int    NOT NULL CHECK (chunks >= 0),   -- chunks that it stands in, or their context
    PRIMARY KEY (collection_id, word)
);

CREATE INDEX words_trigrams ON words USING gin (word gin_trgm_ops);

-- The words of a text: runs of ASCII letters in lower case that touch no other letter.
CREATE FUNCTION ragqa_words(text text) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT word FROM regexp_split_to_table(lower(text), '[^a-zà-öø-ÿ]+') AS word
     WHERE word ~ '^[a-z]{5,24}$';
END;

INSERT INTO words (collection_id, word, chunks)
SELECT collection_id, word, count(*)
  FROM (SELECT DISTINCT c.collection_id, c.chunk_id, w.word
          FROM chunks c JOIN documents d USING (collection_id, document_id),
               ragqa_words(concat_ws(' ', d.name, array_to_string(c.headings, ' '), c.text)) AS w (word)
       ) AS occurrences
 GROUP BY collection_id, word;
