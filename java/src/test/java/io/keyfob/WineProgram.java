package io.keyfob;

import java.security.Provider;
import java.security.SecureRandomSpi;
import java.security.Security;
import java.util.Random;

/**
 * {@link JvmProgram} on Java for Windows under Wine. Java's own seeds need a list of the network's
 * interfaces there, and the virtual machine ends for want of it. {@code tests/java/jar-all} runs
 * this.
 */
final class WineProgram {
    private WineProgram() {}

    public static void main(String... arguments) throws Exception {
        Provider provider = new Provider("Wine", "1", "numbers of a test") {
            private static final long serialVersionUID = 1;
        };
        provider.put("SecureRandom.Wine", Numbers.class.getName());
        Security.insertProviderAt(provider, 1);
        JvmProgram.main(arguments);
    }

    /** Numbers that are not secret. */
    public static final class Numbers extends SecureRandomSpi {
        private static final long serialVersionUID = 1;

        private final Random random = new Random();

        @Override
        protected void engineSetSeed(byte[] seed) {
            // Not needed.
        }

        @Override
        protected void engineNextBytes(byte[] bytes) {
            random.nextBytes(bytes);
        }

        @Override
        protected byte[] engineGenerateSeed(int length) {
            byte[] seed = new byte[length];
            random.nextBytes(seed);
            return seed;
        }
    }
}
