-- How sure the evidence must be before a collection answers, 0 to 1, found by `ragqa calibrate`; null:
-- as sure as the questions that ragqa was fitted on ask for.
ALTER TABLE collections ADD COLUMN answer_from real CHECK (answer_from BETWEEN 0 AND 1);
