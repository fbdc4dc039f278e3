package dvt.jdbc;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Answers requests on standard input, on standard output: each is a list of texts, the first of which is the
 * request's number. Rows go into named pipes. The process ends when its standard input does, however that ends.
 */
public final class Bridge {
    private static final Map<String, Session> SESSIONS = new ConcurrentHashMap<>();
    private static DataOutputStream replies;

    private Bridge() {}

    public static void main(String[] arguments) {
        replies = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
        // Drivers may print; what they print must not get among the replies.
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.err), true));
        ExecutorService threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "dvt-request");
            thread.setDaemon(true);
            return thread;
        });
        try (DataInputStream requests = new DataInputStream(System.in)) {
            reply(List.of("0", "ready", System.getProperty("java.version")));
            while (true) {
                List<String> request = read(requests);
                threads.execute(() -> answer(request));
            }
        } catch (IOException ended) {
            // The other process has ended, or wants this one to end.
        }
        Runtime.getRuntime().halt(0);
    }

    private static List<String> read(DataInputStream from) throws IOException {
        int count = from.readInt();
        List<String> fields = new ArrayList<>(count);
        for (int number = 0; number < count; number++) {
            int length = from.readInt();
            byte[] bytes = length < 0 ? null : from.readNBytes(length);
            if (bytes != null && bytes.length < length) {
                throw new EOFException();
            }
            fields.add(bytes == null ? null : new String(bytes, StandardCharsets.UTF_8));
        }
        return fields;
    }

    private static synchronized void reply(List<String> fields) {
        try {
            replies.writeInt(fields.size());
            for (String field : fields) {
                byte[] bytes = field == null ? null : field.getBytes(StandardCharsets.UTF_8);
                replies.writeInt(bytes == null ? -1 : bytes.length);
                if (bytes != null) {
                    replies.write(bytes);
                }
            }
            replies.flush();
        } catch (IOException gone) {
            Runtime.getRuntime().halt(0);
        }
    }

    private static void answer(List<String> request) {
        List<String> fields = new ArrayList<>();
        fields.add(request.get(0));
        try {
            List<String> answer = perform(request.get(1), request.get(2), request.subList(3, request.size()));
            fields.add("ok");
            fields.addAll(answer);
        } catch (ValueException value) {
            fields.addAll(List.of("value", Integer.toString(value.column), value.getMessage()));
        } catch (SQLException error) {
            fields.addAll(described("sql", error, error));
            Session session = SESSIONS.get(request.get(2));
            fields.add(session == null ? "" : session.isAlive() ? "alive" : "dead");
        } catch (OutOfMemoryError memory) {
            Runtime.getRuntime().halt(Session.OUT_OF_MEMORY);
        } catch (Throwable other) {
            fields.addAll(described(other instanceof DriverException ? "driver" : "other", other, null));
            fields.add("");
        }
        reply(fields);
    }

    /** Returns kind, SQLSTATE, the database's own number, and the messages of an error and its causes. */
    private static List<String> described(String kind, Throwable error, SQLException sql) {
        StringBuilder text = new StringBuilder();
        Throwable cause = error;
        for (int depth = 0; cause != null && depth < 4; depth++, cause = cause.getCause()) {
            boolean speaks = cause instanceof SQLException || cause instanceof DriverException;
            String message = speaks && cause.getMessage() != null
                ? cause.getMessage() : cause.getClass().getSimpleName() + ": " + cause.getMessage();
            if (text.indexOf(message) < 0) {
                text.append(text.length() == 0 ? "" : ": ").append(message);
            }
        }
        String state = sql == null || sql.getSQLState() == null ? "" : sql.getSQLState();
        String number = sql == null ? "" : Integer.toString(sql.getErrorCode());
        return List.of(kind, state, number, text.toString());
    }

    private static List<String> perform(String verb, String name, List<String> values) throws Exception {
        if (verb.equals("connect")) {
            Session session = new Session();
            List<String> facts = session.connect(values);
            SESSIONS.put(name, session);
            return facts;
        }
        Session session = SESSIONS.get(name);
        if (session == null) {
            return List.of();
        }
        switch (verb) {
            case "execute":
                return session.execute(values.get(0));
            case "update":
                return session.update(values.get(0));
            case "transact":
                return session.transact(values.get(0));
            case "prepared":
                return session.prepared(values.get(0));
            case "begin":
                return session.begin(values.get(0), values.get(1).equals("true"));
            case "tables":
                return session.tables(values.get(0), values.get(1), values.get(2));
            case "places":
                return session.places();
            case "columns":
                return session.columns(values.get(0));
            case "declared":
                return session.declared(values.get(0), values.get(1), values.get(2));
            case "key":
                return session.key(values.get(0), values.get(1), values.get(2));
            case "indexed":
                return session.indexed(values.get(0), values.get(1), values.get(2));
            case "query":
                return session.query(values);
            case "load":
                return session.load(values);
            case "cancel":
                session.cancel();
                return List.of();
            case "close":
                SESSIONS.remove(name);
                session.close();
                return List.of();
            default:
                throw new IllegalArgumentException(verb);
        }
    }
}
