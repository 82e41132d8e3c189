-- A page that was given up (too slow, too large, its reader crashed) is read again when somebody asks
-- for the document again: what kept it from being read may be gone.
ALTER TABLE page_reads ADD COLUMN given_up boolean NOT NULL DEFAULT false;
