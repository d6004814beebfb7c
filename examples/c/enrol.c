/* Enrols a time-based authenticator, prints the URI for its QR code, and verifies the code that is
 * typed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <keyfob.h>

/* Through a volatile pointer, so that the compiler does not leave it out. */
static void wipe(void *secret, size_t length) {
    volatile unsigned char *byte = (volatile unsigned char *)secret;
    while (length--) *byte++ = 0;
}

/* Draws a secret, enrols a device with it and shows its URI. The secret and the URI do not outlive
 * this function. */
static keyfob_result enrol(keyfob_record *record) {
    uint8_t secret[KEYFOB_SECRET_MAX_SIZE];
    char uri[KEYFOB_URI_SIZE];
    size_t length;
    /* The operating system's randomness; parameters as every authenticator knows them. */
    keyfob_result result = keyfob_secret_random(KEYFOB_ALGORITHM_SHA1, NULL, NULL, secret, sizeof secret, &length);
    if (result == KEYFOB_RESULT_OK) result = keyfob_device_create_totp(NULL, secret, length, (uint64_t)time(NULL), record);
    if (result == KEYFOB_RESULT_OK) result = keyfob_uri_write(record, "ACME", "alice@example.com", uri, sizeof uri, NULL);
    if (result == KEYFOB_RESULT_OK) {
        printf("%s\n", uri);
        fflush(stdout);
    }
    wipe(secret, sizeof secret);
    wipe(uri, sizeof uri);
    return result;
}

int main(void) {
    keyfob_record record;
    keyfob_verdict verdict;
    char line[64];
    keyfob_result result = enrol(&record);
    verdict.size = sizeof verdict;
    verdict.right = 0;
    while (result == KEYFOB_RESULT_OK && !verdict.right && fgets(line, sizeof line, stdin)) {
        size_t typed = strcspn(line, "\r\n");
        result = keyfob_device_verify(&record, NULL, line, typed, (uint64_t)time(NULL), &verdict);
        if (result == KEYFOB_RESULT_OK) {
            /* A program that keeps the device stores the record here, before it says anything. */
            printf("%s%s\n", verdict.right ? "right" : "wrong", verdict.locked ? ", locked" : "");
        }
    }
    wipe(&record, sizeof record);
    wipe(line, sizeof line);
    if (result != KEYFOB_RESULT_OK) {
        fprintf(stderr, "%s\n", keyfob_result_message(result));
        return 2;
    }
    return !verdict.right;
}
