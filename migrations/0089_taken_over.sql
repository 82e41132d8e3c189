-- What a page and its chunks were made of, all of it: where the next version has a page that is made of the same, the row
-- and the chunks are taken over and nothing is made again. Null: not known.
ALTER TABLE pages ADD COLUMN made_of bytea;
-- What whoever takes a page over must know: headings and heads of tables that go on behind it, its tables.
ALTER TABLE pages ADD COLUMN leaves jsonb;
