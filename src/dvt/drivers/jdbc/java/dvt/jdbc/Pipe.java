package dvt.jdbc;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A named pipe that batches of columns are read from: numbers, and buffers behind their lengths. */
final class Pipe implements Closeable {
    private final DataInputStream stream;

    Pipe(String path) throws IOException {
        stream = new DataInputStream(new FileInputStream(path));
    }

    int number() throws IOException {
        return Integer.reverseBytes(stream.readInt());
    }

    /** Returns the next buffer; an EOFException tells that the other end was closed amid it. */
    byte[] bytes() throws IOException {
        byte[] bytes = new byte[number()];
        stream.readFully(bytes);
        return bytes;
    }

    ByteBuffer buffer() throws IOException {
        return ByteBuffer.wrap(bytes()).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
