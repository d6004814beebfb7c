package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Recovery codes: how they are drawn, typed, used up and renewed. */
class RecoveryTest {
    private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /** The codes as texts. */
    static List<String> texts(RecoveryCodes codes) {
        return codes.toList().stream().map(String::new).toList();
    }

    private static Verdict verify(OtpDevice device, String typed) {
        return device.verify(Policy.DEFAULT, typed.toCharArray(), NOW);
    }

    private static OtpError refused(Executable call) {
        return assertThrows(OtpException.class, call).error();
    }

    @Test
    void drawnCodesAreDifferentEachTime() {
        Set<String> all = new HashSet<>();
        for (int time = 0; time < 20; time++) {
            try (RecoveryCodes codes = RecoveryCodes.random(RecoveryCodes.MAX_COUNT); OtpDevice device = OtpDevice.recovery(codes, NOW)) {
                all.addAll(texts(codes));
                assertEquals(32, device.secret().length);
            }
        }
        assertEquals(20 * 64, all.size());
        assertEquals(10, RecoveryCodes.DEFAULT_COUNT);
    }

    @Test
    void aDeviceSaysWhatItIs() {
        try (OtpDevice device = Fixtures.recovery(); OtpDevice totp = Fixtures.totp()) {
            DeviceInfo info = device.info();
            assertEquals(Kind.RECOVERY, info.kind());
            assertEquals(6, Kind.RECOVERY.number());
            assertEquals(Status.CREATED, info.status());
            assertNull(info.algorithm());
            assertEquals(0, info.digits());
            assertEquals(0, info.movingFactor());
            assertEquals(0, info.positions().length);
            assertEquals(NOW, info.created());
            assertFalse(info.hasShortSecret());
            assertEquals(10, info.recoveryCodeCount());
            assertEquals(10, info.recoveryCodesLeft());
            assertEquals("DeviceInfo(RECOVERY, CREATED, 0 fails)", info.toString());
            assertEquals(0, totp.info().recoveryCodeCount());
            assertEquals(0, totp.info().recoveryCodesLeft());
            assertEquals(0, totp.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW).recoveryCodesLeft());
            try (Challenge challenge = device.challenge(Policy.DEFAULT, NOW)) {
                assertEquals(Challenge.Kind.AUTHENTICATOR, challenge.kind());
            }
            assertArrayEquals(device.toRecord(), OtpDevice.fromRecord(device.toRecord()).toRecord());
        }
    }

    @Test
    void eachCodeIsRightOnceInAnyOrder() {
        try (OtpDevice device = Fixtures.recovery(); RecoveryCodes codes = device.recoveryCodes()) {
            List<String> texts = texts(codes);
            int left = texts.size();
            for (int index : new int[] {7, 0, 9, 3, 1, 2, 8, 4, 6, 5}) {
                Verdict right = verify(device, texts.get(index));
                left--;
                assertTrue(right.isRight());
                assertEquals(OptionalLong.of(index), right.matched());
                assertEquals(OptionalLong.of(0), right.drift());
                assertEquals(left, right.recoveryCodesLeft());
                Verdict again = verify(device, texts.get(index));
                assertFalse(again.isRight());
                assertEquals(Reason.REPLAYED, again.reason());
                assertEquals(0, again.fails());
                assertEquals(left, again.recoveryCodesLeft());
                assertEquals(left, device.info().recoveryCodesLeft());
            }
            assertEquals(0, left);
            assertEquals(10, device.info().recoveryCodeCount());
            assertEquals(Status.VALIDATED, device.info().status());
            assertEquals(texts, texts(codes), "the used ones are listed as well");
        }
    }

    @Test
    void codesAreTakenAsPeopleTypeThem() {
        try (RecoveryCodes codes = Fixtures.recoveryCodes()) {
            String code = texts(codes).get(2);
            String dense = code.replace("-", "");
            for (String typed : List.of(code, code.toLowerCase(Locale.ROOT), dense, code.replace('-', ' '), "\t" + code + "\r\n",
                    dense.replace('0', 'O').replace('1', 'l'), dense.replace('0', 'o').replace('1', 'I').replace('V', 'U'),
                    code.replace('-', '.'), code.replace('-', '\u2010'), code + "\0", dense + " ".repeat(64 - dense.length()))) {
                assertTrue(RecoveryCodes.isWellFormed(typed.toCharArray()), typed);
                try (OtpDevice device = OtpDevice.recovery(codes, NOW)) {
                    assertTrue(verify(device, typed).isRight(), typed);
                }
            }
            for (String typed : List.of("", dense.substring(1), dense + "0", dense + " ".repeat(65 - dense.length()),
                    dense + " ".repeat(100_000), dense.substring(0, 13) + "U")) {
                assertFalse(RecoveryCodes.isWellFormed(typed.toCharArray()), typed);
                try (OtpDevice device = OtpDevice.recovery(codes, NOW)) {
                    Verdict wrong = verify(device, typed);
                    assertEquals(Reason.WRONG, wrong.reason(), typed);
                    assertEquals(1, wrong.fails());
                    assertEquals(10, wrong.recoveryCodesLeft());
                }
            }
        }
    }

    @Test
    void aTypingErrorIsFoundBeforeItCostsAFail() {
        char[] code = "00000-00000-0000".toCharArray();
        assertTrue(RecoveryCodes.isWellFormed(code));
        try (RecoveryCodes codes = Fixtures.recoveryCodes()) {
            char[] right = texts(codes).get(0).replace("-", "").toCharArray();
            for (int at = 0; at < right.length; at++) {
                for (char symbol : ALPHABET.toCharArray()) {
                    char[] typed = right.clone();
                    typed[at] = symbol;
                    assertEquals(symbol == right[at], RecoveryCodes.isWellFormed(typed), () -> new String(typed));
                }
            }
            char[] typed = right.clone();
            assertTrue(RecoveryCodes.isWellFormed(typed));
            assertArrayEquals(right, typed, "the text is the caller's");
        }
    }

    @Test
    void wrongCodesLock() {
        try (OtpDevice device = Fixtures.recovery(); RecoveryCodes codes = device.recoveryCodes()) {
            String right = texts(codes).get(0);
            for (int fail = 1; fail <= 10; fail++) {
                Verdict verdict = verify(device, "00000-00000-0000");
                assertEquals(fail, verdict.fails());
                assertEquals(fail == 10, verdict.isLocked());
                assertEquals(10, verdict.recoveryCodesLeft());
            }
            Verdict locked = verify(device, right);
            assertEquals(Reason.LOCKED, locked.reason());
            assertEquals(10, locked.recoveryCodesLeft());
            device.unlock(NOW);
            assertTrue(verify(device, right).isRight());
        }
        assertTrue(Policy.DEFAULT.guessChance(Kind.RECOVERY, 0) <= 1, "one in a billion, at most");
    }

    @Test
    void theVerdictWaitsForTheStore() {
        try (OtpDevice device = Fixtures.recovery(); RecoveryCodes codes = device.recoveryCodes()) {
            char[] code = codes.toList().get(4);
            byte[] before = device.toRecord();
            assertEquals(OtpError.STORE_CONFLICT, refused(() -> device.verify(Policy.DEFAULT, code, NOW, (next, revision) -> false)));
            assertArrayEquals(before, device.toRecord());
            AtomicReference<byte[]> stored = new AtomicReference<>();
            assertTrue(device.verify(Policy.DEFAULT, code, NOW, (next, revision) -> {
                assertEquals(0, revision);
                stored.set(next);
                return true;
            }).isRight());
            try (OtpDevice read = OtpDevice.fromRecord(stored.get())) {
                assertEquals(9, read.info().recoveryCodesLeft());
                Verdict again = read.verify(Policy.DEFAULT, code, NOW, (next, revision) -> revision == 1);
                assertEquals(Reason.REPLAYED, again.reason());
                assertEquals(9, again.recoveryCodesLeft());
            }
        }
    }

    @Test
    void renewalEndsTheOldCodesAndKeepsTheFails() {
        try (OtpDevice device = Fixtures.recovery(); RecoveryCodes old = device.recoveryCodes();
                RecoveryCodes renewed = RecoveryCodes.random(4); OtpDevice from = OtpDevice.recovery(renewed, NOW)) {
            List<String> ended = texts(old);
            assertTrue(verify(device, ended.get(0)).isRight());
            assertFalse(verify(device, "00000-00000-0000").isRight());
            device.replaceFactor(from, NOW + 1);
            DeviceInfo info = device.info();
            assertEquals(1, info.fails());
            assertEquals(NOW, info.created());
            assertEquals(4, info.recoveryCodeCount());
            assertEquals(4, info.recoveryCodesLeft());
            try (RecoveryCodes now = device.recoveryCodes()) {
                assertEquals(texts(renewed), texts(now));
            }
            assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, ended.get(1).toCharArray(), NOW + 1).reason());
            assertEquals(3, device.verify(Policy.DEFAULT, renewed.toList().get(0), NOW + 1).recoveryCodesLeft());
        }
    }

    /** Otherwise a renewal that is sent twice would give the used codes back. */
    @Test
    void theSameSecretKeepsUsedCodesUsed() {
        try (OtpDevice device = Fixtures.recovery(); OtpDevice same = Fixtures.recovery(); RecoveryCodes codes = device.recoveryCodes()) {
            char[] code = codes.toList().get(9);
            assertTrue(device.verify(Policy.DEFAULT, code, NOW).isRight());
            device.replaceFactor(same, NOW);
            assertEquals(9, device.info().recoveryCodesLeft());
            assertEquals(Reason.REPLAYED, device.verify(Policy.DEFAULT, code, NOW).reason());
        }
    }

    @Test
    void badCountsAndShortSecretsAreRefused() {
        try (Secret secret = Fixtures.secret(); Secret small = Secret.fromBytesAllowingShort(new byte[15])) {
            for (int count : new int[] {Integer.MIN_VALUE, -1, 0, 65, 256, 257, 266, Integer.MAX_VALUE}) {
                assertEquals(OtpError.RECOVERY_CODE_COUNT, refused(() -> RecoveryCodes.random(count)), Integer.toString(count));
                assertEquals(OtpError.RECOVERY_CODE_COUNT, refused(() -> RecoveryCodes.fromSecret(secret, count)));
            }
            OtpException refused = assertThrows(OtpException.class, () -> RecoveryCodes.random(65));
            assertTrue(refused.number() == 31 && refused.getMessage().contains("1 to 64"), refused.getMessage());
            assertEquals(OtpError.SECRET_LENGTH, refused(() -> RecoveryCodes.fromSecret(small, 10)));
        }
        assertThrows(NullPointerException.class, () -> RecoveryCodes.fromSecret(null, 10));
        assertThrows(NullPointerException.class, () -> OtpDevice.recovery(null, NOW));
        assertThrows(NullPointerException.class, () -> RecoveryCodes.isWellFormed(null));
    }

    /** Java never asks for it. */
    @Test
    void anIndexBehindTheLastCodeIsRefused() {
        try (OtpDevice device = Fixtures.recovery()) {
            for (int index : new int[] {10, 64, -1}) {
                byte[] code = new byte[Sizes.RECOVERY_CODE_SIZE];
                assertEquals(OtpError.RECOVERY_CODE_COUNT,
                        refused(() -> device.record().call(record -> Native.engine().deviceRecoveryCode(record, index, code))));
                assertTrue(Fixtures.isWiped(code));
            }
        }
    }

    @Test
    void otherKindsHaveNoRecoveryCodesAndRecoveryCodesNothingElse() {
        for (OtpDevice device : List.of(Fixtures.totp(), Fixtures.hotp(), Fixtures.sms(), Fixtures.email(), Fixtures.pin())) {
            assertEquals(OtpError.WRONG_KIND, refused(device::recoveryCodes));
        }
        try (OtpDevice device = Fixtures.recovery()) {
            byte[] before = device.toRecord();
            for (Executable call : List.<Executable>of(() -> device.resync(Policy.DEFAULT, new char[16], new char[16], NOW), () -> device.toUri("a", "b"),
                    () -> device.resend(Policy.DEFAULT, NOW), () -> device.forgetSteps(NOW), () -> device.setValidity(0, NOW, NOW))) {
                assertEquals(OtpError.WRONG_KIND, refused(call));
            }
            assertArrayEquals(before, device.toRecord());
            assertTrue(TokenSearch.findByCode(Policy.DEFAULT, texts(device.recoveryCodes()).get(0).toCharArray(), NOW, List.of(before)).isEmpty());
        }
    }

    /** A row of Soffid's has no place for them. */
    @Test
    void soffidsRowsHoldNoRecoveryCodes() {
        SoffidRow row = SoffidTest.row(Kind.RECOVERY).build();
        assertEquals(OtpError.WRONG_KIND, refused(() -> SoffidDevice.importRow(row, Policy.SOFFID)));
        assertEquals(OtpError.WRONG_KIND, refused(() -> SoffidConfig.builder().build().policy(Kind.RECOVERY)));
        try (OtpDevice device = Fixtures.recovery(); OtpDevice totp = Fixtures.totp()) {
            assertEquals(OtpError.WRONG_KIND, refused(() -> SoffidDevice.exportRow(device)));
            assertEquals(OtpError.WRONG_KIND, refused(() -> SoffidDevice.updateRow(totp, row, Policy.SOFFID)));
            for (Kind kind : Kind.values()) {
                SoffidRow before = SoffidTest.row(kind).build();
                assertEquals(OtpError.WRONG_KIND, refused(() -> SoffidDevice.updateRow(device, before, Policy.SOFFID)), kind.name());
                // The record where other kinds keep theirs.
                char[] kept = SoffidRecord.write(device);
                SoffidRow hidden = SoffidTest.row(kind).authKey(kept).build();
                if (kind == Kind.SMS || kind == Kind.EMAIL || kind == Kind.PIN) {
                    try (OtpDevice read = SoffidDevice.importRow(hidden, Policy.SOFFID)) {
                        assertEquals(kind, read.info().kind());
                        assertFalse(Arrays.equals(device.secret(), read.secret()));
                    }
                } else {
                    assertThrows(OtpException.class, () -> SoffidDevice.importRow(hidden, Policy.SOFFID), kind.name());
                }
            }
        }
    }

    @Test
    void theCodesAreTheCallersAndOutliveTheDevice() {
        RecoveryCodes codes;
        char[] first;
        try (OtpDevice device = Fixtures.recovery()) {
            codes = device.recoveryCodes();
            first = codes.toList().get(0);
        }
        Arrays.fill(first, '\0');
        String again = new String(codes.toList().get(0));
        assertEquals(16, again.length());
        codes.close();
        assertEquals("the list of recovery codes is closed", assertThrows(IllegalStateException.class, codes::toList).getMessage());
        assertEquals(10, codes.count());
        assertEquals("RecoveryCodes(..)", codes.toString());
    }
}
