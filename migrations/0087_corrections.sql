-- Lines that somebody read better than the machine did. They belong to what a page shows (the hash in its
-- key), so every document and version of the collection that has the page has them, however often it
-- is read again; they go when no version that is kept has the page any more.
ALTER TABLE pages ADD COLUMN content text;
UPDATE pages SET content = substring(page_key FROM '[^-]*$');
ALTER TABLE pages ALTER COLUMN content SET NOT NULL;
CREATE INDEX pages_content ON pages (collection_id, content);

CREATE TABLE corrections (
    collection_id bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    content       text   NOT NULL,                  -- hash of what the page shows
    place         double precision[] NOT NULL CHECK (cardinality(place) = 4),  -- the line's box
    read_as       text   NOT NULL,
    text          text   NOT NULL,                  -- empty: there is no text there
    corrected_by  text   NOT NULL,
    corrected_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (collection_id, content, place)
);
