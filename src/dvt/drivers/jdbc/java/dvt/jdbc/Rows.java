package dvt.jdbc;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Rows of texts that come through a named pipe, in batches of columns in Arrow's layout. */
final class Rows implements AutoCloseable {
    private static final int BUFFERED = 1 << 16;

    private final InputStream file;
    private final List<Values> columns = new ArrayList<>();

    Rows(String path, int width) throws IOException {
        for (int column = 0; column < width; column++) {
            columns.add(new Values());
        }
        file = new BufferedInputStream(new FileInputStream(path), BUFFERED);
    }

    /** Reads the next batch; returns its number of rows, -1 at the end. */
    int next() throws IOException {
        int rows = number();
        if (rows >= 0) {
            for (Values column : columns) {
                column.isWhole = number() == 0;
                column.valid = buffer();
                column.offsets = buffer();
                column.values = buffer();
            }
        }
        return rows;
    }

    int width() {
        return columns.size();
    }

    /** Returns a value of the batch; null for NULL. */
    String value(int row, int column) {
        return columns.get(column).value(row);
    }

    private int number() throws IOException {
        return ByteBuffer.wrap(bytes(Integer.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getInt();
    }

    private ByteBuffer buffer() throws IOException {
        return ByteBuffer.wrap(bytes(number())).order(ByteOrder.LITTLE_ENDIAN);
    }

    private byte[] bytes(int count) throws IOException {
        byte[] read = file.readNBytes(count);
        if (read.length < count) {
            throw new EOFException("the rows ended early");
        }
        return read;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /** A column of a batch. */
    private static final class Values {
        private boolean isWhole;
        private ByteBuffer valid;
        private ByteBuffer offsets;
        private ByteBuffer values;

        String value(int row) {
            if (!isWhole && (valid.get(row >> 3) >> (row & 7) & 1) == 0) {
                return null;
            }
            int start = offsets.getInt(row * Integer.BYTES);
            int end = offsets.getInt((row + 1) * Integer.BYTES);
            return new String(values.array(), start, end - start, StandardCharsets.UTF_8);
        }
    }
}
