package dvt.jdbc;

/** A value cannot be represented in its column's type. */
final class ValueException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Number of the column in the query, from 0. */
    final int column;

    ValueException(int column, String problem) {
        super(problem);
        this.column = column;
    }
}
