package io.keyfob;

/** The engine, by the way down that is chosen once, at first use. */
final class Native {
    private static final Engine ENGINE;

    /** Why there is none: told to each who asks, since Java tells only the first. */
    private static final Throwable MISSING;

    static {
        Engine engine = null;
        Throwable missing = null;
        try {
            Library.checkPackage();
            engine = choose(System.getProperty("io.keyfob.binding"));
        } catch (RuntimeException | LinkageError cause) {
            missing = cause;
        }
        ENGINE = engine;
        MISSING = missing;
    }

    private Native() {}

    static Engine engine() {
        if (MISSING != null) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError(MISSING.getMessage());
            error.initCause(MISSING);
            throw error;
        }
        return ENGINE;
    }

    private static Engine choose(String way) {
        if (way != null && !way.equals("jni") && !way.equals("ffm")) {
            throw new IllegalArgumentException("keyfob: io.keyfob.binding must be jni or ffm");
        }
        try {
            return (way == null ? Ffm.isAvailable() : way.equals("ffm")) ? Ffm.load() : Jni.load();
        } catch (RuntimeException cause) {
            // Java 9 has this class, and Java 24 throws it.
            if (!cause.getClass().getName().equals("java.lang.IllegalCallerException")) {
                throw cause;
            }
            UnsatisfiedLinkError error = new UnsatisfiedLinkError("keyfob: " + cause.getMessage() + ". Start Java with"
                    + " --enable-native-access=io.keyfob, or =ALL-UNNAMED where keyfob is on the class path");
            error.initCause(cause);
            throw error;
        }
    }

    /** Throws what a result other than OK says. */
    static void check(int result) {
        if (result != 0) {
            throw new OtpException(result);
        }
    }
}
