package dvt.jdbc;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;

/** The values of one column of a batch, in Arrow's layout: bits of what is not NULL, offsets, values. */
final class Column {
    private static final int FIRST_BYTES = 1 << 16;

    private final int number;
    private final Reader reader;
    private final boolean isVariable;
    private byte[] valid = new byte[256];
    private ByteBuffer values = ByteBuffer.allocate(FIRST_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private ByteBuffer offsets = ByteBuffer.allocate(FIRST_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private int rows;
    private int nulls;

    private Column(int number, Reader reader) {
        this.number = number;
        this.reader = reader;
        this.isVariable = reader.width() == 0;
        clear();
    }

    /** Returns the column of a kind: a letter, for numbers with `precision,scale`. */
    static Column of(String kind, int number) {
        return new Column(number, Reader.of(kind));
    }

    void append(ResultSet row) throws SQLException, ValueException {
        boolean isThere;
        reserve(isVariable ? 0 : reader.width());
        int start = values.position();
        try {
            isThere = reader.read(row, number + 1, this);
        } catch (ArithmeticException | IllegalArgumentException | java.time.DateTimeException misfit) {
            throw new ValueException(number, misfit.getMessage());
        } catch (SQLException error) {
            String state = error.getSQLState() == null ? "" : error.getSQLState();
            if (state.startsWith("08") || state.startsWith("57")) {
                throw error;
            }
            throw new ValueException(number, "cannot be read: " + error.getMessage());
        }
        mark(isThere, start);
    }

    private void mark(boolean isThere, int start) {
        int at = rows >> 3;
        if (at == valid.length) {
            valid = Arrays.copyOf(valid, valid.length * 2);
        }
        if (isThere) {
            valid[at] |= (byte) (1 << (rows & 7));
        } else {
            nulls++;
            values.position(start);
            for (int left = reader.width(); left > 0; left--) {
                values.put((byte) 0);
            }
        }
        rows++;
        if (isVariable) {
            if (offsets.remaining() < Integer.BYTES) {
                offsets = grown(offsets, Integer.BYTES);
            }
            offsets.putInt(values.position());
        }
    }

    void put(byte[] bytes) {
        reserve(bytes.length);
        values.put(bytes);
    }

    ByteBuffer values() {
        return values;
    }

    int variableBytes() {
        return isVariable ? values.position() : 0;
    }

    int nulls() {
        return nulls;
    }

    List<ByteBuffer> buffers() {
        ByteBuffer bits = ByteBuffer.wrap(valid, 0, (rows + 7) >> 3);
        ByteBuffer data = values.duplicate().flip();
        return isVariable ? List.of(bits, offsets.duplicate().flip(), data) : List.of(bits, data);
    }

    void clear() {
        Arrays.fill(valid, (byte) 0);
        values.clear();
        offsets.clear();
        offsets.putInt(0);
        rows = 0;
        nulls = 0;
    }

    private void reserve(int bytes) {
        if (values.remaining() < bytes) {
            values = grown(values, bytes);
        }
    }

    private static ByteBuffer grown(ByteBuffer buffer, int bytes) {
        int size = Math.max(Math.multiplyExact(buffer.capacity(), 2), Math.addExact(buffer.position(), bytes));
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN).put(buffer.flip());
    }

    /** Appends a number of a scale as 16 bytes, lowest first. */
    void putDecimal(BigDecimal value, int precision, int scale) {
        BigDecimal scaled;
        try {
            scaled = value.setScale(scale);
        } catch (ArithmeticException rounds) {
            throw new ArithmeticException("holds " + value.toPlainString() + ", which has more than " + scale
                + " digits after the point");
        }
        byte[] bytes = scaled.unscaledValue().toByteArray();
        if (scaled.precision() > precision || bytes.length > 16) {
            throw new ArithmeticException("holds " + value.toPlainString() + ", which has more than "
                + (precision - scale) + " digits before the point");
        }
        for (int place = bytes.length - 1; place >= 0; place--) {
            values.put(bytes[place]);
        }
        byte sign = (byte) (bytes[0] < 0 ? -1 : 0);
        for (int place = bytes.length; place < 16; place++) {
            values.put(sign);
        }
    }
}
