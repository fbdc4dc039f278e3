package dvt.jdbc;

import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoField;

/**
 * Dates and times, by the classes of java.time: those of java.sql have another calendar before 1582, and the
 * time zone of this process. Where a driver does not give them, by the texts that it gives.
 */
final class Times extends Reader {
    private static final DateTimeFormatter CLOCK = new DateTimeFormatterBuilder()
        .appendPattern("HH:mm[:ss]").appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true).toFormatter();
    private static final DateTimeFormatter MOMENT = new DateTimeFormatterBuilder()
        .append(DateTimeFormatter.ISO_LOCAL_DATE).appendLiteral(' ').append(CLOCK).toFormatter();
    private static final DateTimeFormatter INSTANT = new DateTimeFormatterBuilder()
        .append(MOMENT).optionalStart().appendLiteral(' ').optionalEnd().appendOffset("+HH:mm", "Z").toFormatter();
    private static final DateTimeFormatter CLOCK_OFFSET =
        new DateTimeFormatterBuilder().appendPattern("HH:mm:ss").appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true).appendOffset("+HH:mm", "+00:00").toFormatter();
    /** The classes of java.sql make days up to the 24th of the ten that the calendar left out. */
    private static final LocalDateTime GREGORIAN = LocalDateTime.of(1582, 10, 25, 0, 0);
    private static final long MICROS = 1_000_000;
    private static final long NANOS = 1_000_000_000;

    private final char kind;
    private final Class<?> type;
    private final boolean isDoubted;
    private boolean asText;
    private boolean isKnown;

    /** `trust`: nothing, or ? for texts alone, or ! where it is not known whether the driver's dates are right. */
    Times(char kind, String trust) {
        super(kind == 'D' ? Integer.BYTES : kind == 'o' ? 0 : Long.BYTES);
        this.kind = kind;
        this.type = type(kind);
        this.asText = trust.equals("?");
        this.isKnown = asText;
        this.isDoubted = trust.equals("!");
    }

    private static Class<?> type(char kind) {
        switch (kind) {
            case 'D':
                return LocalDate.class;
            case 't':
                return LocalTime.class;
            case 'o':
                return OffsetTime.class;
            case 'm':
            case 'M':
                return LocalDateTime.class;
            case 'z':
                return OffsetDateTime.class;
            default:
                throw new IllegalArgumentException("kind " + kind);
        }
    }

    @Override
    boolean read(ResultSet row, int column, Column to) throws SQLException {
        Object value = value(row, column);
        if (value == null) {
            String text = isKnown && asText ? null : row.getString(column);
            if (text != null) {
                // MariaDB's driver gives NULL for the date 0000-00-00.
                throw new IllegalArgumentException("holds " + text + ", which is no date");
            }
            return false;
        }
        if (isDoubted) {
            compare(value, row, column);
        }
        write(value, to);
        return true;
    }

    /** Refuses what the driver may have made of another day: those of java.sql have two calendars and no era. */
    private void compare(Object value, ResultSet row, int column) throws SQLException {
        LocalDateTime local = value instanceof LocalDate ? ((LocalDate) value).atStartOfDay()
            : value instanceof LocalDateTime ? (LocalDateTime) value
            : value instanceof OffsetDateTime ? ((OffsetDateTime) value).toLocalDateTime() : null;
        if (local == null) {
            return;
        }
        if (local.isBefore(GREGORIAN)) {
            throw new IllegalArgumentException(
                "holds " + value + ", which is before 25 October 1582, where it is not known how its driver counts");
        }
        java.util.Date other = value instanceof LocalDate ? row.getDate(column)
            : value instanceof LocalDateTime ? row.getTimestamp(column) : null;
        if (other != null && Math.floorDiv(other.getTime(), 1000L) != local.toEpochSecond(ZoneOffset.UTC)) {
            throw new IllegalArgumentException(
                "holds " + value + " or " + Instant.ofEpochMilli(other.getTime()) + ": its driver reads it in two ways");
        }
    }

    private Object value(ResultSet row, int column) throws SQLException {
        if (asText) {
            return parsed(row.getString(column));
        }
        try {
            Object value = row.getObject(column, type);
            isKnown |= value != null;
            return value;
        } catch (SQLException | RuntimeException | LinkageError error) {
            if (isKnown) {
                throw error;
            }
            Object value = parsed(row.getString(column));
            asText = true;
            isKnown = true;
            return value;
        }
    }

    private Object parsed(String text) {
        if (text == null) {
            return null;
        }
        try {
            switch (kind) {
                case 'D':
                    return LocalDate.parse(text);
                case 't':
                    return LocalTime.parse(text, CLOCK);
                case 'o':
                    return OffsetTime.parse(text);
                case 'z':
                    return OffsetDateTime.parse(text.replace(" UTC", "Z").replace('T', ' '), INSTANT);
                default:
                    return LocalDateTime.parse(text.replace('T', ' '), MOMENT);
            }
        } catch (DateTimeParseException misfit) {
            throw new IllegalArgumentException("holds " + text + ", which is no date or time that can be read");
        }
    }

    private void write(Object value, Column to) {
        try {
            switch (kind) {
                case 'D':
                    to.values().putInt(Math.toIntExact(((LocalDate) value).toEpochDay()));
                    break;
                case 't':
                    to.values().putLong(micros(((LocalTime) value).toNanoOfDay(), value));
                    break;
                case 'o':
                    micros(((OffsetTime) value).toLocalTime().toNanoOfDay(), value);
                    to.put(CLOCK_OFFSET.format((OffsetTime) value).getBytes(StandardCharsets.US_ASCII));
                    break;
                case 'z':
                    to.values().putLong(moment(((OffsetDateTime) value).toEpochSecond(),
                        ((OffsetDateTime) value).getNano(), value, MICROS));
                    break;
                default:
                    LocalDateTime local = (LocalDateTime) value;
                    to.values().putLong(moment(local.toEpochSecond(ZoneOffset.UTC), local.getNano(), value,
                        kind == 'M' ? NANOS : MICROS));
            }
        } catch (ArithmeticException beyond) {
            throw new IllegalArgumentException("holds " + value + ", which is beyond the years that can be staged");
        }
    }

    /** Returns a moment as the number of units since 1970, of which there are `units` in a second. */
    private static long moment(long seconds, int nanos, Object value, long units) {
        long whole = units == NANOS ? nanos : micros(nanos, value);
        if (seconds < 0 && whole > 0) {
            // One second later and a fraction back, so that the lowest values do not overflow on the way.
            return Math.addExact(Math.multiplyExact(seconds + 1, units), whole - units);
        }
        return Math.addExact(Math.multiplyExact(seconds, units), whole);
    }

    private static long micros(long nanos, Object value) {
        if (nanos % 1000 != 0) {
            throw new IllegalArgumentException("holds " + value + ", which has more than 6 digits of a second");
        }
        return nanos / 1000;
    }
}
