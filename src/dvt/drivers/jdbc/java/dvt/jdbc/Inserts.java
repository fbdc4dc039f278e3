package dvt.jdbc;

import java.io.IOException;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.BooleanSupplier;

/** Sends rows as statements with many of them each, in one literal: a list of lists of texts in JSON. */
final class Inserts {
    /** SQLSTATE of a statement that was stopped. */
    private static final String STOPPED = "57014";

    private final Statement statement;
    private final BooleanSupplier isStopped;
    private final String head;
    private final String tail;
    private final int longest;
    private final StringBuilder sql = new StringBuilder();
    private long written;

    /** `head` and `tail` are what is before and behind the rows; `longest` is the length of a statement. */
    Inserts(Statement statement, BooleanSupplier isStopped, String head, String tail, int longest) {
        this.statement = statement;
        this.isStopped = isStopped;
        this.head = head;
        this.tail = tail;
        this.longest = longest;
    }

    /** Sends all rows; returns the number of those that the database says it has written. */
    long send(Rows rows) throws SQLException, IOException {
        StringBuilder row = new StringBuilder();
        for (int count = rows.next(); count >= 0; count = rows.next()) {
            for (int number = 0; number < count; number++) {
                row.setLength(0);
                write(rows, number, row);
                if (sql.length() > 0 && sql.length() + row.length() + tail.length() + 1 > longest) {
                    flush();
                }
                sql.append(sql.length() == 0 ? head : ",").append(row);
            }
        }
        flush();
        return written;
    }

    private static void write(Rows rows, int number, StringBuilder to) {
        for (int column = 0; column < rows.width(); column++) {
            String value = rows.value(number, column);
            to.append(column == 0 ? '[' : ',');
            if (value == null) {
                to.append("null");
            } else {
                quote(value, to);
            }
        }
        to.append(']');
    }

    /** Writes a text of JSON within a text of SQL. */
    private static void quote(String value, StringBuilder to) {
        to.append('"');
        for (int place = 0; place < value.length(); place++) {
            char character = value.charAt(place);
            if (character == '"' || character == '\\') {
                to.append('\\').append(character);
            } else if (character == '\'') {
                to.append("''");
            } else if (character < ' ') {
                to.append(String.format("\\u%04x", (int) character));
            } else {
                to.append(character);
            }
        }
        to.append('"');
    }

    private void flush() throws SQLException {
        if (isStopped.getAsBoolean()) {
            throw new SQLException("it was stopped", STOPPED);
        }
        if (sql.length() > 0) {
            written += statement.executeUpdate(sql.append(tail).toString());
            sql.setLength(0);
        }
    }
}
