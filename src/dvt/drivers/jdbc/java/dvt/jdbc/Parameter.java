package dvt.jdbc;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;

/** A parameter of an INSERT, with its values in a batch of columns in Arrow's layout. */
abstract class Parameter {
    private final int place;
    private final int type;
    private final boolean isNamed;
    private final boolean isVariable;
    private byte[] valid = new byte[0];
    private int shift;
    private int nulls;
    private ByteBuffer offsets;
    private ByteBuffer values;

    /** `type`: the one of java.sql.Types that the driver is told; null: `natural`, which follows from the value. */
    Parameter(int place, Integer type, int natural, boolean isVariable) {
        this.place = place;
        this.type = type == null ? natural : type;
        this.isNamed = type != null;
        this.isVariable = isVariable;
    }

    /** Returns the parameter of a kind: a letter, a decimal's scale, and @ with a type that the driver is told. */
    static Parameter of(String kind, int place) {
        String[] parts = kind.split("@");
        Integer type = parts.length > 1 ? Integer.valueOf(parts[1]) : null;
        switch (kind.charAt(0)) {
            case 'i':
                return new Whole(place, type);
            case 'd':
                return new Floating(place, type);
            case 'n':
                return new Decimal(place, type, Integer.parseInt(parts[0].substring(1)));
            case 's':
                return new Text(place, type);
            case 'x':
                return new Bytes(place, type);
            default:
                throw new IllegalArgumentException("kind " + kind);
        }
    }

    /** Takes the values of a batch from a pipe. */
    final void fill(Pipe pipe) throws IOException {
        nulls = pipe.number();
        shift = pipe.number();
        valid = pipe.bytes();
        offsets = isVariable ? pipe.buffer() : null;
        values = pipe.buffer();
    }

    /** Sets the parameter to the value of a row; returns its bytes, about. */
    final int bind(PreparedStatement statement, int row) throws SQLException {
        if (isNull(row)) {
            statement.setNull(place, type);
            return Long.BYTES;
        }
        if (isNamed) {
            statement.setObject(place, value(row), type);
        } else {
            set(statement, place, row);
        }
        return isVariable ? length(row) : Long.BYTES;
    }

    private boolean isNull(int row) {
        int bit = row + shift;
        return nulls > 0 && (valid[bit >> 3] >> (bit & 7) & 1) == 0;
    }

    abstract Object value(int row);

    abstract void set(PreparedStatement statement, int number, int row) throws SQLException;

    final ByteBuffer values() {
        return values;
    }

    /** Returns where the bytes of a row begin; the first offset of a slice need not be 0. */
    final int start(int row) {
        return offsets.getInt(row * Integer.BYTES) - offsets.getInt(0);
    }

    final int length(int row) {
        return start(row + 1) - start(row);
    }

    private static final class Whole extends Parameter {
        Whole(int place, Integer type) {
            super(place, type, Types.BIGINT, false);
        }

        @Override
        Long value(int row) {
            return values().getLong(row * Long.BYTES);
        }

        @Override
        void set(PreparedStatement statement, int number, int row) throws SQLException {
            statement.setLong(number, values().getLong(row * Long.BYTES));
        }
    }

    private static final class Floating extends Parameter {
        Floating(int place, Integer type) {
            super(place, type, Types.DOUBLE, false);
        }

        @Override
        Double value(int row) {
            return values().getDouble(row * Double.BYTES);
        }

        @Override
        void set(PreparedStatement statement, int number, int row) throws SQLException {
            statement.setDouble(number, values().getDouble(row * Double.BYTES));
        }
    }

    private static final class Decimal extends Parameter {
        private static final int WIDTH = 16;
        private final int scale;
        private final byte[] digits = new byte[WIDTH];

        Decimal(int place, Integer type, int scale) {
            super(place, type, Types.DECIMAL, false);
            this.scale = scale;
        }

        @Override
        BigDecimal value(int row) {
            int at = row * WIDTH;
            long low = values().getLong(at);
            if (values().getLong(at + Long.BYTES) == low >> 63) {
                return BigDecimal.valueOf(low, scale);
            }
            for (int digit = 0; digit < WIDTH; digit++) {
                digits[digit] = values().get(at + WIDTH - 1 - digit);
            }
            return new BigDecimal(new BigInteger(digits), scale);
        }

        @Override
        void set(PreparedStatement statement, int number, int row) throws SQLException {
            statement.setBigDecimal(number, value(row));
        }
    }

    private static final class Text extends Parameter {
        Text(int place, Integer type) {
            super(place, type, Types.VARCHAR, true);
        }

        @Override
        String value(int row) {
            return new String(values().array(), start(row), length(row), StandardCharsets.UTF_8);
        }

        @Override
        void set(PreparedStatement statement, int number, int row) throws SQLException {
            statement.setString(number, value(row));
        }
    }

    private static final class Bytes extends Parameter {
        Bytes(int place, Integer type) {
            super(place, type, Types.VARBINARY, true);
        }

        @Override
        byte[] value(int row) {
            byte[] bytes = new byte[length(row)];
            System.arraycopy(values().array(), start(row), bytes, 0, bytes.length);
            return bytes;
        }

        @Override
        void set(PreparedStatement statement, int number, int row) throws SQLException {
            statement.setBytes(number, value(row));
        }
    }
}
