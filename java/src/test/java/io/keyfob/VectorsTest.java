package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** All of tests/vectors.json: the cases that Rust, C and Java share. */
class VectorsTest {
    /** A case; {@code moment} is the counter of HOTP and the time of TOTP. */
    record Vector(boolean isHotp, String secret, Parameters parameters, long moment, String code) {
        Secret open() {
            return Secret.fromHex(secret.toCharArray());
        }

        long step() {
            return isHotp ? moment : Long.divideUnsigned(moment - parameters.t0(), Integer.toUnsignedLong(parameters.period()));
        }
    }

    private static JsonNode all(String name) throws IOException {
        return new ObjectMapper().readTree(new File("../tests/vectors.json")).get(name);
    }

    private static List<Vector> vectors() throws IOException {
        List<Vector> vectors = new ArrayList<>();
        for (JsonNode node : all("cases")) {
            boolean isHotp = node.get("kind").asText().equals("HOTP");
            Parameters.Builder parameters = Parameters.builder()
                    .algorithm(Algorithm.valueOf(node.get("algorithm").asText()))
                    .digits(node.get("digits").asInt());
            if (!isHotp) {
                parameters.period((int) number(node, "period")).t0(number(node, "t0"));
            }
            long moment = number(node, isHotp ? "counter" : "time");
            vectors.add(new Vector(isHotp, node.get("secret").asText(), parameters.build(), moment, node.get("code").asText()));
        }
        assertTrue(vectors.stream().filter(Vector::isHotp).count() >= 100 && vectors.size() >= 200, "there are enough of them");
        return vectors;
    }

    private static long number(JsonNode node, String key) {
        return Long.parseUnsignedLong(node.get(key).asText());
    }

    @Test
    void everyCodeIsGenerated() throws IOException {
        for (Vector vector : vectors()) {
            try (Secret secret = vector.open()) {
                char[] code = vector.isHotp() ? Codes.generateHotp(vector.parameters(), secret, vector.moment())
                        : Codes.generateTotp(vector.parameters(), secret, vector.moment());
                assertArrayEquals(vector.code().toCharArray(), code, vector::toString);
            }
        }
    }

    @Test
    void everyCodeIsFound() throws IOException {
        for (Vector vector : vectors()) {
            try (Secret secret = vector.open()) {
                char[] code = vector.code().toCharArray();
                OptionalLong found = vector.isHotp() ? Codes.searchHotp(vector.parameters(), secret, code, vector.moment(), 0)
                        : Codes.searchTotp(vector.parameters(), secret, code, vector.moment(), 0);
                assertEquals(OptionalLong.of(vector.step()), found, vector::toString);
            }
        }
    }

    @Test
    void everyCodeVerifies() throws IOException {
        for (Vector vector : vectors()) {
            try (Secret secret = vector.open();
                    OtpDevice device = vector.isHotp() ? OtpDevice.hotp(vector.parameters(), secret, vector.moment(), 0)
                            : OtpDevice.totp(vector.parameters(), secret, vector.moment())) {
                long now = vector.isHotp() ? 0 : vector.moment();
                if (vector.step() == -1) {
                    // The last counter has none after it.
                    OtpException thrown = assertThrows(OtpException.class, () -> device.verify(Policy.DEFAULT, vector.code().toCharArray(), now));
                    assertEquals(OtpError.EXHAUSTED, thrown.error());
                    continue;
                }
                Verdict verdict = device.verify(Policy.DEFAULT, vector.code().toCharArray(), now);
                assertTrue(verdict.isRight(), vector::toString);
                assertTrue(Long.compareUnsigned(verdict.matched().getAsLong(), vector.step()) <= 0, vector::toString);
            }
        }
    }

    @Test
    void everyRecoveryCodeIsMadeAndVerifies() throws IOException {
        int made = 0;
        for (JsonNode node : all("recovery")) {
            List<String> expected = new ArrayList<>();
            node.get("codes").forEach(code -> expected.add(code.asText()));
            try (Secret secret = Secret.fromHex(node.get("secret").asText().toCharArray());
                    RecoveryCodes codes = RecoveryCodes.fromSecret(secret, expected.size());
                    OtpDevice device = OtpDevice.recovery(codes, 0);
                    RecoveryCodes read = device.recoveryCodes()) {
                assertEquals(expected, RecoveryTest.texts(codes));
                assertEquals(expected, RecoveryTest.texts(read));
                assertEquals(expected.size(), read.count());
                assertArrayEquals(secret.toBytes(), device.secret());
                for (int index = 0; index < expected.size(); index++) {
                    char[] code = expected.get(index).toCharArray();
                    assertTrue(RecoveryCodes.isWellFormed(code));
                    assertEquals(OptionalLong.of(index), device.verify(Policy.DEFAULT, code, 0).matched());
                    made++;
                }
            }
        }
        assertTrue(made >= 80, "there are enough of them");
    }
}
