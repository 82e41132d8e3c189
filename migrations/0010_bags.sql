-- The terms of a chunk once more, packed (big-endian int32 in the order of the text): what BM25 reads.
-- An int[] of the same numbers takes three times as long to send; the index goes on using that.
ALTER TABLE chunks ADD COLUMN bag bytea;
UPDATE chunks SET bag = coalesce(
    (SELECT string_agg(int4send(term), ''::bytea ORDER BY place)
       FROM unnest(terms) WITH ORDINALITY AS t (term, place)), ''::bytea);
ALTER TABLE chunks ALTER COLUMN bag SET NOT NULL,
                   ALTER COLUMN bag SET STORAGE MAIN;    -- of a wide row the array moves out first

-- Rises with every change of a collection's chunks, so that what is derived from them may be kept.
ALTER TABLE collection_stats ADD COLUMN generation bigint NOT NULL DEFAULT 0;
