CREATE TABLE IF NOT EXISTS cleanup_policies (
    data_type VARCHAR(50) PRIMARY KEY,
    retention_days INTEGER NOT NULL,
    enabled BOOLEAN DEFAULT true,
    description TEXT,
    created_at TIMESTAMP DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at TIMESTAMP DEFAULT (now() AT TIME ZONE 'UTC')
);

CREATE TABLE IF NOT EXISTS cleanup_audit (
    id SERIAL PRIMARY KEY,
    data_type VARCHAR(50) NOT NULL,
    cleanup_type VARCHAR(20) NOT NULL,
    records_deleted INTEGER DEFAULT 0,
    space_freed_bytes BIGINT DEFAULT 0,
    executed_at TIMESTAMP DEFAULT (now() AT TIME ZONE 'UTC'),
    executed_by VARCHAR(100) DEFAULT 'system'
);

-- Moments are in UTC, whatever the time zone of the session is.
ALTER TABLE cleanup_policies
    ALTER COLUMN created_at SET DEFAULT (now() AT TIME ZONE 'UTC'),
    ALTER COLUMN updated_at SET DEFAULT (now() AT TIME ZONE 'UTC');
ALTER TABLE cleanup_audit ALTER COLUMN executed_at SET DEFAULT (now() AT TIME ZONE 'UTC');

CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now() AT TIME ZONE 'UTC';
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS update_cleanup_policies_updated_at ON cleanup_policies;
CREATE TRIGGER update_cleanup_policies_updated_at BEFORE UPDATE ON cleanup_policies
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- Every policy with what was deleted under it. Totals that are too large for an integer stay at the largest.
CREATE OR REPLACE FUNCTION get_cleanup_stats() RETURNS TABLE (
    data_type VARCHAR(50),
    retention_days INTEGER,
    enabled BOOLEAN,
    last_cleanup TIMESTAMP,
    total_cleaned INTEGER,
    space_saved BIGINT
) LANGUAGE sql STABLE AS $$
    SELECT
        p.data_type,
        p.retention_days,
        p.enabled,
        max(a.executed_at),
        least(coalesce(sum(a.records_deleted), 0), 2147483647)::INTEGER,
        least(coalesce(sum(a.space_freed_bytes), 0), 9223372036854775807)::BIGINT
    FROM cleanup_policies AS p
    LEFT JOIN cleanup_audit AS a ON a.data_type = p.data_type
    GROUP BY p.data_type, p.retention_days, p.enabled
    ORDER BY p.data_type
$$;

-- True if there is such a policy, which then has these values.
CREATE OR REPLACE FUNCTION update_retention_policy(
    p_data_type VARCHAR(50), p_retention_days INTEGER, p_enabled BOOLEAN DEFAULT true
) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cleanup_policies
    SET retention_days = p_retention_days, enabled = p_enabled
    WHERE cleanup_policies.data_type = p_data_type;
    RETURN FOUND;
END
$$;

-- Deletes nothing: what it is for is files, which no database can back up. If the policy is enabled, a row
-- of cleanup_audit says that it was called; `dvt lifecycle run` deletes.
CREATE OR REPLACE FUNCTION cleanup_pipeline_operations(
    p_cleanup_type VARCHAR(20) DEFAULT 'automatic', p_executed_by VARCHAR(100) DEFAULT 'system'
) RETURNS TABLE (
    data_type VARCHAR(50),
    records_deleted INTEGER,
    space_freed_bytes BIGINT
) LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM cleanup_policies AS p WHERE p.data_type = 'pipeline_operations' AND p.enabled
    ) THEN
        INSERT INTO cleanup_audit AS a (data_type, cleanup_type, records_deleted, space_freed_bytes, executed_by)
        VALUES ('pipeline_operations', p_cleanup_type, 0, 0, p_executed_by);
    END IF;
    RETURN QUERY SELECT 'pipeline_operations'::VARCHAR(50), 0, 0::BIGINT;
END
$$;
