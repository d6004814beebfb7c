/**
 * One-time passwords: TOTP, HOTP, SMS, e-mail and PIN devices as small records, verified in
 * constant time by a native engine.
 *
 * <p>A device is one {@linkplain io.keyfob.OtpDevice#toRecord() record} of plain bytes. The engine
 * keeps no state and reads no clock: whoever calls it stores the record and says what time it is.
 * Everything else of a device is in these classes:
 *
 * <ul>
 * <li>{@link io.keyfob.OtpDevice} holds a record: enrol, challenge, verify.
 * <li>{@link io.keyfob.Policy}, the server's choices; {@link io.keyfob.Parameters}, the
 * authenticator's.
 * <li>{@link io.keyfob.Store}, through which a verdict comes out only when the new record is
 * stored.
 * <li>{@link io.keyfob.SoffidDevice} reads and writes rows of Soffid's table {@code SCO_DEVICE}.
 * </ul>
 *
 * <p><b>Units.</b> All times are Unix seconds in UTC, as {@code Instant.now().getEpochSecond()}
 * gives them. Times and counters are unsigned numbers of 64 bits, as in the engine.
 *
 * <p><b>Errors.</b> What the engine refuses is an {@link io.keyfob.OtpException} with the engine's
 * number. A wrong code is no error: it is a {@link io.keyfob.Verdict}. A {@code null} is a {@link
 * NullPointerException}, and use after {@code close} is an {@link IllegalStateException}.
 *
 * <p><b>Secrets</b> are {@code byte[]} and {@code char[]}, never a {@code String}. What this
 * package holds or copies of them it overwrites: at {@code close}, or at the end of the call.
 * Arrays that it returns are the caller's to overwrite, and so are those that it is given. The
 * garbage collector may have left copies where it moved an array; nothing in Java prevents that. On
 * JNI a device's record is not in its reach, but where it comes in and goes out.
 *
 * <p><b>Threads.</b> All classes are thread-safe. Builders are not.
 *
 * <p><b>System properties</b>, read once, at first use:
 *
 * <ul>
 * <li>{@code io.keyfob.binding}: {@code jni} or {@code ffm}, the way down to the engine; {@code
 * ffm} on Java 22 and later, otherwise {@code jni}.
 * <li>{@code io.keyfob.library}: the path of the native library; by default one on {@code
 * java.library.path}, otherwise the one in the jar.
 * <li>{@code io.keyfob.tmpdir}: where the jar's library is extracted to; by default {@code
 * java.io.tmpdir}.
 * </ul>
 */
package io.keyfob;
