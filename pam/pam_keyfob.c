/* A PAM module that asks for a one-time code and verifies it. README.md is for operators.
 *
 * The user learns whether the code was right, and nothing else. The reason goes to the system's
 * log, and no code and no secret does. */
#define _DEFAULT_SOURCE
#define PAM_SM_AUTH
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "state.h"

/* PAM waits about as long after a refusal, whatever its reason: its own choice is half of this to
 * one and a half of it. */
#define REFUSAL_DELAY_MICROSECONDS 2000000

/* The largest number of an option. The policy has narrower bounds. */
#define MAX_OPTION 1000000

typedef struct options {
    const char *folder;
    const char *prompt;
    int takes_users_without_device;
    int takes_first_password;
    /* As `keyfob verify --window`: steps of TOTP, counters of HOTP. -1 for the default. */
    long window;
    long max_fails;
} options;

/* What follows `name` in an option, or NULL if it is another one. */
static const char *value_of(const char *option, const char *name) {
    size_t length = strlen(name);
    return strncmp(option, name, length) == 0 ? option + length : NULL;
}

/* Reads a whole number, or returns -1. */
static long number(const char *text) {
    char *end;
    long value;
    if (text[0] < '0' || text[0] > '9') return -1;
    value = strtol(text, &end, 10);
    return *end == '\0' && value <= MAX_OPTION ? value : -1;
}

/* Reads the options. One that is unknown or wrong is refused: ignoring it could open a door. */
static int read_options(pam_handle_t *pamh, int count, const char **arguments, options *options) {
    int index;
    memset(options, 0, sizeof *options);
    options->folder = "/var/lib/pam_keyfob";
    options->prompt = "One-time code: ";
    options->window = -1;
    options->max_fails = -1;
    for (index = 0; index < count; index++) {
        const char *option = arguments[index], *value;
        int is_right = 1;
        if (strcmp(option, "nullok") == 0) {
            options->takes_users_without_device = 1;
        } else if (strcmp(option, "use_first_pass") == 0) {
            options->takes_first_password = 1;
        } else if ((value = value_of(option, "dir=")) != NULL) {
            options->folder = value;
        } else if ((value = value_of(option, "prompt=")) != NULL) {
            options->prompt = value;
        } else if ((value = value_of(option, "window=")) != NULL) {
            is_right = (options->window = number(value)) >= 0;
        } else if ((value = value_of(option, "max_fails=")) != NULL) {
            is_right = (options->max_fails = number(value)) >= 0;
        } else {
            is_right = 0;
        }
        if (!is_right) {
            pam_syslog(pamh, LOG_ERR, "option %s: unknown, or not a whole number; correct it in the file of the service", option);
            return -1;
        }
    }
    return 0;
}

/* The policy for this device. Its windows follow the rules of `keyfob verify --state`. */
static keyfob_result policy_for(const options *options, const keyfob_record *record, keyfob_policy *policy) {
    keyfob_info info;
    keyfob_result result;
    policy->size = sizeof *policy;
    info.size = sizeof info;
    result = keyfob_policy_default(policy);
    if (result == KEYFOB_RESULT_OK) result = keyfob_device_info(record, &info);
    if (result != KEYFOB_RESULT_OK) return result;
    if (info.kind != KEYFOB_KIND_TOTP && info.kind != KEYFOB_KIND_HOTP) return KEYFOB_RESULT_WRONG_KIND;
    if (options->window >= 0 && info.kind == KEYFOB_KIND_TOTP) policy->window = (uint32_t)options->window;
    if (options->window >= 0 && info.kind == KEYFOB_KIND_HOTP) policy->look_ahead = (uint32_t)options->window;
    if (options->max_fails >= 0) policy->max_fails = (uint32_t)options->max_fails;
    /* A drift that `keyfob resync` has learned is followed. */
    if (info.drift != 0) policy->max_drift = 1000;
    return keyfob_policy_check(policy);
}

/* For keyfob_device_verify_and_store. The lock is held, so no other revision can be stored. */
static int32_t store(void *context, const keyfob_record *next, uint64_t read) {
    (void)read;
    return state_replace((state *)context, next) == STATE_OK ? 0 : -1;
}

/* The words of the log, which are those of `keyfob verify --json`. */
static const char *reason(uint32_t reason) {
    static const char *const names[] = {"right",     "wrong",  "replayed", "expired",         "no challenge",
                                        "throttled", "locked", "disabled", "clock was ahead", "outside validity"};
    return reason < sizeof names / sizeof *names ? names[reason] : "refused";
}

/* Logs the verdict, which is stored by now. */
static void log_verdict(pam_handle_t *pamh, const state *state, const keyfob_verdict *verdict) {
    pam_syslog(pamh, verdict->right ? LOG_INFO : LOG_NOTICE, "%s/%s: %s, %u fails", state->path, state->file, reason(verdict->reason),
               (unsigned)verdict->fails);
    if (verdict->locked) {
        pam_syslog(pamh, LOG_WARNING, "%s/%s: locked; to open it: keyfob unlock --state %s/%s", state->path, state->file, state->path,
                   state->file);
    }
}

/* Judges the code against the state file, and stores the outcome before it returns it. */
static int judge(pam_handle_t *pamh, const options *options, state *state, const char *code) {
    keyfob_record record;
    keyfob_policy policy;
    keyfob_verdict verdict;
    keyfob_result result;
    state_result found = state_lock(state);
    if (found == STATE_OK) found = state_read(state, &record);
    if (found != STATE_OK) {
        pam_syslog(pamh, LOG_ERR, "%s", state->problem);
        return PAM_AUTHINFO_UNAVAIL;
    }
    verdict.size = sizeof verdict;
    result = policy_for(options, &record, &policy);
    if (result == KEYFOB_RESULT_OK) {
        result = keyfob_device_verify_and_store(&record, &policy, code, strlen(code), (uint64_t)time(NULL), store, state, &verdict);
    }
    state_wipe(&record, sizeof record);
    switch (result) {
    case KEYFOB_RESULT_OK:
        log_verdict(pamh, state, &verdict);
        return verdict.right ? PAM_SUCCESS : PAM_AUTH_ERR;
    case KEYFOB_RESULT_STORE_FAILED:
        pam_syslog(pamh, LOG_ERR, "%s", state->problem);
        return PAM_AUTHINFO_UNAVAIL;
    case KEYFOB_RESULT_WRONG_KIND:
        pam_syslog(pamh, LOG_ERR, "%s/%s: must be TOTP or HOTP: enroll another device", state->path,
                   state->file);
        return PAM_AUTHINFO_UNAVAIL;
    default:
        pam_syslog(pamh, LOG_ERR, "%s/%s: %s; correct the clock, or the options of the service", state->path, state->file,
                   keyfob_result_message(result));
        return PAM_AUTHINFO_UNAVAIL;
    }
}

/* Removes the blanks and hyphens that people type, in place. */
static void remove_separators(char *code) {
    char *kept = code;
    for (; *code != '\0'; code++) {
        if (*code != ' ' && *code != '\t' && *code != '-') *kept++ = *code;
    }
    while (kept != code) *kept++ = '\0';
}

/* Gets the code: from an earlier module or from the user. The caller wipes and frees it. */
static int ask(pam_handle_t *pamh, const options *options, char **code) {
    const void *password = NULL;
    *code = NULL;
    if (!options->takes_first_password) return pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, code, "%s", options->prompt);
    if (pam_get_item(pamh, PAM_AUTHTOK, &password) != PAM_SUCCESS || password == NULL) return PAM_AUTH_ERR;
    *code = strdup((const char *)password);
    return *code != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* Asks for the code, also where nothing can be right any more: the prompt tells nothing. */
static int ask_and_judge(pam_handle_t *pamh, const options *options, state *state, state_result found, const char *why_not) {
    char *code;
    size_t length;
    int result = ask(pamh, options, &code);
    if (result == PAM_SUCCESS && code == NULL) result = PAM_AUTH_ERR;
    if (result != PAM_SUCCESS) {
        pam_syslog(pamh, LOG_NOTICE, "no code: %s", pam_strerror(pamh, result));
        return result == PAM_CONV_AGAIN ? PAM_INCOMPLETE : result;
    }
    length = strlen(code);
    remove_separators(code);
    if (found == STATE_PROBLEM) {
        pam_syslog(pamh, LOG_ERR, "%s", state->problem);
        result = PAM_AUTHINFO_UNAVAIL;
    } else if (found == STATE_ABSENT) {
        pam_syslog(pamh, LOG_NOTICE, "%s", why_not);
        result = PAM_AUTH_ERR;
    } else if (code[0] == '\0') {
        pam_syslog(pamh, LOG_NOTICE, "%s/%s: an empty answer, which counts no fail", state->path, state->file);
        result = PAM_AUTH_ERR;
    } else {
        result = judge(pamh, options, state, code);
    }
    state_wipe(code, length);
    free(code);
    return result;
}

/* The name of the user's file: that of the user database, if it is one that a file may have. */
static const char *name_of(pam_handle_t *pamh, const char **why_not) {
    const char *user = NULL;
    const struct passwd *entry;
    if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS || user == NULL) {
        *why_not = "no user";
        return NULL;
    }
    *why_not = "the name has other characters than letters, digits, _ . @ + - or is too long";
    if (!state_takes_name(user)) return NULL;
    entry = pam_modutil_getpwnam(pamh, user);
    if (entry == NULL) {
        *why_not = "the user is unknown to this system";
        return NULL;
    }
    return state_takes_name(entry->pw_name) ? entry->pw_name : NULL;
}

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *pamh, int flags, int count, const char **arguments) {
    options options;
    state state;
    state_result found = STATE_ABSENT;
    const char *user, *why_not;
    int result;
    (void)flags;
    pam_fail_delay(pamh, REFUSAL_DELAY_MICROSECONDS);
    if (read_options(pamh, count, arguments, &options) != 0) return PAM_SERVICE_ERR;
    user = name_of(pamh, &why_not);
    state.folder = state.lock = state.record = -1;
    if (user != NULL) {
        found = state_open(&state, options.folder, user);
        why_not = "the user has no state file";
        if (found == STATE_ABSENT && options.takes_users_without_device) {
            pam_syslog(pamh, LOG_INFO, "%s/%s: absent, and nullok lets the user pass", state.path, state.file);
            state_close(&state);
            return PAM_IGNORE;
        }
    }
    result = ask_and_judge(pamh, &options, &state, found, why_not);
    state_close(&state);
    return result;
}

/* There are no credentials to set. */
PAM_EXTERN int pam_sm_setcred(pam_handle_t *pamh, int flags, int count, const char **arguments) {
    (void)pamh;
    (void)flags;
    (void)count;
    (void)arguments;
    return PAM_SUCCESS;
}
