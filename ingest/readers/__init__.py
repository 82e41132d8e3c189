"""File readers: a file in, raw pages out."""
