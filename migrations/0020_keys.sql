-- Who may call, what they may see, and what they did.

CREATE TABLE api_keys (
    key_id      text PRIMARY KEY CHECK (key_id ~ '^[a-z2-7]{10}$'),
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    role        text NOT NULL CHECK (role IN ('reader', 'writer', 'administrator')),
    everywhere  boolean NOT NULL DEFAULT false,   -- sees every collection, those to come included
    salt        bytea NOT NULL,
    digest      bytea NOT NULL,                   -- HMAC-SHA256 of the secret under the salt
    per_minute  int CHECK (per_minute > 0),       -- requests; null: the setting
    questions_a_day int CHECK (questions_a_day > 0),       -- null: no quota
    upload_bytes_a_day bigint CHECK (upload_bytes_a_day > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz,
    CHECK (role <> 'administrator' OR everywhere)
);

CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE grants (
    collection_id bigint NOT NULL REFERENCES collections ON DELETE CASCADE,
    key_id        text   NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    PRIMARY KEY (collection_id, key_id)
);

CREATE INDEX grants_key ON grants (key_id);

CREATE TABLE key_usage (
    key_id       text NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    day          date NOT NULL,
    questions    bigint NOT NULL DEFAULT 0,
    upload_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (key_id, day)
);

-- Somebody signed in on the page; the cookie holds a token of which only the hash is here.
CREATE TABLE page_sessions (
    token_hash bytea PRIMARY KEY,
    key_id     text REFERENCES api_keys ON DELETE CASCADE,  -- null: the bootstrap key
    key_proof  bytea,                                       -- which bootstrap key it was
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CHECK ((key_id IS NULL) = (key_proof IS NOT NULL))
);

-- Outlives the keys and collections that it speaks of.
CREATE TABLE audit_log (
    audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    actor      text NOT NULL,
    key_id     text,
    action     text NOT NULL,
    target     text NOT NULL DEFAULT '',
    outcome    text NOT NULL DEFAULT '',
    request_id text NOT NULL DEFAULT '',
    address    text NOT NULL DEFAULT ''
);

-- Row-level security. A request of a key that may see some collections runs as the role
-- ragqa_reader or ragqa_writer, with their numbers in the setting ragqa.collections, both for one
-- transaction: then Postgres itself shows no other row, whatever the statement forgot to ask.
-- The owner of the tables (the worker, the command line, administrators) is not restricted.

CREATE FUNCTION ragqa_guard_table(guarded regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('DROP POLICY IF EXISTS granted ON %s', guarded);
    -- No setting: no rows. The array is a constant of the statement, so indexes serve it.
    EXECUTE format(
        'CREATE POLICY granted ON %s USING (collection_id = ANY ('
        'nullif(current_setting(''ragqa.collections'', true), '''')::bigint[]))', guarded);
    IF to_regrole('ragqa_reader') IS NOT NULL AND to_regrole('ragqa_writer') IS NOT NULL THEN
        EXECUTE format('GRANT SELECT ON %s TO ragqa_reader', guarded);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO ragqa_writer', guarded);
    END IF;
END $$;

-- Guards every table that has a collection_id, so that a new one cannot be forgotten. Returns what
-- keeps keys with grants from working; empty: nothing. What is guarded already is not touched: a
-- change would wait for every running transaction, and everybody else for it.
CREATE FUNCTION ragqa_guard() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wanted  text;
    guarded regclass;
    becomes text := CASE WHEN current_setting('server_version_num')::int >= 160000
                         THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ragqa_reader', 'ragqa_writer'] LOOP
        IF to_regrole(wanted) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;  -- made at the same time
                WHEN insufficient_privilege THEN
                    RETURN format('the role %I is missing, and %I may not create it',
                                  wanted, current_user);
            END;
        END IF;
        IF NOT pg_has_role(current_user, wanted, becomes) THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            EXCEPTION WHEN insufficient_privilege OR invalid_grant_operation THEN
                RETURN format('%I may not become the role %I', current_user, wanted);
            END;
        END IF;
    END LOOP;

    FOR guarded IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
           AND a.attname = 'collection_id' AND NOT a.attisdropped AND c.relname <> 'grants'
           AND NOT (c.relrowsecurity AND has_table_privilege('ragqa_reader', c.oid, 'SELECT')
                    AND EXISTS (SELECT FROM pg_policy p
                                 WHERE p.polrelid = c.oid AND p.polname = 'granted'))
         ORDER BY c.relname
    LOOP
        PERFORM ragqa_guard_table(guarded);
    END LOOP;

    EXECUTE format('GRANT USAGE ON SCHEMA %I TO ragqa_reader, ragqa_writer', current_schema());
    GRANT SELECT ON embedding_models TO ragqa_reader, ragqa_writer;
    -- Whoever may read may ask, and say what the answer was worth.
    GRANT INSERT ON answers, feedback TO ragqa_reader;
    -- An answer holds the documents it shows while it is written (FOR KEY SHARE), which takes the
    -- right to update them. No row can be changed by it: no new version of one passes the policy.
    GRANT UPDATE (created_at) ON documents TO ragqa_reader;
    IF NOT EXISTS (SELECT FROM pg_policy WHERE polname = 'readers_change_nothing') THEN
        CREATE POLICY readers_change_nothing ON documents AS RESTRICTIVE FOR UPDATE TO ragqa_reader
            USING (true) WITH CHECK (false);
    END IF;
    -- Collections are made and deleted by administrators.
    REVOKE INSERT, UPDATE, DELETE ON collections FROM ragqa_writer;

    -- An upload queues its reading.
    IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = 'procrastinate_jobs'::regclass) THEN
        ALTER TABLE procrastinate_jobs ENABLE ROW LEVEL SECURITY;
        CREATE POLICY granted ON procrastinate_jobs USING (
            nullif(split_part(args ->> 'document_id', '-', 1), '')::bigint = ANY (
                nullif(current_setting('ragqa.collections', true), '')::bigint[]));
    END IF;
    GRANT SELECT, INSERT ON procrastinate_jobs, procrastinate_events TO ragqa_writer;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ragqa_writer;

    -- Behind row-level security an index serves a condition only if its function is declared to
    -- leak nothing through errors. These raise none that depend on what is stored.
    IF EXISTS (SELECT FROM pg_proc WHERE NOT proleakproof AND oid IN (
            'arraycontains(anyarray, anyarray)'::regprocedure,
            'arrayoverlap(anyarray, anyarray)'::regprocedure,
            'textlike(text, text)'::regprocedure)) THEN
        BEGIN
            ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) LEAKPROOF;
            ALTER FUNCTION pg_catalog.arrayoverlap(anyarray, anyarray) LEAKPROOF;
            ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF;
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;  -- right all the same, only slower; `ragqa doctor` tells
        END;
    END IF;
    RETURN '';
END $$;
