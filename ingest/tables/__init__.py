"""Table finders."""
