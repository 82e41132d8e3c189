"""PDFs in, rows out: reading, OCR, layout, tables, chunking, the worker and the nightly batch."""
