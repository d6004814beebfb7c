package io.keyfob;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where records lie, by both ways down. */
class MemoryTest {
    private static byte[] pattern() {
        byte[] record = new byte[Engine.RECORD_SIZE];
        for (int at = 0; at < record.length; at++) {
            record[at] = (byte) (at + 1);
        }
        return record;
    }

    @Test
    void aClosedRecordIsOverwrittenBeforeItIsAnothers() {
        for (int at = 0; at < 100; at++) {
            Memory record = Memory.record();
            assertTrue(Samples.isWiped(record.toArray()));
            record.put(0, pattern());
            assertArrayEquals(pattern(), record.toArray());
            record.close();
            assertTrue(Samples.isWiped(record.toArray()));
        }
    }

    @Test
    void recordsInUseAreApart() {
        List<Memory> records = new ArrayList<>();
        for (int at = 0; at < 40; at++) {
            Memory record = Memory.record();
            record.put(0, new byte[] {(byte) at, 1});
            records.add(record);
        }
        for (int at = 0; at < records.size(); at++) {
            assertEquals(at, records.get(at).toArray()[0]);
        }
        records.forEach(Memory::close);
        Memory one = Memory.record();
        Memory other = Memory.record();
        assertNotSame(one, other);
        assertTrue(Samples.isWiped(one.toArray()) && Samples.isWiped(other.toArray()));
        one.close();
        other.close();
    }

    @Test
    void oneByteMakesADifference() {
        try (Memory one = Memory.record()) {
            one.put(0, pattern());
            for (int at = 0; at < Engine.RECORD_SIZE; at++) {
                try (Memory other = one.copy()) {
                    assertTrue(other.isLike(one));
                    byte[] changed = pattern();
                    changed[at]++;
                    other.put(0, changed);
                    assertFalse(other.isLike(one) || one.isLike(other));
                    other.set(one);
                    assertArrayEquals(pattern(), other.toArray());
                }
            }
        }
    }
}
