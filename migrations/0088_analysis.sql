-- By what code and dictionaries the terms of a version's chunks were found: where it is the same, the next version takes
-- them over from chunks that did not change. Empty: not known.
ALTER TABLE versions ADD COLUMN analyzed_by text NOT NULL DEFAULT '';
