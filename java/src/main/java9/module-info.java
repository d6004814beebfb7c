/** One-time passwords: see {@code io.keyfob}. */
module io.keyfob {
    exports io.keyfob;
}
