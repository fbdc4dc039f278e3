package dvt.jdbc;

import java.io.Closeable;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;

/** One connection. One request at a time, but for `cancel`, which may come at any time. */
final class Session {
    /** Exit code of a process whose heap is too small. */
    static final int OUT_OF_MEMORY = 3;
    /** Milliseconds between two attempts to cancel a statement: one may come before it has begun. */
    private static final long CANCEL_INTERVAL = 200;
    /** Attempts after which the connection is cut instead. */
    private static final int CANCEL_ATTEMPTS = 10;
    /** Looks at whether a statement has ended, after its connection was cut. */
    private static final int ABORT_LOOKS = 5;
    private static final int ALIVE_SECONDS = 5;

    private Connection connection;
    private volatile Statement running;
    /** The pipe of the statement under way. */
    private volatile Closeable pipe;
    private volatile boolean isCut;
    /** Whether the load under way is to end. */
    private volatile boolean isStopped;

    /** Connects: class of the driver or nothing, URL, seconds, names and values of properties. */
    List<String> connect(List<String> values) throws Exception {
        Properties properties = new Properties();
        for (int number = 3; number + 1 < values.size(); number += 2) {
            properties.setProperty(values.get(number), values.get(number + 1));
        }
        DriverManager.setLoginTimeout(Integer.parseInt(values.get(2)));
        connection = driver(values.get(0), values.get(1)).connect(values.get(1), properties);
        if (connection == null) {
            throw new DriverException("its driver does not take this URL");
        }
        DatabaseMetaData facts = connection.getMetaData();
        String quote = facts.getIdentifierQuoteString();
        return List.of(
            text(facts.getDatabaseProductName()), text(facts.getDatabaseProductVersion()),
            text(facts.getDriverName()), text(facts.getDriverVersion()), quote == null ? " " : quote,
            text(connection.getCatalog()), schema());
    }

    private String schema() {
        try {
            return text(connection.getSchema());
        } catch (SQLException | RuntimeException | LinkageError cannotTell) {
            return "";
        }
    }

    private static Driver driver(String name, String url) throws DriverException {
        if (!name.isEmpty()) {
            try {
                return (Driver) Class.forName(name).getDeclaredConstructor().newInstance();
            } catch (ReflectiveOperationException | ClassCastException | LinkageError error) {
                throw new DriverException("the class " + name + " is not in its jars, or is no driver: " + error);
            }
        }
        try {
            return DriverManager.getDriver(url);
        } catch (SQLException none) {
            throw new DriverException("no driver in its jars takes this URL");
        }
    }

    List<String> execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
        return List.of();
    }

    /** Runs a statement that `cancel` can stop; returns the number of rows it has changed, -1 if it answers rows. */
    List<String> update(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            pipe = null;
            running = statement;
            return List.of(Integer.toString(statement.execute(sql) ? -1 : statement.getUpdateCount()));
        } finally {
            running = null;
        }
    }

    /** Begins a transaction that may write, or ends it by `commit` or `rollback`. */
    List<String> transact(String what) throws SQLException {
        if (what.equals("begin")) {
            connection.setAutoCommit(false);
            return List.of();
        }
        try {
            if (what.equals("commit")) {
                connection.commit();
            } else {
                connection.rollback();
            }
        } finally {
            connection.setAutoCommit(true);
        }
        return List.of();
    }

    /** Begins a transaction that only reads, of an isolation level or of the database's own. */
    List<String> begin(String isolation, boolean readOnly) throws SQLException {
        if (readOnly) {
            try {
                connection.setReadOnly(true);
            } catch (SQLException notSupported) {
                // It is a hint to the database; this process sends nothing that writes.
            }
        }
        if (!isolation.isEmpty()) {
            connection.setTransactionIsolation(Integer.parseInt(isolation));
        }
        connection.setAutoCommit(false);
        return List.of();
    }

    /** Lists tables and views: database, schema and name of each. */
    List<String> tables(String database, String schema, String name) throws SQLException {
        List<String> found = new ArrayList<>();
        DatabaseMetaData facts = connection.getMetaData();
        try (ResultSet rows = facts.getTables(database, pattern(schema), name == null ? "%" : pattern(name), null)) {
            while (rows.next()) {
                String type = rows.getString(4);
                if (type == null || !type.toUpperCase().contains("INDEX") && !type.toUpperCase().contains("SEQUENCE")) {
                    found.add(text(rows.getString(1)));
                    found.add(text(rows.getString(2)));
                    found.add(text(rows.getString(3)));
                    found.add(text(type));
                }
            }
        }
        return found;
    }

    /** Lists databases, then schemas, with a null between them; what a driver cannot list is left out. */
    List<String> places() throws SQLException {
        List<String> found = new ArrayList<>();
        try (ResultSet rows = connection.getMetaData().getCatalogs()) {
            while (rows.next()) {
                found.add(text(rows.getString(1)));
            }
        }
        found.add(null);
        try (ResultSet rows = connection.getMetaData().getSchemas()) {
            while (rows.next()) {
                found.add(text(rows.getString(1)));
            }
        }
        return found;
    }

    private String pattern(String name) throws SQLException {
        if (name == null) {
            return null;
        }
        String escape = connection.getMetaData().getSearchStringEscape();
        if (escape == null || escape.isEmpty()) {
            return name;
        }
        return name.replace(escape, escape + escape).replace("_", escape + "_").replace("%", escape + "%");
    }

    /** Describes the columns of a query that is sent, and answers no rows: seven texts for each. */
    List<String> columns(String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            return described(rows.getMetaData(), false);
        }
    }

    /** Describes the columns of a query that is not run, by their labels; nothing for another statement. */
    List<String> prepared(String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            ResultSetMetaData facts = statement.getMetaData();
            return facts == null ? List.of() : described(facts, true);
        }
    }

    private static List<String> described(ResultSetMetaData facts, boolean byLabels) throws SQLException {
        List<String> found = new ArrayList<>();
        for (int column = 1; column <= facts.getColumnCount(); column++) {
            found.add(byLabels ? facts.getColumnLabel(column) : facts.getColumnName(column));
            found.add(Integer.toString(facts.getColumnType(column)));
            found.add(text(facts.getColumnTypeName(column)));
            found.add(Integer.toString(facts.getPrecision(column)));
            found.add(Integer.toString(facts.getScale(column)));
            found.add(Boolean.toString(facts.isSigned(column)));
            found.add(Integer.toString(facts.isNullable(column)));
        }
        return found;
    }

    /** Describes the columns of a table as its catalog declares them, with the texts of `columns`. */
    List<String> declared(String database, String schema, String name) throws SQLException {
        List<String> found = new ArrayList<>();
        DatabaseMetaData facts = connection.getMetaData();
        try (ResultSet rows = facts.getColumns(database, pattern(schema), pattern(name), "%")) {
            while (rows.next()) {
                String type = text(rows.getString(6));
                if (name.equals(rows.getString(3))) {
                    found.add(rows.getString(4));
                    found.add(Integer.toString(rows.getInt(5)));
                    found.add(type);
                    found.add(Integer.toString(rows.getInt(7)));
                    found.add(Integer.toString(rows.getInt(9)));
                    found.add(Boolean.toString(!type.toLowerCase().contains("unsigned")));
                    found.add(Integer.toString(rows.getInt(11)));
                }
            }
        }
        return found;
    }

    List<String> key(String database, String schema, String name) throws SQLException {
        Map<Integer, String> columns = new TreeMap<>();
        try (ResultSet rows = connection.getMetaData().getPrimaryKeys(database, schema, name)) {
            while (rows.next()) {
                columns.put(rows.getInt(5), rows.getString(4));
            }
        }
        return new ArrayList<>(columns.values());
    }

    /** Returns the columns of a table that have a unique index each, then, behind a null, the first of its others. */
    List<String> indexed(String database, String schema, String name) throws SQLException {
        Map<String, List<String>> indexes = new LinkedHashMap<>();
        Set<String> notUnique = new LinkedHashSet<>();
        // Approximate: Oracle's driver would otherwise gather statistics.
        try (ResultSet rows = connection.getMetaData().getIndexInfo(database, schema, name, false, true)) {
            while (rows.next()) {
                boolean mayRepeat = rows.getBoolean(4);
                String index = rows.getString(6);
                if (rows.getShort(7) != DatabaseMetaData.tableIndexStatistic) {
                    int place = rows.getInt(8);
                    String column = rows.getString(9);
                    List<String> columns = indexes.computeIfAbsent(text(index), any -> new ArrayList<>());
                    columns.add(place == 1 ? 0 : columns.size(), column);
                    if (mayRepeat) {
                        notUnique.add(text(index));
                    }
                }
            }
        }
        Set<String> unique = new LinkedHashSet<>();
        Set<String> others = new LinkedHashSet<>();
        indexes.forEach((index, columns) ->
            (columns.size() == 1 && !notUnique.contains(index) ? unique : others).add(text(columns.get(0))));
        List<String> found = new ArrayList<>(unique);
        found.add(null);
        found.addAll(others);
        return found;
    }

    /** Writes an answer: SQL, path of the pipe, fetch size, highest number of rows or 0, kinds of the columns. */
    List<String> query(List<String> values) throws SQLException, ValueException, java.io.IOException {
        Savepoint savepoint = savepoint();
        try (Batches batches = new Batches(values.get(1), values.subList(4, values.size()))) {
            try (Statement statement =
                    connection.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
                pipe = batches;
                running = statement;
                statement.setFetchSize(Integer.parseInt(values.get(2)));
                statement.setMaxRows(Integer.parseInt(values.get(3)));
                try (ResultSet rows = statement.executeQuery(values.get(0))) {
                    return List.of(Long.toString(batches.write(rows)));
                }
            }
        } catch (SQLException | ValueException | java.io.IOException | RuntimeException error) {
            running = null;
            rollBack(savepoint);
            throw error;
        } finally {
            running = null;
        }
    }

    /** Inserts rows: SQL of one row, path of their pipe, kinds of its parameters. After an error, close the session. */
    List<String> load(List<String> values) throws SQLException, java.io.IOException {
        isStopped = false;
        try (Pipe rows = new Pipe(values.get(1))) {
            pipe = rows;
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement(values.get(0))) {
                running = statement;
                List<String> kinds = values.subList(2, values.size());
                long inserted = new Inserts(connection, statement, kinds, () -> isStopped).run(rows);
                connection.setAutoCommit(true);
                return List.of(Long.toString(inserted));
            }
        } finally {
            running = null;
        }
    }

    private Savepoint savepoint() {
        try {
            boolean has = !connection.getAutoCommit() && connection.getMetaData().supportsSavepoints();
            return has ? connection.setSavepoint() : null;
        } catch (SQLException hasNone) {
            return null;
        }
    }

    private void rollBack(Savepoint savepoint) {
        if (savepoint != null) {
            try {
                connection.rollback(savepoint);
            } catch (SQLException isGone) {
                // The connection has ended, which the next request will tell.
            }
        }
    }

    /** Stops the statement under way, and cuts the connection if it does not stop. */
    void cancel() {
        isStopped = true;
        Statement statement = running;
        for (int attempt = 0; attempt < CANCEL_ATTEMPTS && statement != null && running == statement; attempt++) {
            try {
                statement.cancel();
            } catch (SQLException | RuntimeException cannot) {
                break;
            }
            try {
                Thread.sleep(CANCEL_INTERVAL);
            } catch (InterruptedException stop) {
                break;
            }
        }
        if (statement != null && running == statement) {
            abandon(statement);
        }
    }

    /** Cuts the connection; where its driver waits for the server even then, ends the answer without it. */
    private void abandon(Statement statement) {
        isCut = true;
        Thread cutting = new Thread(() -> {
            try {
                connection.abort(Runnable::run);
            } catch (SQLException | RuntimeException | LinkageError cannot) {
                // It ends with this process.
            }
        }, "dvt-abort");
        cutting.setDaemon(true);
        cutting.start();
        try {
            for (int look = 0; look < ABORT_LOOKS && running == statement; look++) {
                Thread.sleep(CANCEL_INTERVAL);
            }
            Closeable rows = pipe;
            if (running == statement && rows != null) {
                rows.close();
            }
        } catch (InterruptedException | java.io.IOException ended) {
            // It has ended.
        }
    }

    boolean isAlive() {
        try {
            return !isCut && connection != null && connection.isValid(ALIVE_SECONDS);
        } catch (SQLException | RuntimeException | LinkageError cannotTell) {
            return false;
        }
    }

    void close() {
        if (isCut) {
            return;
        }
        try {
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
            connection.close();
        } catch (SQLException | RuntimeException isGone) {
            // It is closed.
        }
    }

    private static String text(String value) {
        return value == null ? "" : value;
    }
}
