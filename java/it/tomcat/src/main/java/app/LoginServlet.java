package app;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** Enrolment and login. */
@WebServlet({"/enrol", "/login"})
public final class LoginServlet extends HttpServlet {
    private static final long serialVersionUID = 1;

    private final transient Accounts accounts = new Accounts();

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String user = request.getParameter("user");
        if (request.getServletPath().equals("/enrol")) {
            response.getWriter().print(accounts.enrol(user));
        } else if (!accounts.verify(user, request.getParameter("code"))) {
            response.sendError(HttpServletResponse.SC_FORBIDDEN);
        }
    }
}
