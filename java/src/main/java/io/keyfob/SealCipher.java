package io.keyfob;

/** How a {@link SealKey} seals. Any key opens what either cipher sealed under it. */
public enum SealCipher {
    /** XChaCha20-Poly1305: fast on processors without instructions for AES. */
    XCHACHA20_POLY1305,
    /**
     * XAES-256-GCM (C2SP): built of parts that NIST approves, and fast on processors with
     * instructions for AES.
     */
    XAES_256_GCM
}
