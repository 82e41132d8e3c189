"""The only SQL: Postgres, and the files beside it."""
