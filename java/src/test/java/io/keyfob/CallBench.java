package io.keyfob;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What a call costs before any work is done. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CallBench {
    private final Memory record = Samples.totp().copy();
    private final byte[] sealed = SealKey.of(1, new byte[32]).seal(Samples.totp(), new byte[0]);
    private final byte[] number = new byte[4];
    private final byte[] info = Struct.ofSize(112);

    /** A number, and nothing copied. */
    @Benchmark
    public int empty() {
        return Native.engine().recordSize();
    }

    /** 216 bytes in and 4 out, and nearly nothing done: FFM lends the arrays, JNI copies them. */
    @Benchmark
    public int arrays() {
        return Native.engine().sealedKeyId(sealed, number);
    }

    /** A record that is read where it is, and 112 bytes out. */
    @Benchmark
    public int record() {
        return Native.engine().deviceInfo(record, info);
    }
}
