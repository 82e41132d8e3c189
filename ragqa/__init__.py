"""Ask questions of your own PDFs; every sentence of an answer cites a place on a page."""
