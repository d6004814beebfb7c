/* Enrols a time-based authenticator, prints the URI for its QR code, and verifies the code that is typed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <keyfob.h>

static int fail(const char *what, keyfob_result result) {
    fprintf(stderr, "%s: %s\n", what, keyfob_result_message(result));
    return 2;
}

int main(void) {
    keyfob_record record;
    keyfob_verdict verdict;
    uint8_t secret[KEYFOB_SECRET_MAX];
    size_t length;
    char uri[512], line[64];
    uint64_t now = (uint64_t)time(NULL);
    keyfob_result result;
    verdict.size = sizeof verdict;

    /* The operating system's randomness; parameters as every authenticator knows them. */
    result = keyfob_secret_random(KEYFOB_ALGORITHM_SHA1, NULL, NULL, secret, sizeof secret, &length);
    if (result != KEYFOB_RESULT_OK) return fail("secret", result);
    result = keyfob_device_create_totp(NULL, secret, length, now, &record);
    if (result != KEYFOB_RESULT_OK) return fail("device", result);
    result = keyfob_uri_write(&record, "ACME", "alice@example.com", uri, sizeof uri, NULL);
    if (result != KEYFOB_RESULT_OK) return fail("uri", result);
    printf("%s\n", uri);
    fflush(stdout);

    while (fgets(line, sizeof line, stdin)) {
        size_t typed = strcspn(line, "\r\n");
        result = keyfob_device_verify(&record, NULL, (const uint8_t *)line, typed, (uint64_t)time(NULL), &verdict);
        if (result != KEYFOB_RESULT_OK) return fail("verify", result);
        /* A program that keeps the device stores the record here, before it says anything. */
        printf("%s%s\n", verdict.right ? "right" : "wrong", verdict.locked ? ", locked" : "");
        if (verdict.right) return 0;
    }
    return 1;
}
