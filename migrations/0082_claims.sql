-- Which claim of a version is the valid one. A worker that was believed dead, because its machine had not a moment to
-- spare, may still be at work when another one takes the version up: what it writes after that is refused.
ALTER TABLE versions ADD COLUMN claim integer NOT NULL DEFAULT 0;
