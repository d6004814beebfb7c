package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The search for an unlabelled token among many records. */
class TokenSearchTest {
    private static final Parameters[] PARAMETERS = {
        Parameters.DEFAULT,
        Parameters.builder().period(60).build(),
        Parameters.builder().algorithm(Algorithm.SHA256).digits(8).build(),
        Parameters.builder().algorithm(Algorithm.SHA512).build(),
    };

    private static Secret secret(int number) {
        byte[] bytes = new byte[20];
        bytes[0] = (byte) number;
        bytes[1] = (byte) (number >> 8);
        return Secret.fromBytes(bytes);
    }

    private static boolean isHotp(int number) {
        return number % 5 == 0;
    }

    private static Parameters parameters(int number) {
        return PARAMETERS[number % PARAMETERS.length];
    }

    private static List<byte[]> records(int count) {
        List<byte[]> records = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            try (Secret secret = secret(number);
                    OtpDevice device = isHotp(number)
                            ? OtpDevice.hotp(parameters(number), secret, number, NOW)
                            : OtpDevice.totp(parameters(number), secret, NOW)) {
                records.add(device.toRecord());
            }
        }
        return records;
    }

    /** The code that a device shows so many steps or counters later. */
    private static char[] code(int number, int later) {
        Parameters parameters = parameters(number);
        try (Secret secret = secret(number)) {
            int period = number % PARAMETERS.length == 1 ? 60 : 30;
            return isHotp(number)
                    ? Codes.generateHotp(parameters, secret, number + later)
                    : Codes.generateTotp(parameters, secret, NOW + (long) later * period);
        }
    }

    private static BitSet places(int... places) {
        BitSet set = new BitSet();
        for (int place : places) {
            set.set(place);
        }
        return set;
    }

    @Test
    void theRightDeviceIsFoundAmongHundreds() {
        List<byte[]> records = records(300);
        for (int number = 0; number < 300; number += 7) {
            for (int later : new int[] {0, 1}) {
                char[] first = code(number, later);
                char[] second = code(number, later + 1);
                assertEquals(places(number), TokenSearch.findByTwoCodes(Policy.DEFAULT, first, second, NOW, records), "device " + number);
            }
            assertTrue(TokenSearch.findByCode(Policy.DEFAULT, code(number, 0), NOW, records).get(number));
        }
        assertEquals(places(), TokenSearch.findByTwoCodes(Policy.DEFAULT, code(7, 1), code(7, 0), NOW, records));
    }

    @Test
    void eachOfOneBatchAndMoreIsFoundAtItsPlace() {
        for (int count : new int[] {0, 1, 31, 32, 33, 64, 65}) {
            List<byte[]> records = records(count);
            for (int number = 0; number < count; number++) {
                assertEquals(places(number), TokenSearch.findByTwoCodes(Policy.DEFAULT, code(number, 0), code(number, 1), NOW, records));
            }
        }
    }

    @Test
    void theSearchChangesNothingAndTakesClosedDevicesAndUsedCodes() {
        try (OtpDevice device = Fixtures.totp()) {
            char[] code = Fixtures.codeAt(NOW);
            assertTrue(device.verify(Policy.DEFAULT, code, NOW).isRight());
            device.setStatus(Status.LOCKED, NOW);
            byte[] record = device.toRecord();
            byte[] before = record.clone();
            assertEquals(places(0), TokenSearch.findByCode(Policy.DEFAULT, code, NOW, List.of(record)));
            assertArrayEquals(before, record);
        }
    }

    @Test
    void otherKindsOtherLengthsAndWhatIsNoCodeAreNotFound() {
        List<byte[]> records = new ArrayList<>();
        try (OtpDevice sms = Fixtures.sms(); OtpDevice email = Fixtures.email(); OtpDevice pin = Fixtures.pin(); OtpDevice hotp = Fixtures.hotp()) {
            for (OtpDevice device : List.of(sms, email, pin, hotp)) {
                records.add(device.toRecord());
            }
        }
        assertEquals(places(3), TokenSearch.findByCode(Policy.DEFAULT, Fixtures.codeOf(0), NOW, records));
        assertEquals(places(3), TokenSearch.findByTwoCodes(Policy.DEFAULT, Fixtures.codeOf(0), Fixtures.codeOf(1), NOW, records));
        for (String other : new String[] {"", "12345678", "no code", "475 073", "٤٧٥٠٧٣"}) {
            assertEquals(places(), TokenSearch.findByCode(Policy.DEFAULT, other.toCharArray(), NOW, records));
            assertEquals(places(), TokenSearch.findByTwoCodes(Policy.DEFAULT, Fixtures.codeOf(0), other.toCharArray(), NOW, records));
        }
        assertEquals(places(), TokenSearch.findByCode(Policy.DEFAULT, new char[1000], NOW, records));
    }

    @Test
    void badRecordsAreRefused() {
        byte[] good = records(1).get(0);
        byte[] damaged = good.clone();
        damaged[20] ^= 1;
        char[] code = code(0, 0);
        for (byte[] bad : new byte[][] {new byte[0], new byte[167], new byte[169]}) {
            assertEquals(OtpError.RECORD_LENGTH, refusal(code, good, bad));
        }
        assertEquals(OtpError.RECORD_DAMAGED, refusal(code, good, damaged));
        assertThrows(NullPointerException.class, () -> TokenSearch.findByCode(Policy.DEFAULT, null, NOW, List.of(good)));
        assertThrows(NullPointerException.class, () -> TokenSearch.findByTwoCodes(Policy.DEFAULT, code, null, NOW, List.of(good)));
        assertThrows(NullPointerException.class, () -> TokenSearch.findByCode(null, code, NOW, List.of(good)));
        assertThrows(NullPointerException.class, () -> TokenSearch.findByCode(Policy.DEFAULT, code, NOW, null));
    }

    private static OtpError refusal(char[] code, byte[]... records) {
        return assertThrows(OtpException.class, () -> TokenSearch.findByCode(Policy.DEFAULT, code, NOW, List.of(records))).error();
    }
}
