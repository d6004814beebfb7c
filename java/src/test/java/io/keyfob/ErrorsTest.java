package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Every error of keyfob.h, each with a call that causes it. */
class ErrorsTest {
    /** Errors that Java rules out, or that only a defect could cause. */
    private static final Set<OtpError> NEVER = EnumSet.of(OtpError.NULL_POINTER, OtpError.STRUCT_SIZE, OtpError.BUFFER_TOO_SMALL,
            OtpError.STORE_FAILED, OtpError.PANIC, OtpError.KIND, OtpError.LOCK_KIND, OtpError.RANDOMNESS, OtpError.UNKNOWN);

    private final Map<OtpError, Executable> calls = new EnumMap<>(OtpError.class);

    @Test
    void errorNumbersAreThoseOfTheHeader() throws IOException {
        Map<Integer, String> header = new TreeMap<>();
        Matcher matcher = Pattern.compile("KEYFOB_RESULT_(\\w+) = (\\d+)").matcher(Files.readString(Path.of("../include/keyfob.h")));
        while (matcher.find()) {
            header.put(Integer.valueOf(matcher.group(2)), matcher.group(1));
        }
        assertEquals("OK", header.remove(0));
        Map<Integer, String> own = new TreeMap<>();
        for (OtpError error : OtpError.values()) {
            own.put(error.number(), error.name());
            assertEquals(error, OtpError.fromNumber(error.number()));
        }
        own.remove(-1);
        assertEquals(header, own);
    }

    @Test
    void sizesAreThoseOfTheHeader() throws IOException, IllegalAccessException {
        Map<String, Integer> own = new TreeMap<>();
        for (Field field : Sizes.class.getDeclaredFields()) {
            own.put(field.getName(), field.getInt(null));
        }
        Matcher matcher = Pattern.compile("#define KEYFOB_(\\w+) (\\d+)\n").matcher(Files.readString(Path.of("../include/keyfob.h")));
        int compared = 0;
        while (matcher.find()) {
            Integer size = own.get(matcher.group(1));
            if (size != null) {
                assertEquals(Integer.valueOf(matcher.group(2)), size, matcher.group(1));
                compared++;
            }
        }
        assertEquals(13, compared);
    }

    @Test
    void everyErrorHasItsNumberAndMessage() {
        policies();
        secretsAndCodes();
        devices();
        storage();
        for (OtpError error : OtpError.values()) {
            OtpException made = Native.exception(error);
            assertEquals(error.number(), made.number());
            assertEquals(error, made.error());
            assertFalse(made.getMessage().isEmpty(), error.name());
            if (NEVER.contains(error)) {
                assertFalse(calls.containsKey(error), error.name());
                continue;
            }
            assertTrue(calls.containsKey(error), () -> error + " is not tested");
            OtpException thrown = assertThrows(OtpException.class, calls.get(error), error.name());
            assertEquals(error, thrown.error(), thrown::getMessage);
            assertEquals(made.getMessage(), thrown.getMessage());
        }
    }

    private void policies() {
        Policy.Builder[] builders = new Policy.Builder[20];
        Arrays.setAll(builders, at -> Policy.builder());
        calls.put(OtpError.WINDOW, builders[0].window(-1)::build);
        calls.put(OtpError.LOOK_AHEAD, builders[1].lookAhead(1001)::build);
        calls.put(OtpError.RESYNC_WINDOW, builders[2].resyncWindow(0)::build);
        calls.put(OtpError.MAX_DRIFT, builders[3].maxDrift(1001)::build);
        calls.put(OtpError.MAX_FAILS, builders[4].lock(0)::build);
        calls.put(OtpError.FIRST_DELAY, builders[5].throttle(1, 0, 1)::build);
        calls.put(OtpError.MAX_DELAY, builders[6].throttle(1, 2, 1)::build);
        calls.put(OtpError.TOTAL_FAILS, builders[15].throttleThenLock(5, 1, 1, 5)::build);
        calls.put(OtpError.CODE_LIFETIME, builders[7].codeLifetime(0)::build);
        calls.put(OtpError.CODE_REUSE, builders[8].codeReuse(601)::build);
        calls.put(OtpError.PIN_POSITIONS, builders[9].pinPositions(9)::build);
        calls.put(OtpError.PIN_MIN_LENGTH, builders[10].pinMinLength(3)::build);
        calls.put(OtpError.CLOCK_SKEW, builders[11].clockSkew(3601)::build);
        calls.put(OtpError.GUESS_BOUND, builders[12].window(100)::build);
        calls.put(OtpError.PIN_GUESS_BOUND, builders[13].pinPositions(2)::build);
        calls.put(OtpError.FIRST_WINDOW, builders[14].firstWindow(2)::build);
    }

    private void secretsAndCodes() {
        calls.put(OtpError.SECRET_LENGTH, () -> Secret.fromBytes(new byte[15]));
        calls.put(OtpError.SECRET_BASE32, () -> Secret.fromBase32("GEZDGNBVGY3TQOJ1GEZDGNBVGY3TQOJ1".toCharArray()));
        calls.put(OtpError.SECRET_HEX, () -> Secret.fromHex("0g".toCharArray()));
        calls.put(OtpError.LENGTH, () -> Secret.fromHex(new char[4096]));
        calls.put(OtpError.DIGITS, () -> Codes.generateHotp(Parameters.builder().digits(5).build(), Fixtures.secret(), 0));
        calls.put(OtpError.PERIOD, () -> Codes.generateTotp(Parameters.builder().period(0).build(), Fixtures.secret(), NOW));
        calls.put(OtpError.STATUS, () -> Status.fromLetter('X'));
        calls.put(OtpError.PIN_LENGTH, () -> OtpDevice.pin(Policy.DEFAULT, "1234567".toCharArray(), NOW));
        calls.put(OtpError.PIN_DIGITS, () -> OtpDevice.pin(Policy.DEFAULT, "1234567\u0668".toCharArray(), NOW));
        calls.put(OtpError.RECOVERY_CODE_COUNT, () -> RecoveryCodes.random(65));
        calls.put(OtpError.ALGORITHM, () -> SoffidDevice.importRow(SoffidRow.builder().type(Kind.HOTP).status(Status.CREATED)
                .created(Instant.ofEpochSecond(NOW)).authKey(Fixtures.BASE32.toCharArray()).algorithm("HmacMD5").build(), Policy.SOFFID));
        calls.put(OtpError.SOFFID_PARAMETERS, () -> {
            SoffidRow row = SoffidRow.builder().type(Kind.TOTP).status(Status.CREATED).created(Instant.ofEpochSecond(NOW)).build();
            try (Secret secret = Fixtures.secret(); OtpDevice device = OtpDevice.totp(Parameters.builder().period(60).build(), secret, NOW)) {
                SoffidDevice.updateRow(device, row, Policy.SOFFID);
            }
        });
    }

    private void devices() {
        Policy throttle = Policy.builder().throttle(1, 60, 60).guessBound(1_000_000_000).pinGuessBound(1_000_000_000).build();
        calls.put(OtpError.WRONG_KIND, () -> Fixtures.sms().resync(Policy.DEFAULT, new char[6], new char[6], NOW));
        calls.put(OtpError.NO_DRIFT, () -> Fixtures.totp().resync(Policy.DEFAULT, new char[6], new char[6], NOW));
        calls.put(OtpError.VALIDITY, () -> Fixtures.totp().setValidity(NOW, NOW - 1, NOW));
        calls.put(OtpError.OUTSIDE_VALIDITY, () -> {
            OtpDevice device = Fixtures.totp();
            device.setValidity(0, NOW - 1, NOW);
            device.challenge(Policy.DEFAULT, NOW);
        });
        calls.put(OtpError.CLOCK, () -> Fixtures.totp().verify(Policy.DEFAULT, new char[6], NOW - 31));
        calls.put(OtpError.NO_CHALLENGE, () -> Fixtures.sms().resend(Policy.DEFAULT, NOW));
        calls.put(OtpError.DISABLED, () -> {
            OtpDevice device = Fixtures.sms();
            device.setStatus(Status.DISABLED, NOW);
            device.challenge(Policy.DEFAULT, NOW);
        });
        calls.put(OtpError.LOCKED, () -> {
            OtpDevice device = Fixtures.sms();
            device.setStatus(Status.LOCKED, NOW);
            device.challenge(Policy.DEFAULT, NOW);
        });
        calls.put(OtpError.CLOCK_WAS_AHEAD, () -> {
            OtpDevice device = Fixtures.totp();
            assertTrue(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW + 7200), NOW + 7200).isRight());
            device.unlock(NOW);
            device.challenge(Policy.DEFAULT, NOW);
        });
        calls.put(OtpError.THROTTLED, () -> {
            OtpDevice device = Fixtures.sms();
            assertFalse(device.verify(throttle, new char[6], NOW).isRight());
            device.challenge(throttle, NOW);
        });
        calls.put(OtpError.EXHAUSTED, () -> {
            try (Secret secret = Fixtures.secret()) {
                OtpDevice.hotp(Parameters.DEFAULT, secret, -1, NOW).verify(Policy.DEFAULT, new char[6], NOW);
            }
        });
        calls.put(OtpError.STORE_CONFLICT, () -> Fixtures.totp().verify(Policy.DEFAULT, new char[6], NOW, (next, revision) -> false));
        calls.put(OtpError.URI_TYPE, () -> OtpDevice.fromUri("http://x".toCharArray(), NOW));
        calls.put(OtpError.URI_NO_SECRET, () -> OtpDevice.fromUri("otpauth://totp/x".toCharArray(), NOW));
        calls.put(OtpError.URI_ENCODING, () -> OtpDevice.fromUri(("otpauth://totp/x%2?secret=" + Fixtures.BASE32).toCharArray(), NOW));
        calls.put(OtpError.URI_COUNTER, () -> OtpDevice.fromUri(("otpauth://hotp/x?secret=" + Fixtures.BASE32).toCharArray(), NOW));
        calls.put(OtpError.URI_REPEATED, () -> OtpDevice.fromUri(
                ("otpauth://totp/x?digits=6&digits=6&secret=" + Fixtures.BASE32).toCharArray(), NOW));
        calls.put(OtpError.URI_LABEL, () -> Fixtures.totp().toUri("a:b", "c"));
        calls.put(OtpError.URI_T0, () -> {
            try (Secret secret = Fixtures.secret()) {
                OtpDevice.totp(Parameters.builder().t0(1).build(), secret, NOW).toUri("a", "b");
            }
        });
    }

    private void storage() {
        byte[] id = {1, 2, 3};
        SealKey key = SealKey.fromBytes(7, new byte[32]);
        byte[] sealed = key.seal(Fixtures.totp(), id);
        calls.put(OtpError.RECORD_LENGTH, () -> OtpDevice.fromRecord(Arrays.copyOf(Fixtures.totp().toRecord(), 167)));
        calls.put(OtpError.RECORD_FOREIGN, () -> OtpDevice.fromRecord(new byte[168]));
        calls.put(OtpError.RECORD_NEWER, () -> OtpDevice.fromRecord(changed(Fixtures.totp().toRecord(), 2)));
        calls.put(OtpError.RECORD_DAMAGED, () -> OtpDevice.fromRecord(changed(Fixtures.totp().toRecord(), 100)));
        calls.put(OtpError.SEAL_FOREIGN, () -> key.open(new byte[1000], id));
        calls.put(OtpError.SEAL_NEWER, () -> key.open(changed(sealed, 3), id));
        calls.put(OtpError.SEAL_BROKEN, () -> key.open(sealed, new byte[] {1}));
        calls.put(OtpError.SEAL_KEY_ID, () -> SealKey.fromBytes(8, new byte[32]).open(sealed, id));
    }

    private static byte[] changed(byte[] bytes, int at) {
        byte[] copy = bytes.clone();
        copy[at] ^= 0x55;
        return copy;
    }

    @Test
    void lengthsThatNeverFitAreRefused() {
        assertEquals(OtpError.RECORD_LENGTH, assertThrows(OtpException.class,
                () -> OtpDevice.fromRecord(Arrays.copyOf(Fixtures.totp().toRecord(), 100_000))).error());
        assertEquals(OtpError.LENGTH, assertThrows(OtpException.class, () -> SealKey.fromBytes(1, new byte[32]).seal(Fixtures.totp(), new byte[1025])).error());
        assertEquals(OtpError.LENGTH, assertThrows(OtpException.class, () -> Fixtures.totp().toUri("x".repeat(4096), "a")).error());
        assertEquals(OtpError.LENGTH, assertThrows(OtpException.class, () -> OtpDevice.fromUri(new char[1 << 20], NOW)).error());
        char[] wide = "\u00e9".repeat(Sizes.TEXT_MAX / 2).toCharArray();
        assertEquals(OtpError.LENGTH, assertThrows(OtpException.class, () -> OtpDevice.fromUri(wide, NOW)).error());
        assertThrows(IllegalArgumentException.class, () -> SealKey.fromBytes(1, new byte[31]));
        assertThrows(IllegalArgumentException.class, () -> Fixtures.totp().toUri("a\0b", "c"));
        assertEquals(Reason.WRONG, Fixtures.totp().verify(Policy.DEFAULT, new char[1 << 20], NOW).reason());
        assertEquals(Reason.WRONG, Fixtures.totp().verify(Policy.DEFAULT, new char[0], NOW).reason());
    }

    @Test
    void aUriWithAnAmpersandOfAWebPageIsRefused() {
        char[] uri = ("otpauth://totp/x?secret=" + Fixtures.BASE32 + "&amp;digits=8").toCharArray();
        OtpException refused = assertThrows(OtpException.class, () -> OtpDevice.fromUri(uri, NOW));
        assertEquals(OtpError.URI_ENCODING, refused.error());
        assertTrue(refused.getMessage().contains("&amp;"), refused.getMessage());
    }

    @Test
    void aShortestPinThatNoPinReachesIsRefused() {
        for (int digits : new int[] {3, 65, 1 << 16, -1}) {
            assertEquals(OtpError.PIN_MIN_LENGTH,
                    assertThrows(OtpException.class, Policy.builder().pinMinLength(digits)::build, Integer.toString(digits)).error());
            assertEquals(OtpError.PIN_MIN_LENGTH, assertThrows(OtpException.class,
                    SoffidConfig.builder().pinMinLength(digits).build().policy(Kind.PIN)::build, Integer.toString(digits)).error());
        }
    }

    @Test
    void nullsAreRefused() {
        OtpDevice device = Fixtures.totp();
        byte[] before = device.toRecord();
        assertThrows(NullPointerException.class, () -> device.verify(null, new char[6], NOW));
        assertThrows(NullPointerException.class, () -> device.verify(Policy.DEFAULT, null, NOW));
        assertThrows(NullPointerException.class, () -> device.verify(Policy.DEFAULT, new char[6], NOW, null));
        assertThrows(NullPointerException.class, () -> device.challenge(Policy.DEFAULT, NOW, null));
        assertThrows(NullPointerException.class, () -> device.setStatus(null, NOW));
        assertThrows(NullPointerException.class, () -> device.replaceFactor(null, NOW));
        assertThrows(NullPointerException.class, () -> device.toUri(null, "a"));
        assertThrows(NullPointerException.class, () -> OtpDevice.fromRecord(null));
        assertThrows(NullPointerException.class, () -> OtpDevice.totp(null, Fixtures.secret(), NOW));
        assertThrows(NullPointerException.class, () -> OtpDevice.totp(Parameters.DEFAULT, null, NOW));
        assertThrows(NullPointerException.class, () -> Secret.fromBytes(null));
        assertThrows(NullPointerException.class, () -> Secret.random(null));
        assertThrows(NullPointerException.class, () -> Secret.fromBase32(null));
        assertThrows(NullPointerException.class, () -> SoffidDevice.importRow(null, Policy.SOFFID));
        assertThrows(NullPointerException.class, () -> SoffidRow.builder().build());
        assertTrue(Arrays.equals(before, device.toRecord()));
    }
}
