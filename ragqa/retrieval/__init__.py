"""Finding the chunks that may answer a question."""
