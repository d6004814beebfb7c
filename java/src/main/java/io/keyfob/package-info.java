/**
 * One-time passwords: TOTP, HOTP, SMS, e-mail, PIN and recovery code devices as small records,
 * verified in constant time by a native engine.
 *
 * <table>
 * <caption>Where to begin</caption>
 * <tr><th>I have</th><th>I use</th></tr>
 * <tr><td>a user who wants an authenticator app</td>
 * <td>{@link io.keyfob.Secret#random}, {@link io.keyfob.OtpDevice#totp}, {@link
 * io.keyfob.OtpDevice#toUri} for the QR code</td></tr>
 * <tr><td>a user with a hardware token</td>
 * <td>{@link io.keyfob.Secret#fromHex} or {@link io.keyfob.Secret#fromBase32}, {@link
 * io.keyfob.OtpDevice#hotp} or {@link io.keyfob.OtpDevice#totp}, {@link
 * io.keyfob.OtpDevice#setValidity}</td></tr>
 * <tr><td>a token with a secret of 10 to 15 bytes</td>
 * <td>{@link io.keyfob.Secret#fromHexAllowingShort}, {@link
 * io.keyfob.Secret#fromBase32AllowingShort}, {@link
 * io.keyfob.OtpDevice#fromUriAllowingShort}</td></tr>
 * <tr><td>an {@code otpauth://} URI</td>
 * <td>{@link io.keyfob.OtpDevice#fromUri}</td></tr>
 * <tr><td>a telephone number, an e-mail address or a PIN</td>
 * <td>{@link io.keyfob.OtpDevice#sms}, {@link io.keyfob.OtpDevice#email} or {@link
 * io.keyfob.OtpDevice#pin}, then {@link io.keyfob.OtpDevice#challenge(Policy, long,
 * Store)}</td></tr>
 * <tr><td>a user who may lose the telephone</td>
 * <td>{@link io.keyfob.RecoveryCodes#random}, {@link io.keyfob.OtpDevice#recovery}, {@link
 * io.keyfob.RecoveryCodes#toList}</td></tr>
 * <tr><td>a code that a user has typed</td>
 * <td>{@link io.keyfob.OtpDevice#fromRecord}, {@link io.keyfob.OtpDevice#verify(Policy, char[],
 * long, Store)}</td></tr>
 * <tr><td>two codes of a token whose counter is far ahead, or whose clock is off</td>
 * <td>{@link io.keyfob.OtpDevice#resync(Policy, char[], char[], long, Store)}, for TOTP with {@link
 * io.keyfob.Policy.Builder#maxDrift}</td></tr>
 * <tr><td>a token without a label</td>
 * <td>{@link io.keyfob.TokenSearch#findByTwoCodes}</td></tr>
 * <tr><td>a box of TOTP tokens whose clocks are off</td>
 * <td>{@link io.keyfob.Policy.Builder#firstWindow} and {@link
 * io.keyfob.Policy.Builder#maxDrift}</td></tr>
 * <tr><td>a table for devices</td>
 * <td>{@link io.keyfob.OtpDevice#toRecord} for a column, {@link io.keyfob.Store} for an UPDATE,
 * {@link io.keyfob.SealKey} against readers of the table</td></tr>
 * <tr><td>rules for windows, locks and lifetimes</td>
 * <td>{@link io.keyfob.Policy#builder}</td></tr>
 * <tr><td>a user who is locked out</td>
 * <td>{@link io.keyfob.OtpDevice#info}, {@link io.keyfob.OtpDevice#unlock}</td></tr>
 * <tr><td>a user with a new telephone, a new PIN or used up recovery codes</td>
 * <td>{@link io.keyfob.OtpDevice#replaceFactor}</td></tr>
 * <tr><td>Soffid's table {@code SCO_DEVICE}</td>
 * <td>{@link io.keyfob.SoffidDevice}, {@link io.keyfob.SoffidConfig}</td></tr>
 * <tr><td>a test or an authenticator that needs codes</td>
 * <td>{@link io.keyfob.Codes}</td></tr>
 * </table>
 *
 * <p>A device is one {@linkplain io.keyfob.OtpDevice#toRecord() record} of plain bytes. The engine
 * keeps no state and reads no clock: the program stores the record and passes the time. A {@link
 * io.keyfob.Store} returns a verdict only after the new record is stored. {@code
 * examples/java/login} is a whole login with JDBC.
 *
 * <p><b>Units.</b> All times are Unix seconds in UTC, as from {@code
 * Instant.now().getEpochSecond()}. Times and counters are unsigned numbers of 64 bits, as in the
 * engine.
 *
 * <p><b>Errors.</b> If the engine refuses a call, it throws an {@link io.keyfob.OtpException} with
 * the engine's number. A wrong code is no error but a {@link io.keyfob.Verdict}. A {@code null}
 * causes a {@link NullPointerException}, and use after {@code close} an {@link
 * IllegalStateException}.
 *
 * <p><b>Secrets</b> are {@code byte[]} and {@code char[]}, never a {@code String}. This package
 * overwrites its copies of them at {@code close} or at the end of the call. The caller overwrites
 * the arrays that it passes and that it gets. The garbage collector may leave copies where it moves
 * an array, which nothing in Java prevents. On JNI a device's record is out of its reach, except
 * in the arrays of its reading and writing.
 *
 * <p><b>Threads.</b> All classes are thread-safe. Builders are not.
 *
 * <p><b>System properties</b>, read once, at first use:
 *
 * <ul>
 * <li>{@code io.keyfob.binding}: {@code jni} or {@code ffm}, the binding to the engine. By default
 * {@code ffm} on Java 22 and later, otherwise {@code jni}.
 * <li>{@code io.keyfob.library}: the path of the native library. By default a library on {@code
 * java.library.path}, otherwise the one in the jar.
 * <li>{@code io.keyfob.tmpdir}: the folder to which the jar's library is extracted. By default
 * {@code java.io.tmpdir}.
 * </ul>
 */
package io.keyfob;
