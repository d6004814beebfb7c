/*
 * What the library leaves behind: each function runs on a stack of the test's own, which is then
 * searched for the secret. Copies that the compiler makes in moving a device or a fresh challenge
 * are not promised to be wiped (see docs/rules.md) and not looked for.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "keyfob.h"

#define NOW UINT64_C(1700000000)
#define STACK ((size_t)1 << 20)

static const uint8_t SECRET[] = "12345678901234567890", KEY[] = "a key that is easily told apart.";
static const uint8_t NONCE[KEYFOB_SEAL_NONCE_SIZE] = {0};
static const char BASE32[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/* All in static memory, so that what is found on the stack is the library's. */
static uint8_t stack[STACK] __attribute__((aligned(4096)));
static keyfob_record totp, sms, made;
static keyfob_soffid_row row;
static keyfob_challenge challenge;
static uint8_t sealed[KEYFOB_SEALED_SIZE];
static char uri[KEYFOB_URI_SIZE];
static keyfob_result result;

static void soffid_export(void) { result = keyfob_soffid_export(&totp, &row); }
static void soffid_update(void) { result = keyfob_soffid_update(&totp, &row); }
static void soffid_has_factor(void) { uint32_t has; result = keyfob_soffid_has_factor(&totp, &row, &has); }
static void soffid_import(void) { result = keyfob_soffid_import(&row, NULL, 0, &made); }
static void uri_write(void) { result = keyfob_uri_write(&totp, "a", "b", uri, sizeof uri, NULL); }
static void resend(void) { result = keyfob_device_resend(&sms, NULL, NOW, &challenge); }
static void record_seal(void) { result = keyfob_record_seal(&totp, 1, KEY, NULL, 0, NONCE, sealed); }
static void record_seal_xaes_256_gcm(void) { result = keyfob_record_seal_xaes_256_gcm(&totp, 1, KEY, NULL, 0, NONCE, sealed); }
static void record_open(void) { result = keyfob_record_open(sealed, sizeof sealed, 1, KEY, NULL, 0, &made); }
/* What the search must find: deep down, where the end of the thread does not write. */
static void careless(void) {
    volatile char copy[8192];
    size_t at;
    for (at = 0; at < sizeof BASE32; at++) {
        copy[at] = BASE32[at];
    }
    (void)copy[0];
}

static void *run(void *work) {
    (*(void (**)(void))work)();
    return NULL;
}

/* How often the secret is on the stack after the work. */
static size_t left(void (*work)(void), const void *secret, size_t length) {
    pthread_attr_t attributes;
    pthread_t thread;
    size_t at, found = 0;
    memset(stack, 0, STACK);
    result = KEYFOB_RESULT_OK;
    if (pthread_attr_init(&attributes) || pthread_attr_setstack(&attributes, stack, STACK) || pthread_create(&thread, &attributes, run, &work)
        || pthread_join(thread, NULL) || pthread_attr_destroy(&attributes) || result != KEYFOB_RESULT_OK) {
        printf("stack.c: FAILED: the work was not done: %s\n", keyfob_result_message(result));
        return STACK;
    }
    for (at = 0; at + length <= STACK; at++) {
        found += memcmp(stack + at, secret, length) == 0;
    }
    return found;
}

int main(void) {
    static const struct { const char *name; void (*work)(void); const void *secret; size_t length; } cases[] = {
        {"keyfob_soffid_export", soffid_export, BASE32, 32}, {"keyfob_soffid_update", soffid_update, BASE32, 32},
        {"keyfob_soffid_has_factor", soffid_has_factor, BASE32, 32}, {"keyfob_soffid_import", soffid_import, BASE32, 32},
        {"keyfob_uri_write", uri_write, BASE32, 32},
        {"keyfob_device_resend", resend, challenge.code, 6}, {"keyfob_record_seal", record_seal, KEY, 32},
        {"keyfob_record_seal_xaes_256_gcm", record_seal_xaes_256_gcm, KEY, 32},
        {"keyfob_record_open", record_open, KEY, 32},
    };
    size_t at, failed = 0, count = sizeof cases / sizeof cases[0];
    row.size = sizeof row, challenge.size = sizeof challenge;
    if (keyfob_device_create_totp(NULL, SECRET, 20, NOW, &totp) || keyfob_device_create_sms(NULL, SECRET, 20, NOW, &sms)
        || keyfob_device_challenge(&sms, NULL, NULL, NULL, NOW, &challenge) || left(careless, BASE32, 32) == 0) {
        printf("stack.c: FAILED: it does not find what is there\n");
        return 1;
    }
    for (at = 0; at < count; at++) {
        size_t found = left(cases[at].work, cases[at].secret, cases[at].length);
        if (found > 0) {
            failed++;
            printf("stack.c: FAILED: %s leaves %zu copies of a secret\n", cases[at].name, found);
        }
    }
    printf("%zu passed, %zu failed\n", count - failed, failed);
    return failed != 0;
}
