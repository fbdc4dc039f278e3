package dvt.jdbc;

/** No driver for a URL is on the class path, or the class that was named is not a driver. */
final class DriverException extends Exception {
    private static final long serialVersionUID = 1L;

    DriverException(String message) {
        super(message);
    }
}
