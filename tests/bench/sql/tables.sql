-- A bank with some years behind it, without keys and indexes. Every value follows from its row's number, so that the database is the
-- same at each call.
CREATE FUNCTION word(n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (ARRAY['account', 'annual', 'balance', 'bank', 'card', 'cash', 'charge', 'city', 'client', 'credit', 'debit', 'deposit',
        'energy', 'fee', 'food', 'fuel', 'garden', 'grant', 'health', 'house', 'income', 'invoice', 'key', 'lease', 'loan', 'market',
        'monthly', 'number', 'office', 'order', 'paper', 'parking', 'payment', 'pension', 'phone', 'power', 'rail', 'refund', 'rent',
        'repair', 'return', 'salary', 'school', 'service', 'shop', 'standing', 'station', 'street', 'subscription', 'supply', 'tax',
        'ticket', 'total', 'tour', 'transfer', 'travel', 'union', 'water', 'week', 'wire', 'wood', 'work', 'yard', 'year'])[1 + n % 64]
$$;
CREATE TABLE accounts (id bigint NOT NULL, number uuid NOT NULL, owner text NOT NULL, opened timestamptz NOT NULL, settings jsonb NOT NULL);
CREATE TABLE entries (
    id bigint NOT NULL, account_id bigint NOT NULL, reference uuid NOT NULL, amount numeric(12, 2) NOT NULL, balance numeric(15, 2) NOT NULL,
    booked_at timestamptz NOT NULL, valued_on date NOT NULL, kind smallint NOT NULL, purpose text NOT NULL, counterparty text NOT NULL,
    details jsonb, digest bytea NOT NULL
);
CREATE TABLE documents (id bigint NOT NULL, account_id bigint NOT NULL, title text NOT NULL, body text NOT NULL, tags jsonb NOT NULL, scan bytea NOT NULL);
CREATE TABLE splits (entry_id bigint NOT NULL, line int NOT NULL, category int NOT NULL, amount numeric(12, 2) NOT NULL, note text);
