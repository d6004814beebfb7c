package io.keyfob;

import static io.keyfob.Fixtures.NOW;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A program that calls every function, for the Java virtual machines of {@link JvmTest}. It prints
 * {@code done} and nothing else.
 */
final class JvmProgram {
    private JvmProgram() {}

    public static void main(String... arguments) throws Exception {
        switch (arguments[0]) {
            case "once" -> everything();
            case "missing" -> missing();
            case "digits" -> digits();
            case "garbage" -> garbage();
            case "forgotten" -> forgotten();
            case "memory" -> memory(false);
            case "leak" -> memory(true);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        System.out.println("done");
    }

    static void require(boolean holds) {
        if (!holds) {
            throw new AssertionError();
        }
    }

    /** Every function of the engine, and an error. */
    static void everything() {
        try (Secret secret = Secret.fromBase32(Fixtures.BASE32.toCharArray());
                Secret hex = Secret.fromHex(secret.toHex());
                Secret drawn = Secret.random(Algorithm.SHA256);
                OtpDevice totp = OtpDevice.totp(Parameters.DEFAULT, hex, NOW);
                OtpDevice hotp = OtpDevice.hotp(Parameters.DEFAULT, secret, 0, NOW);
                OtpDevice sms = OtpDevice.sms(Parameters.DEFAULT, secret, NOW);
                OtpDevice email = OtpDevice.email(Parameters.DEFAULT, drawn, NOW);
                OtpDevice pin = OtpDevice.pin(Policy.DEFAULT, "12345678".toCharArray(), NOW);
                SealKey key = SealKey.fromBytes(1, new byte[32])) {
            require(new String(secret.toBase32()).equals(Fixtures.BASE32));
            require(Codes.searchTotp(Parameters.DEFAULT, secret, Fixtures.codeAt(NOW), NOW, 1).getAsLong() == NOW / 30);
            require(Codes.searchHotp(Parameters.DEFAULT, secret, Fixtures.codeOf(3), 0, 5).getAsLong() == 3);
            require(totp.verify(Policy.SOFFID, Fixtures.codeAt(NOW), NOW).isRight());
            require(!totp.verify(Policy.SOFFID, Fixtures.codeAt(NOW), NOW, (next, revision) -> true).isRight());
            require(hotp.resync(Policy.DEFAULT, Fixtures.codeOf(40), Fixtures.codeOf(41), NOW).isRight());
            try (Challenge sent = sms.challenge(Policy.DEFAULT, NOW); Challenge again = sms.resend(Policy.DEFAULT, NOW);
                    Challenge mailed = email.challenge(Policy.DEFAULT, NOW); Challenge asked = pin.challenge(Policy.DEFAULT, NOW)) {
                require(sms.verify(Policy.DEFAULT, again.code(), NOW).isRight() && sent.isFresh());
                require(email.verify(Policy.DEFAULT, mailed.code(), NOW).isRight());
                require(pin.verify(Policy.DEFAULT, Fixtures.digitsAt(asked.positions()), NOW).isRight());
            }
            try (RecoveryCodes codes = RecoveryCodes.random(RecoveryCodes.DEFAULT_COUNT); OtpDevice recovery = OtpDevice.recovery(codes, NOW);
                    RecoveryCodes read = recovery.recoveryCodes()) {
                char[] code = read.toList().get(9);
                require(RecoveryCodes.isWellFormed(code) && recovery.verify(Policy.DEFAULT, code, NOW).recoveryCodesLeft() == 9);
            }
            email.replaceFactor(email, NOW);
            pin.setStatus(Status.LOCKED, NOW);
            pin.unlock(NOW);
            byte[] sealed = key.seal(hotp, new byte[0]);
            require(SealKey.idOf(sealed) == 1 && key.open(sealed, new byte[0]).secret().length == 20);
            OtpDevice.fromUri(OtpDevice.fromRecord(totp.toRecord()).toUri("ACME", "alice"), NOW).close();
            OtpDevice.fromUriAllowingShort("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ".toCharArray(), NOW).close();
            totp.setValidity(0, NOW, NOW);
            require(totp.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW + 1).reason() == Reason.OUTSIDE_VALIDITY);
            require(Policy.builder().window(2).build().guessChance(Kind.TOTP, 6) > 0);
            try (SoffidRow row = row(); OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); SoffidRow next = SoffidDevice.updateRow(device, row, Policy.SOFFID)) {
                require(row.equals(next));
            }
            try {
                Secret.fromBytes(new byte[3]);
                throw new AssertionError("not refused");
            } catch (OtpException refused) {
                require(refused.number() == 20 && refused.getMessage().startsWith("secret: "));
            }
        }
    }

    /** The message of a missing library, each time. */
    private static void missing() {
        List<Runnable> calls = List.of(() -> Status.fromLetter('X'), () -> Secret.random(Algorithm.SHA1), () -> Secret.fromBytes(new byte[3]));
        for (Runnable call : calls) {
            try {
                call.run();
                throw new AssertionError("there is one");
            } catch (UnsatisfiedLinkError error) {
                System.out.println(error.getMessage());
            }
        }
    }

    private static SoffidRow row() {
        return SoffidRow.builder().type(Kind.TOTP).status(Status.VALIDATED).created(Instant.ofEpochSecond(NOW)).fails(1).lastUsedValue(7L)
                .authKey(Fixtures.BASE32.toCharArray()).build();
    }

    /** Codes are ASCII where the locale writes numbers in other digits. */
    private static void digits() {
        require(String.format("%d", 123).equals("\u0661\u0662\u0663"));
        require(Locale.getDefault().equals(Locale.forLanguageTag("ar-EG")));
        require(new String(Fixtures.codeOf(0)).equals("755224"));
        require(new String(Fixtures.totp().toUri("ACME", "alice")).contains("&digits=6&period=30"));
        require(Fixtures.totp().info().toString().equals("DeviceInfo(TOTP, CREATED, 0 fails)"));
        everything();
    }

    /** Four threads of calls, one that only collects garbage, and one that fills the heap. */
    private static void garbage() throws InterruptedException {
        long end = System.nanoTime() + 3_000_000_000L;
        List<Thread> threads = new ArrayList<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int at = 0; at < 4; at++) {
            threads.add(new Thread(() -> {
                while (System.nanoTime() < end) {
                    everything();
                }
            }));
        }
        threads.add(new Thread(() -> {
            while (System.nanoTime() < end) {
                System.gc();
            }
        }));
        threads.add(new Thread(() -> {
            byte[][] kept = new byte[512][];
            for (int at = 0; System.nanoTime() < end; at++) {
                kept[at * 7 & 511] = new byte[at % 8192];
            }
        }));
        for (Thread thread : threads) {
            thread.setUncaughtExceptionHandler((which, thrown) -> failure.set(thrown));
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }

    /** Unclosed devices and policies, more than fit into the memory outside of the heap. */
    private static void forgotten() {
        byte[] record = Fixtures.totp().toRecord();
        for (int at = 0; at < 100_000; at++) {
            Policy policy = Policy.builder().window(at % 3).build();
            require(OtpDevice.fromRecord(record).verify(policy, Fixtures.codeAt(NOW), NOW).isRight());
        }
    }

    /** A million calls after a warm-up, which do not make the process larger. */
    private static void memory(boolean leaks) throws IOException {
        calls(200_000, false);
        long before = resident();
        calls(1_000_000, leaks);
        long grown = resident() - before;
        if (grown > 6 << 10) {
            System.out.println("grown by " + grown + " KiB");
        }
    }

    private static void calls(int count, boolean leaks) {
        char[] wrong = Fixtures.wrongAt(NOW);
        try (OtpDevice device = Fixtures.totp(); OtpDevice sms = Fixtures.sms(); SoffidRow row = row()) {
            for (int at = 0; at < count; at += 5) {
                device.verify(Policy.DEFAULT, wrong, NOW);
                device.verify(Policy.DEFAULT, wrong, NOW, (next, revision) -> true);
                device.unlock(NOW);
                sms.challenge(Policy.DEFAULT, NOW).close();
                if (at % 100 == 0) {
                    SoffidDevice.importRow(row, Policy.SOFFID).close();
                    try {
                        Secret.fromHex(wrong);
                    } catch (OtpException refused) {
                        require(refused.number() > 0);
                    }
                } else {
                    device.info();
                }
                if (leaks && at % 1000 == 0) {
                    leak();
                }
            }
        }
    }

    private static final List<ByteBuffer> LEAKED = new ArrayList<>();

    /**
     * Sixteen bytes outside of the heap for each of a thousand calls: the test must notice them.
     */
    private static void leak() {
        ByteBuffer memory = ByteBuffer.allocateDirect(16_000);
        while (memory.hasRemaining()) {
            memory.put((byte) 1);
        }
        LEAKED.add(memory);
    }

    /** The memory of this process, in KiB. */
    private static long resident() throws IOException {
        System.gc();
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new IOException("no VmRSS");
    }
}
