-- Roles with no more rights than they need, for a store in PostgreSQL.
--
--     psql -v ON_ERROR_STOP=1 -d DATABASE -f roles.sql
--
-- Run it as the owner of the tables, with the right to create roles, after dvt has opened the store once; and
-- again after an upgrade of dvt. The roles have no login: create users in them.
--
--     CREATE ROLE nightly LOGIN PASSWORD '...' IN ROLE dvt_cleaner;
--
-- dvt_cleaner  reads all, puts runs on record, and keeps the schedule; it cannot change policies, or what is
--              on record.
-- dvt_viewer   reads all but the tokens of the API.
-- dvt_server   serves the page and the API: as dvt_cleaner, and it changes policies, pins and tokens.

SET client_min_messages = warning;
BEGIN;

DO $$
DECLARE
    role_name TEXT;
    table_name TEXT;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['dvt_cleaner', 'dvt_viewer', 'dvt_server'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', role_name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role_name);
        FOR table_name IN
            SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename IN (
                'cleanup_policies', 'cleanup_policy_history', 'cleanup_pins', 'cleanup_audit', 'cleanup_events',
                'cleanup_runs', 'cleanup_run_ends', 'cleanup_schedules', 'cleanup_schema_version'
            )
        LOOP
            EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, %I', table_name, role_name);
            EXECUTE format('GRANT SELECT ON %I TO %I', table_name, role_name);
        END LOOP;
        EXECUTE format('REVOKE ALL ON cleanup_tokens FROM PUBLIC, %I', role_name);
    END LOOP;
    GRANT dvt_cleaner TO dvt_server;
    GRANT SELECT, INSERT, UPDATE ON cleanup_tokens TO dvt_server;
    GRANT INSERT, UPDATE, DELETE ON cleanup_policies TO dvt_server;
    GRANT INSERT, UPDATE ON cleanup_pins TO dvt_server;
    GRANT INSERT ON cleanup_policy_history TO dvt_server;
    FOR table_name IN
        SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
        AND tablename IN ('cleanup_events', 'cleanup_runs', 'cleanup_run_ends', 'cleanup_audit')
    LOOP
        EXECUTE format('GRANT INSERT ON %I TO dvt_cleaner', table_name);
    END LOOP;
    GRANT INSERT, UPDATE ON cleanup_schedules TO dvt_cleaner;
    FOR table_name IN
        SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema()
        AND sequencename IN ('cleanup_runs_id_seq', 'cleanup_run_ends_id_seq', 'cleanup_audit_id_seq')
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %I TO dvt_cleaner', table_name);
    END LOOP;
    GRANT USAGE ON SEQUENCE cleanup_policy_history_id_seq TO dvt_server;
END
$$;

REVOKE EXECUTE ON FUNCTION update_retention_policy(VARCHAR, INTEGER, BOOLEAN) FROM PUBLIC;

COMMIT;
