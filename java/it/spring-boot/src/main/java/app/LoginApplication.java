package app;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** Enrolment and login. */
@SpringBootApplication
@RestController
public class LoginApplication {
    private final Accounts accounts = new Accounts();

    public static void main(String... arguments) {
        SpringApplication.run(LoginApplication.class, arguments);
    }

    @PostMapping("/enrol")
    String enrol(@RequestParam("user") String user) {
        return accounts.enrol(user);
    }

    @PostMapping("/login")
    void login(@RequestParam("user") String user, @RequestParam("code") String code) {
        if (!accounts.verify(user, code)) {
            throw new ResponseStatusException(HttpStatus.FORBIDDEN);
        }
    }
}
