package app;

import io.keyfob.Codes;
import io.keyfob.OtpDevice;
import io.keyfob.Parameters;
import io.keyfob.Secret;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Instant;

/** A user with an authenticator, in front of a web application. */
public final class Visitor {
    private static final String FORM = "application/x-www-form-urlencoded";

    private final String address;
    private final HttpClient http = HttpClient.newHttpClient();

    /** A visitor of the application at an address, such as {@code http://127.0.0.1:8080}. */
    public Visitor(String address) {
        this.address = address;
    }

    private HttpResponse<String> post(String path, String form) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(address + path)).header("Content-Type", FORM).POST(BodyPublishers.ofString(form)).build();
        return http.send(request, BodyHandlers.ofString());
    }

    /** Enrols, logs in with a code, and has the same code refused; an error otherwise. */
    public void enrolsAndLogsInOnce() throws IOException, InterruptedException {
        HttpResponse<String> enrolled = post("/enrol", "user=alice");
        expect(200, enrolled);
        long now = Instant.now().getEpochSecond();
        char[] code;
        try (OtpDevice device = OtpDevice.fromUri(enrolled.body().toCharArray(), now); Secret secret = Secret.fromBytes(device.secret())) {
            code = Codes.generateTotp(Parameters.DEFAULT, secret, now);
        }
        String form = "user=alice&code=" + new String(code);
        expect(200, post("/login", form));
        expect(403, post("/login", form));
    }

    private void expect(int status, HttpResponse<String> response) {
        if (response.statusCode() != status) {
            throw new AssertionError(address + response.uri().getPath() + ": " + response.statusCode() + " in place of " + status + ": " + response.body());
        }
    }
}
