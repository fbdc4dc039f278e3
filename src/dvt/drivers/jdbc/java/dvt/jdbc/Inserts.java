package dvt.jdbc;

import java.io.IOException;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Inserts the rows that come through a pipe, by batches of one prepared statement, each of them committed. */
final class Inserts {
    private static final int FIRST_ROWS = 64;
    private static final int ROWS = 4_096;
    /** Nanoseconds of a batch: below the first, the next has more rows; above the second, fewer. */
    private static final long QUICK = 250_000_000L;
    private static final long SLOW = 1_000_000_000L;
    /** Bytes of values after which a batch is full: drivers hold it in memory. */
    private static final int BYTES = 8 << 20;
    /** SQLSTATE of a statement that was stopped. */
    private static final String STOPPED = "57014";

    private final Connection connection;
    private final PreparedStatement statement;
    private final BooleanSupplier isStopped;
    private final List<Parameter> parameters = new ArrayList<>();
    /** Rows of a batch: some databases cannot stop within one, so that it should not take long. */
    private int size = FIRST_ROWS;
    private int waiting;
    private long bytes;
    private long inserted;

    Inserts(Connection connection, PreparedStatement statement, List<String> kinds, BooleanSupplier isStopped) {
        this.connection = connection;
        this.statement = statement;
        this.isStopped = isStopped;
        for (String kind : kinds) {
            parameters.add(Parameter.of(kind, parameters.size() + 1));
        }
    }

    /** Inserts all rows, up to the mark of their end; returns their number. */
    long run(Pipe pipe) throws SQLException, IOException {
        for (int rows = pipe.number(); rows >= 0; rows = pipe.number()) {
            for (Parameter parameter : parameters) {
                parameter.fill(pipe);
            }
            for (int row = 0; row < rows; row++) {
                add(row);
            }
        }
        flush();
        return inserted;
    }

    private void add(int row) throws SQLException {
        for (Parameter parameter : parameters) {
            bytes += parameter.bind(statement, row);
        }
        statement.addBatch();
        waiting++;
        if (waiting >= size || bytes > BYTES) {
            flush();
        }
    }

    private void flush() throws SQLException {
        if (isStopped.getAsBoolean()) {
            throw new SQLException("it was stopped", STOPPED);
        }
        if (waiting == 0) {
            return;
        }
        long begin = System.nanoTime();
        int[] counts = executed();
        if (counts.length != waiting) {
            throw new SQLException("of " + waiting + " rows its driver tells of " + counts.length);
        }
        for (int count : counts) {
            if (count != 1 && count != Statement.SUCCESS_NO_INFO) {
                throw new SQLException("its driver tells of " + count + " rows for one");
            }
        }
        connection.commit();
        long taken = System.nanoTime() - begin;
        size = taken < QUICK ? Math.min(size * 2, ROWS) : taken > SLOW ? Math.max(size / 2, 1) : size;
        inserted += waiting;
        waiting = 0;
        bytes = 0;
    }

    private int[] executed() throws SQLException {
        try {
            return statement.executeBatch();
        } catch (BatchUpdateException failed) {
            // It tells that a batch failed; why is in the next one, of drivers that have it.
            SQLException why = failed.getNextException();
            throw why == null ? failed : why;
        }
    }
}
