-- All chunks of a page: its neighbours for a prompt, the page's score as a whole, its verbatim text.
CREATE INDEX chunks_page ON chunks (collection_id, document_id, page_number);
