package dvt.jdbc;

import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Writes rows into a named pipe, in batches of columns in Arrow's layout. */
final class Batches implements Closeable {
    private static final int ROWS = 16_384;
    /** Bytes of texts and the like after which a batch is full. */
    private static final int BYTES = 4 << 20;

    private final FileOutputStream file;
    private final FileChannel pipe;
    private final List<Column> columns = new ArrayList<>();

    Batches(String path, List<String> kinds) throws IOException {
        for (String kind : kinds) {
            columns.add(Column.of(kind, columns.size()));
        }
        file = new FileOutputStream(path);
        pipe = file.getChannel();
    }

    /** Writes all rows, and -1 for their end; returns their number. */
    long write(ResultSet rows) throws SQLException, ValueException, IOException {
        long all = 0;
        int count = 0;
        int bytes = 0;
        while (rows.next()) {
            bytes = 0;
            for (Column column : columns) {
                column.append(rows);
                bytes += column.variableBytes();
            }
            count++;
            if (count == ROWS || bytes > BYTES) {
                flush(count);
                all += count;
                count = 0;
            }
        }
        if (count > 0) {
            flush(count);
        }
        write(number(-1));
        return all + count;
    }

    private void flush(int rows) throws IOException {
        write(number(rows));
        for (Column column : columns) {
            write(number(column.nulls()));
            for (ByteBuffer buffer : column.buffers()) {
                write(number(buffer.remaining()));
                write(buffer);
            }
            column.clear();
        }
    }

    private static ByteBuffer number(int value) {
        return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).flip();
    }

    private void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            pipe.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
