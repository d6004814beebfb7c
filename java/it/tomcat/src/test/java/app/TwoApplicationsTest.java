package app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two applications in one Tomcat, each with its own keyfob. JNI opens no file for two of them. */
class TwoApplicationsTest {
    @TempDir
    Path folder;

    private final Tomcat tomcat = new Tomcat();

    @BeforeEach
    void start() throws Exception {
        Files.createDirectory(folder.resolve("webapps"));
        tomcat.setBaseDir(folder.toString());
        tomcat.setPort(0);
        tomcat.setAddDefaultWebXmlToWebapp(false);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.getHost();
        tomcat.start();
    }

    @AfterEach
    void stop() throws Exception {
        tomcat.stop();
        tomcat.destroy();
    }

    private Context deploy(String path) {
        Context context = tomcat.addWebapp(path, System.getProperty("war"));
        assertEquals(LifecycleState.STARTED, context.getState());
        return context;
    }

    private void isUsable(String path) throws Exception {
        new Visitor("http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + path).enrolsAndLogsInOnce();
    }

    private static Class<?> device(Context context) throws Exception {
        return context.getLoader().getClassLoader().loadClass("io.keyfob.OtpDevice");
    }

    @Test
    void applicationsWorkBesideEachOtherAndAfterOneIsDeployedAnew() throws Exception {
        Context first = deploy("/first");
        Context second = deploy("/second");
        isUsable("/first");
        isUsable("/second");
        assertNotSame(device(first), device(second));

        tomcat.getHost().removeChild(second);
        second = deploy("/second");
        isUsable("/second");
        isUsable("/first");
        assertNotSame(device(first), device(second));
    }

    @Test
    void undeployedApplicationIsCollected() throws Exception {
        Context context = deploy("/gone");
        isUsable("/gone");
        WeakReference<ClassLoader> loader = new WeakReference<>(context.getLoader().getClassLoader());
        tomcat.getHost().removeChild(context);
        context = null;
        for (int wait = 0; loader.get() != null && wait < 100; wait++) {
            System.gc();
            Thread.sleep(100);
        }
        assertTrue(loader.get() == null);
    }
}
