package io.keyfob.bench;

import io.keyfob.Codes;
import io.keyfob.OtpDevice;
import io.keyfob.Parameters;
import io.keyfob.Policy;
import io.keyfob.Secret;
import io.keyfob.Verdict;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A wrong TOTP code, judged over the whole window. Each fail changes the record. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class VerifyBench {
    private static final long NOW = 1_700_000_000L;
    private static final byte[] SECRET = "12345678901234567890".getBytes(StandardCharsets.US_ASCII);

    @Param({"1", "10"})
    private int window;

    private OtpDevice device;
    private byte[] row;
    private Policy policy;
    private char[] typed;
    private int code;
    private MacLoop loop;

    /** A device, and a code that is wrong in the window. */
    @Setup
    public void enrol() throws GeneralSecurityException {
        // A lock that never falls, so that every call judges.
        policy = Policy.builder().window(window).lock(Integer.MAX_VALUE).guessBound(1_000_000_000).pinGuessBound(1_000_000_000).build();
        loop = new MacLoop(SECRET);
        try (Secret secret = Secret.fromBytes(SECRET)) {
            device = OtpDevice.totp(Parameters.DEFAULT, secret, NOW);
            row = device.toRecord();
            do {
                code++;
                typed = String.valueOf(1_000_000 + code).substring(1).toCharArray();
            } while (Codes.searchTotp(Parameters.DEFAULT, secret, typed, NOW, window).isPresent());
        }
        if (loop.isRightReused(code, NOW, window)) {
            throw new IllegalStateException("the peer finds another code");
        }
    }

    /** The engine on a device that stays in memory, with the binding of the property. */
    @Benchmark
    public Verdict keyfob() {
        return device.verify(policy, typed, NOW);
    }

    /** From store to store: the bytes of a row are read, judged, and replaced by the next ones. */
    @Benchmark
    public Verdict keyfobStored() {
        try (OtpDevice read = OtpDevice.fromRecord(row)) {
            return read.verify(policy, typed, NOW, (next, revision) -> {
                row = next;
                return true;
            });
        }
    }

    /** javax.crypto, one Mac for all codes. */
    @Benchmark
    public boolean macReused() {
        return loop.isRightReused(code, NOW, window);
    }

    /** javax.crypto, one Mac for each code, as Soffid does it. */
    @Benchmark
    public boolean macMade() throws GeneralSecurityException {
        return loop.isRightMade(code, NOW, window);
    }
}
