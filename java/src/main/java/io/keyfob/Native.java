package io.keyfob;

/** The engine. Its binding, JNI or FFM, is chosen once, at first use. */
final class Native {
    private static final Engine ENGINE;

    /** Why there is no engine. Java itself reports a failed class initialization only once. */
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

    private static Engine choose(String binding) {
        if (binding != null && !binding.equals("jni") && !binding.equals("ffm")) {
            throw new IllegalArgumentException("keyfob: io.keyfob.binding must be jni or ffm");
        }
        try {
            return (binding == null ? Ffm.isAvailable() : binding.equals("ffm")) ? Ffm.load() : Jni.load();
        } catch (RuntimeException cause) {
            // By name, since Java 8 does not have this class. Java 24 and later throw it.
            if (!cause.getClass().getName().equals("java.lang.IllegalCallerException")) {
                throw cause;
            }
            UnsatisfiedLinkError error = new UnsatisfiedLinkError("keyfob: " + cause.getMessage() + ". Start Java with"
                    + " --enable-native-access=io.keyfob, or =ALL-UNNAMED where keyfob is on the class path");
            error.initCause(cause);
            throw error;
        }
    }

    /** Throws the exception of a result other than OK. */
    static void check(int result) {
        if (result != 0) {
            throw exception(result);
        }
    }

    /** The exception of an error, with the engine's message. */
    static OtpException exception(OtpError error) {
        return exception(error.number());
    }

    private static OtpException exception(int result) {
        return new OtpException(result, engine().resultMessage(result));
    }
}
