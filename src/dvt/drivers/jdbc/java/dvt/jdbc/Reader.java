package dvt.jdbc;

import java.math.BigDecimal;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.sql.Blob;
import java.sql.ResultSet;
import java.sql.SQLException;

/** How values of one kind are read, and written as Arrow holds them. */
abstract class Reader {
    private final int width;

    Reader(int width) {
        this.width = width;
    }

    /** Bytes of a value; 0 if they differ. */
    final int width() {
        return width;
    }

    /** Appends the value of a row; returns false for NULL. */
    abstract boolean read(ResultSet row, int column, Column to) throws SQLException;

    static Reader of(String kind) {
        switch (kind.charAt(0)) {
            case 'b':
                return new Booleans();
            case 'i':
                return new Longs();
            case 'f':
                return new Floats();
            case 'd':
                return new Doubles();
            case 'n':
                String[] sizes = kind.substring(1).split(",");
                return new Decimals(Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]));
            case 'N':
                return new Digits();
            case 's':
                return new Texts();
            case 'x':
                return new Bytes();
            default:
                return new Times(kind.charAt(0), kind.substring(1));
        }
    }

    private static final class Booleans extends Reader {
        Booleans() {
            super(1);
        }

        @Override
        boolean read(ResultSet row, int column, Column to) throws SQLException {
            Object value = row.getObject(column);
            if (value == null) {
                return false;
            }
            to.values().put((byte) (isTrue(value) ? 1 : 0));
            return true;
        }

        private static boolean isTrue(Object value) {
            if (value instanceof Boolean) {
                return (Boolean) value;
            }
            if (value instanceof Number && (((Number) value).longValue() & ~1L) == 0) {
                return ((Number) value).longValue() == 1;
            }
            throw new IllegalArgumentException("holds " + value + ", which is neither true nor false");
        }
    }

    private static final class Longs extends Reader {
        Longs() {
            super(Long.BYTES);
        }

        @Override
        boolean read(ResultSet row, int column, Column to) throws SQLException {
            long value = row.getLong(column);
            if (row.wasNull()) {
                return false;
            }
            to.values().putLong(value);
            return true;
        }
    }

    private static final class Floats extends Reader {
        Floats() {
            super(Float.BYTES);
        }

        @Override
        boolean read(ResultSet row, int column, Column to) throws SQLException {
            float value = row.getFloat(column);
            if (row.wasNull()) {
                return false;
            }
            to.values().putFloat(value);
            return true;
        }
    }

    private static final class Doubles extends Reader {
        Doubles() {
            super(Double.BYTES);
        }

        @Override
        boolean read(ResultSet row, int column, Column to) throws SQLException {
            double value = row.getDouble(column);
            if (row.wasNull()) {
                return false;
            }
            to.values().putDouble(value);
            return true;
        }
    }

    private static final class Decimals extends Reader {
        private final int precision;
        private final int scale;

        Decimals(int precision, int scale) {
            super(16);
            this.precision = precision;
            this.scale = scale;
        }

        @Override
        boolean read(ResultSet row, int column, Column to) throws SQLException {
            BigDecimal value = row.getBigDecimal(column);
            if (value == null) {
                return false;
            }
            to.putDecimal(value, precision, scale);
            return true;
        }
    }

    private static class Texts extends Reader {
        Texts() {
            super(0);
        }

        String text(ResultSet row, int column) throws SQLException {
            return row.getString(column);
        }

        @Override
        boolean read(ResultSet row, int column, Column to) throws SQLException {
            String value = text(row, column);
            if (value == null) {
                return false;
            }
            to.put(encoded(value));
            return true;
        }

        private static byte[] encoded(String value) {
            try {
                // getBytes() is quicker, but writes ? for half of a pair of surrogates.
                byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
                if (hasQuestionMark(bytes)) {
                    StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(value));
                }
                return bytes;
            } catch (CharacterCodingException half) {
                throw new IllegalArgumentException("holds a text that is no Unicode");
            }
        }

        private static boolean hasQuestionMark(byte[] bytes) {
            for (byte one : bytes) {
                if (one == '?') {
                    return true;
                }
            }
            return false;
        }
    }

    /** Numbers of any size, as their digits. */
    private static final class Digits extends Texts {
        @Override
        String text(ResultSet row, int column) throws SQLException {
            BigDecimal value = row.getBigDecimal(column);
            return value == null ? null : value.toPlainString();
        }
    }

    private static final class Bytes extends Reader {
        Bytes() {
            super(0);
        }

        @Override
        boolean read(ResultSet row, int column, Column to) throws SQLException {
            byte[] value = bytes(row, column);
            if (value == null) {
                return false;
            }
            to.put(value);
            return true;
        }

        private static byte[] bytes(ResultSet row, int column) throws SQLException {
            try {
                return row.getBytes(column);
            } catch (SQLException notSupported) {
                Blob blob = row.getBlob(column);
                return blob == null ? null : blob.getBytes(1, Math.toIntExact(blob.length()));
            }
        }
    }
}
