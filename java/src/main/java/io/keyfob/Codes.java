package io.keyfob;

import java.util.Arrays;
import java.util.OptionalLong;

/**
 * Codes without a device: nothing is counted, stored or locked. For authenticators and tests. To
 * verify codes use {@link OtpDevice}.
 */
public final class Codes {
    private Codes() {}

    private interface Generate {
        int generate(byte[] secret, byte[] code);
    }

    private static char[] generate(Secret secret, Generate generate) {
        byte[] code = new byte[Sizes.CODE_SIZE];
        Native.check(secret.<Integer, RuntimeException>use(bytes -> generate.generate(bytes, code)));
        return Text.take(code, 0, code.length);
    }

    /**
     * Generates the code of a counter (RFC 4226).
     *
     * @param parameters algorithm and digits
     * @param secret the secret
     * @param counter the counter, an unsigned number
     * @return ASCII digits, for the caller to overwrite
     * @throws OtpException {@link OtpError#DIGITS}
     */
    public static char[] generateHotp(Parameters parameters, Secret secret, long counter) {
        byte[] struct = parameters.struct();
        return generate(secret, (bytes, code) -> Native.engine().hotpGenerate(struct, bytes, counter, code));
    }

    /**
     * Generates the code of a time (RFC 6238).
     *
     * @param parameters algorithm, digits, period and T0
     * @param secret the secret
     * @param time Unix seconds
     * @return ASCII digits, for the caller to overwrite
     * @throws OtpException {@link OtpError#DIGITS}, {@link OtpError#PERIOD}, {@link OtpError#CLOCK}
     *         before T0
     */
    public static char[] generateTotp(Parameters parameters, Secret secret, long time) {
        byte[] struct = parameters.struct();
        return generate(secret, (bytes, code) -> Native.engine().totpGenerate(struct, bytes, time, code));
    }

    private interface Search {
        int search(byte[] secret, byte[] code, byte[] found, byte[] matched);
    }

    private static OptionalLong search(Secret secret, char[] code, Search search) {
        byte[] answer = Text.answer(code);
        byte[] found = new byte[Sizes.NUMBER_SIZE];
        byte[] matched = new byte[Sizes.COUNTER_SIZE];
        try {
            Native.check(secret.<Integer, RuntimeException>use(bytes -> search.search(bytes, answer, found, matched)));
            return Struct.getFlag(found, 0) ? OptionalLong.of(Struct.getLong(matched, 0)) : OptionalLong.empty();
        } finally {
            Arrays.fill(answer, (byte) 0);
        }
    }

    /**
     * Searches a code from {@code counter} to {@code lookAhead} counters after it. Searches all of
     * them, in constant time.
     *
     * @param parameters algorithm and digits
     * @param secret the secret
     * @param code the code as typed
     * @param counter the first counter, an unsigned number
     * @param lookAhead 0 to 1000
     * @return the lowest matching counter; empty if there is none
     * @throws OtpException {@link OtpError#DIGITS}, {@link OtpError#LOOK_AHEAD}
     */
    public static OptionalLong searchHotp(Parameters parameters, Secret secret, char[] code, long counter, int lookAhead) {
        byte[] struct = parameters.struct();
        return search(secret, code, (bytes, answer, found, matched) ->
                Native.engine().hotpSearch(struct, bytes, answer, counter, lookAhead, found, matched));
    }

    /**
     * Searches a code from {@code window} steps before {@code time} to as many after it. Searches
     * all of them, in constant time.
     *
     * @param parameters algorithm, digits, period and T0
     * @param secret the secret
     * @param code the code as typed
     * @param time Unix seconds
     * @param window 0 to 1000
     * @return the lowest matching step; empty if there is none
     * @throws OtpException {@link OtpError#DIGITS}, {@link OtpError#PERIOD}, {@link
     *         OtpError#CLOCK}, {@link OtpError#WINDOW}
     */
    public static OptionalLong searchTotp(Parameters parameters, Secret secret, char[] code, long time, int window) {
        byte[] struct = parameters.struct();
        return search(secret, code, (bytes, answer, found, matched) ->
                Native.engine().totpSearch(struct, bytes, answer, time, window, found, matched));
    }
}
