-- Indexes and keys, then statistics and hint bits: who reads first afterwards pays for nobody.
SET maintenance_work_mem = '1GB';
ALTER TABLE accounts ADD PRIMARY KEY (id), ADD UNIQUE (number);
ALTER TABLE entries ADD PRIMARY KEY (id);
CREATE INDEX entries_account ON entries (account_id, booked_at);
CREATE UNIQUE INDEX entries_reference ON entries (reference);
ALTER TABLE documents ADD PRIMARY KEY (id);
CREATE INDEX documents_tags ON documents USING gin (tags jsonb_path_ops);
CREATE INDEX documents_words ON documents USING gin (to_tsvector('simple', body));
ALTER TABLE splits ADD PRIMARY KEY (entry_id, line);
ALTER TABLE entries ADD FOREIGN KEY (account_id) REFERENCES accounts;
ALTER TABLE documents ADD FOREIGN KEY (account_id) REFERENCES accounts;
ALTER TABLE splits ADD FOREIGN KEY (entry_id) REFERENCES entries;
DROP FUNCTION word(bigint);
VACUUM (FREEZE, ANALYZE);
