package io.keyfob;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The cost of a call without work. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CallBench {
    private final Memory record = Fixtures.totp().record().copy();
    private final byte[] sealed = SealKey.fromBytes(1, new byte[32]).seal(Fixtures.totp(), new byte[0]);
    private final byte[] number = new byte[4];
    private final byte[] info = Struct.create(DeviceInfo.SIZE);

    /** Returns a number and copies nothing. */
    @Benchmark
    public int empty() {
        return Native.engine().recordSize();
    }

    /** 216 bytes in and 4 out, with nearly no work. FFM passes the arrays, JNI copies them. */
    @Benchmark
    public int arrays() {
        return Native.engine().sealedKeyId(sealed, number);
    }

    /** Reads a record in place, and writes an array. */
    @Benchmark
    public int record() {
        return Native.engine().deviceInfo(record, info);
    }
}
