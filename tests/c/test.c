/*
 * Every function of keyfob.h with every result that the header gives it, and all of tests/vectors.json; C99 and C++ alike. What is alike
 * for all functions stands in table.h.
 *
 * All out-parameters stand in one struct. CALL fills it with a pattern, calls, compares the result, and unless that is OK holds every
 * byte of the struct to be the old one: for all functions alike.
 */
#ifndef __STDC_FORMAT_MACROS
#define __STDC_FORMAT_MACROS
#endif
#ifndef __STDC_LIMIT_MACROS
#define __STDC_LIMIT_MACROS
#endif
#ifndef __STDC_CONSTANT_MACROS
#define __STDC_CONSTANT_MACROS
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyfob.h"
#include "results.h"
#include "vectors.h"

#define NOW UINT64_C(1700000000)
#define R(name) KEYFOB_RESULT_##name

static const uint8_t SECRET[] = "12345678901234567890";
#define SECRET_LEN ((size_t)20)
static const char BASE32[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/* Whatever a function may write to. */
static struct outs {
    keyfob_record record;
    keyfob_verdict verdict;
    keyfob_challenge challenge;
    keyfob_info info;
    keyfob_soffid_row row;
    keyfob_policy policy;
    uint8_t bytes[256];
    char text[512], issuer[64], account[64];
    size_t length;
    uint64_t matched;
    uint32_t found, number;
} out, before;

static int passed, failed, in_place;
/* Which function returned what. */
static unsigned char seen[sizeof documented / sizeof documented[0]][128];
static keyfob_record given;

static void check(int holds, const char *what, int line) {
    if (holds) {
        passed++;
    } else {
        failed++;
        printf("test.c:%d: FAILED: %s\n", line, what);
    }
}
#define CHECK(holds) check((holds) != 0, #holds, __LINE__)

static void prepare(void) {
    memset(&out, 0xa5, sizeof out);
    out.verdict.size = (uint32_t)sizeof out.verdict;
    out.challenge.size = (uint32_t)sizeof out.challenge;
    out.info.size = (uint32_t)sizeof out.info;
    out.row.size = (uint32_t)sizeof out.row;
    out.policy.size = (uint32_t)sizeof out.policy;
    if (in_place) {
        out.record = given;
    }
    memcpy(&before, &out, sizeof out);
}

/* Notes what a function returned, which must be what the header says. `call` begins with its name. */
static void note(const char *call, keyfob_result result) {
    size_t length = strcspn(call, "("), at, entry;
    for (at = 0; at < sizeof documented / sizeof documented[0]; at++) {
        if (strncmp(call, documented[at].name, length) == 0 && documented[at].name[length] == 0) {
            for (entry = 0; documented[at].results[entry] != (short)result; entry++) {
                if (documented[at].results[entry] < 0) {
                    failed++;
                    printf("test.c: FAILED: the header does not say that %s returns %d\n", documented[at].name, (int)result);
                    return;
                }
            }
            seen[at][result] = 1;
        }
    }
}

static void judge(keyfob_result expected, keyfob_result result, const char *call, int line) {
    if (result != expected) {
        failed++;
        printf("test.c:%d: FAILED: %s: %d (%s), not %d\n", line, call, (int)result, keyfob_result_message(result), (int)expected);
        return;
    }
    passed++;
    note(call, result);
    if (result != R(OK)) {
        check(memcmp(&out, &before, sizeof out) == 0, call, line);
    }
}

/* Calls with `out` prepared; with IN_PLACE, out.record is `given` before. */
#define CALL(expected, call) (in_place = 0, prepare(), judge((expected), (call), #call, __LINE__))
#define IN_PLACE(expected, call) (in_place = 1, prepare(), judge((expected), (call), #call, __LINE__))
/* Takes over the record that a call has written. */
#define TAKE() (given = out.record)

static int32_t random_works(void *context, uint8_t *bytes, size_t length) {
    size_t at;
    for (at = 0; at < length; at++) {
        bytes[at] = (uint8_t)(++*(uint32_t *)context * 37);
    }
    return 0;
}

static int32_t random_fails(void *context, uint8_t *bytes, size_t length) {
    (void)context, (void)bytes, (void)length;
    return -1;
}

struct shelf { keyfob_record record; uint64_t revision; int32_t answer; int calls; };

static int32_t store(void *context, const keyfob_record *next, uint64_t read) {
    struct shelf *shelf = (struct shelf *)context;
    shelf->calls++;
    if (shelf->answer == 0) {
        shelf->record = *next;
        shelf->revision = read;
    }
    return shelf->answer;
}

static uint32_t counter;

static void totp(void) {
    CALL(R(OK), keyfob_device_create_totp(NULL, SECRET, SECRET_LEN, NOW, &out.record));
    TAKE();
}

static void test_vectors(void) {
    size_t at;
    for (at = 0; at < sizeof vectors / sizeof vectors[0]; at++) {
        const struct vector *v = &vectors[at];
        int hotp = strcmp(v->kind, "HOTP") == 0;
        keyfob_parameters p;
        uint8_t secret[KEYFOB_SECRET_MAX];
        char code[KEYFOB_CODE_SIZE];
        size_t length = 0;
        memset(&p, 0, sizeof p);
        p.size = (uint32_t)sizeof p;
        p.algorithm = v->algorithm, p.digits = v->digits, p.period = v->period, p.t0 = v->t0;
        CHECK(keyfob_secret_from_hex(v->secret, secret, sizeof secret, &length) == R(OK));
        CHECK((hotp ? keyfob_hotp_generate(&p, secret, length, v->moment, code, sizeof code)
                    : keyfob_totp_generate(&p, secret, length, v->moment, code, sizeof code)) == R(OK));
        CHECK(strcmp(code, v->code) == 0);
        if (hotp) {
            CALL(R(OK), keyfob_hotp_search(&p, secret, length, (const uint8_t *)v->code, strlen(v->code), v->moment, 0, &out.found, &out.matched));
            CHECK(out.found == 1 && out.matched == v->moment);
            CALL(R(OK), keyfob_device_create_hotp(&p, secret, length, v->moment, NOW, &out.record));
        } else {
            CALL(R(OK), keyfob_totp_search(&p, secret, length, (const uint8_t *)v->code, strlen(v->code), v->moment, 0, &out.found, &out.matched));
            CHECK(out.found == 1 && out.matched == (v->moment - v->t0) / v->period);
            CALL(R(OK), keyfob_device_create_totp(&p, secret, length, v->moment, &out.record));
        }
        TAKE();
        if (hotp && v->moment == UINT64_MAX) {
            IN_PLACE(R(EXHAUSTED), keyfob_device_verify(&out.record, NULL, (const uint8_t *)v->code, strlen(v->code), NOW, &out.verdict));
        } else {
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, (const uint8_t *)v->code, strlen(v->code), hotp ? NOW : v->moment, &out.verdict));
            CHECK(out.verdict.right == 1 && out.verdict.size == sizeof out.verdict);
        }
    }
}

static void test_codes_and_secrets(void) {
    keyfob_parameters p;
    memset(&p, 0, sizeof p);
    p.size = (uint32_t)sizeof p, p.algorithm = KEYFOB_ALGORITHM_SHA1, p.digits = 8, p.period = 30;
    CALL(R(OK), keyfob_totp_generate(&p, SECRET, SECRET_LEN, 59, out.text, sizeof out.text));
    CHECK(strcmp(out.text, "94287082") == 0);
    CALL(R(OK), keyfob_hotp_generate(NULL, SECRET, SECRET_LEN, 0, out.text, 7));
    CHECK(strcmp(out.text, "755224") == 0);
    CALL(R(BUFFER_TOO_SMALL), keyfob_hotp_generate(NULL, SECRET, SECRET_LEN, 0, out.text, 6));
    CALL(R(BUFFER_TOO_SMALL), keyfob_totp_generate(NULL, SECRET, SECRET_LEN, 0, out.text, 0));
    CALL(R(SECRET_LENGTH), keyfob_hotp_generate(NULL, NULL, 0, 0, out.text, 7));
    CALL(R(SECRET_LENGTH), keyfob_hotp_generate(NULL, SECRET, 15, 0, out.text, 7));
    CALL(R(LENGTH), keyfob_hotp_generate(NULL, SECRET, SIZE_MAX, 0, out.text, 7));
    p.t0 = 60;
    CALL(R(CLOCK), keyfob_totp_generate(&p, SECRET, SECRET_LEN, 59, out.text, 9));
    p.t0 = 0, p.period = 0;
    CALL(R(PERIOD), keyfob_totp_generate(&p, SECRET, SECRET_LEN, 59, out.text, 9));
    CALL(R(PERIOD), keyfob_device_create_totp(&p, SECRET, SECRET_LEN, NOW, &out.record));
    CALL(R(PERIOD), keyfob_totp_search(&p, SECRET, SECRET_LEN, SECRET, 6, NOW, 1, &out.found, &out.matched));
    p.period = 1;
    CALL(R(EXHAUSTED), keyfob_totp_search(&p, SECRET, SECRET_LEN, SECRET, 6, UINT64_MAX, 0, &out.found, &out.matched));
    p.t0 = 60;
    CALL(R(CLOCK), keyfob_totp_search(&p, SECRET, SECRET_LEN, SECRET, 6, 59, 0, &out.found, &out.matched));
    p.t0 = 0;
    p.period = 30, p.digits = 5;
    CALL(R(DIGITS), keyfob_totp_generate(&p, SECRET, SECRET_LEN, 59, out.text, 9));
    p.digits = 256 + 6;
    CALL(R(DIGITS), keyfob_device_create_sms(&p, SECRET, SECRET_LEN, NOW, &out.record));
    p.digits = 6, p.algorithm = 4;
    CALL(R(ALGORITHM), keyfob_hotp_generate(&p, SECRET, SECRET_LEN, 59, out.text, 9));
    CALL(R(ALGORITHM), keyfob_device_create_email(&p, SECRET, SECRET_LEN, NOW, &out.record));
    p.algorithm = 1, p.size--;
    CALL(R(STRUCT_SIZE), keyfob_totp_generate(&p, SECRET, SECRET_LEN, 59, out.text, 9));
    p.size = UINT32_MAX;
    CALL(R(STRUCT_SIZE), keyfob_device_create_hotp(&p, SECRET, SECRET_LEN, 0, NOW, &out.record));
    {
        /* A newer, larger struct: right as long as what this library does not know is zero. */
        struct { keyfob_parameters known; uint64_t later; } newer;
        memset(&newer, 0, sizeof newer);
        newer.known = p, newer.known.size = (uint32_t)sizeof newer;
        CALL(R(OK), keyfob_totp_generate(&newer.known, SECRET, SECRET_LEN, 59, out.text, 9));
        newer.later = 1;
        CALL(R(STRUCT_SIZE), keyfob_totp_generate(&newer.known, SECRET, SECRET_LEN, 59, out.text, 9));
    }
    CALL(R(OK), keyfob_hotp_search(NULL, SECRET, SECRET_LEN, (const uint8_t *)"\xff\x80 junk", 7, 0, 1000, &out.found, &out.matched));
    CHECK(out.found == 0 && out.matched == 0);
    CALL(R(LOOK_AHEAD), keyfob_hotp_search(NULL, SECRET, SECRET_LEN, SECRET, 6, 0, 1001, &out.found, &out.matched));
    CALL(R(WINDOW), keyfob_totp_search(NULL, SECRET, SECRET_LEN, SECRET, 6, NOW, 65537, &out.found, &out.matched));

    CALL(R(OK), keyfob_secret_from_base32("gezd-gnbv gy3tqojq GEZDGNBVGY3TQOJQ===", out.bytes, 20, &out.length));
    CHECK(out.length == 20 && memcmp(out.bytes, SECRET, 20) == 0);
    CALL(R(BUFFER_TOO_SMALL), keyfob_secret_from_base32(BASE32, out.bytes, 19, &out.length));
    CALL(R(SECRET_BASE32), keyfob_secret_from_base32("GEZDGNBVGY3TQOJ1GEZDGNBVGY3TQOJ1", out.bytes, 64, &out.length));
    CALL(R(SECRET_BASE32), keyfob_secret_from_base32("\xff\xfe", out.bytes, 64, &out.length));
    CALL(R(SECRET_LENGTH), keyfob_secret_from_base32("", out.bytes, 64, &out.length));
    CALL(R(SECRET_HEX), keyfob_secret_from_hex("0g", out.bytes, 64, &out.length));
    CALL(R(SECRET_LENGTH), keyfob_secret_from_hex("0f", out.bytes, 64, &out.length));
    CALL(R(OK), keyfob_secret_to_base32(SECRET, SECRET_LEN, out.text, 33));
    CHECK(strcmp(out.text, BASE32) == 0);
    CALL(R(BUFFER_TOO_SMALL), keyfob_secret_to_base32(SECRET, SECRET_LEN, out.text, 32));
    CALL(R(SECRET_LENGTH), keyfob_secret_to_base32(SECRET, 1, out.text, 33));
    CALL(R(OK), keyfob_secret_to_hex(SECRET, SECRET_LEN, out.text, 41));
    CHECK(strcmp(out.text, "3132333435363738393031323334353637383930") == 0);
    CALL(R(OK), keyfob_secret_random(KEYFOB_ALGORITHM_SHA512, NULL, NULL, out.bytes, 64, &out.length));
    CHECK(out.length == 64);
    CALL(R(OK), keyfob_secret_random(KEYFOB_ALGORITHM_SHA1, random_works, &counter, out.bytes, 64, &out.length));
    CHECK(out.length == 20);
    CALL(R(RANDOMNESS), keyfob_secret_random(KEYFOB_ALGORITHM_SHA1, random_fails, NULL, out.bytes, 64, &out.length));
    CALL(R(BUFFER_TOO_SMALL), keyfob_secret_random(KEYFOB_ALGORITHM_SHA256, NULL, NULL, out.bytes, 31, &out.length));
    CALL(R(ALGORITHM), keyfob_secret_random(0, NULL, NULL, out.bytes, 64, &out.length));
}

static void test_policies(void) {
    keyfob_policy p;
    CALL(R(OK), keyfob_policy_default(&out.policy));
    CHECK(out.policy.window == 1 && out.policy.lock_fails == 10 && out.policy.size == sizeof out.policy);
    p = out.policy;
    CALL(R(OK), keyfob_policy_check(&p));
    CALL(R(OK), keyfob_policy_check(NULL));
    CALL(R(OK), keyfob_policy_soffid(&out.policy));
    CHECK(out.policy.window == 10 && out.policy.look_ahead == 24);
    CALL(R(OK), keyfob_policy_chance(NULL, KEYFOB_KIND_TOTP, 6, &out.number));
    CHECK(out.number == 30008);
    CALL(R(OK), keyfob_policy_chance(&p, KEYFOB_KIND_PIN, 0, &out.number));
    CHECK(out.number == 10000000);
    CALL(R(KIND), keyfob_policy_chance(NULL, 6, 6, &out.number));
    CALL(R(DIGITS), keyfob_policy_chance(NULL, KEYFOB_KIND_HOTP, 11, &out.number));
    p.window = 100, p.bound = UINT32_MAX;
    CALL(R(OK), keyfob_policy_check(&p));
    {
        keyfob_policy small;
        memset(&small, 0, sizeof small);
        small.size = 4;
        CHECK(keyfob_policy_default(&small) == R(STRUCT_SIZE) && small.window == 0);
    }
}

static void test_devices(void) {
    keyfob_policy throttle;
    size_t at;
    CALL(R(SECRET_LENGTH), keyfob_device_create_hotp(NULL, SECRET, 3, 0, NOW, &out.record));
    CALL(R(OK), keyfob_device_create_email(NULL, SECRET, SECRET_LEN, NOW, &out.record));
    CALL(R(PIN_LENGTH), keyfob_device_create_pin(NULL, (const uint8_t *)"1234567", 7, NOW, &out.record));
    CALL(R(PIN_DIGITS), keyfob_device_create_pin(NULL, (const uint8_t *)"1234567\xb8", 8, NOW, &out.record));

    /* Verify: right once, in place; any failure leaves record and verdict alone. */
    totp();
    CALL(R(OK), keyfob_device_info(&given, &out.info));
    CHECK(out.info.kind == KEYFOB_KIND_TOTP && out.info.status == KEYFOB_STATUS_CREATED && out.info.period == 30 && out.info.created == NOW);
    CALL(R(OK), keyfob_totp_generate(NULL, SECRET, SECRET_LEN, NOW, out.text, 7));
    {
        uint8_t code[6];
        memcpy(code, out.text, 6);
        IN_PLACE(R(LENGTH), keyfob_device_verify(&out.record, NULL, code, SIZE_MAX, NOW, &out.verdict));
        IN_PLACE(R(CLOCK), keyfob_device_verify(&out.record, NULL, code, 6, 0, &out.verdict));
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, UINT64_MAX, &out.verdict));
        CHECK(out.verdict.right == 0);
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 1 && out.verdict.matched == NOW / 30 && out.verdict.reason == KEYFOB_REASON_RIGHT);
        TAKE();
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 0 && out.verdict.reason == KEYFOB_REASON_REPLAYED && out.verdict.fails == 1);
        {
            struct shelf shelf;
            memset(&shelf, 0, sizeof shelf);
            totp();
            shelf.answer = 1;
            CALL(R(STORE_CONFLICT), keyfob_device_verify_and_store(&given, NULL, code, 6, NOW, store, &shelf, &out.verdict));
            shelf.answer = -7;
            CALL(R(STORE_FAILED), keyfob_device_verify_and_store(&given, NULL, code, 6, NOW, store, &shelf, &out.verdict));
            shelf.answer = 0;
            CALL(R(OK), keyfob_device_verify_and_store(&given, NULL, code, 6, NOW, store, &shelf, &out.verdict));
            CHECK(out.verdict.right == 1 && shelf.calls == 3 && shelf.revision == 0);
            CALL(R(OK), keyfob_device_verify_and_store(&shelf.record, NULL, code, 6, NOW, store, &shelf, &out.verdict));
            CHECK(out.verdict.right == 0 && shelf.revision == 1);
        }
    }

    /* Ten wrong ones lock; nothing gets in until the unlocking, and nothing is stored in vain. */
    totp();
    for (at = 0; at < 10; at++) {
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, (const uint8_t *)"\x80\x81\x82\x83\x84\x85", 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 0 && out.verdict.locked == (at == 9) && out.verdict.fails == at + 1);
        TAKE();
    }
    {
        struct shelf shelf;
        memset(&shelf, 0, sizeof shelf);
        CALL(R(OK), keyfob_device_verify_and_store(&given, NULL, NULL, 0, NOW, store, &shelf, &out.verdict));
        CHECK(out.verdict.locked == 1 && shelf.calls == 0);
    }
    IN_PLACE(R(LOCKED), keyfob_device_challenge(&out.record, NULL, NULL, NULL, NOW, &out.challenge));
    IN_PLACE(R(STATUS), keyfob_device_set_status(&out.record, 'X', NOW));
    IN_PLACE(R(STATUS), keyfob_device_set_status(&out.record, 256 + 'V', NOW));
    IN_PLACE(R(OK), keyfob_device_set_status(&out.record, KEYFOB_STATUS_DISABLED, NOW));
    TAKE();
    IN_PLACE(R(DISABLED), keyfob_device_challenge(&out.record, NULL, NULL, NULL, NOW, &out.challenge));
    CALL(R(OK), keyfob_device_info(&given, &out.info));
    CHECK(out.info.was_locked == 1 && out.info.status == KEYFOB_STATUS_DISABLED);
    {
        /* A program built when keyfob_info ended with the revision. */
        keyfob_info older;
        memset(&older, 0xa5, sizeof older);
        older.size = 104;
        CHECK(keyfob_device_info(&given, &older) == R(OK) && older.size == 104);
        CHECK(older.revision == out.info.revision && older.was_locked == 0xa5a5a5a5u);
        older.size = 103;
        CHECK(keyfob_device_info(&given, &older) == R(STRUCT_SIZE));
    }
    IN_PLACE(R(LOCKED), keyfob_device_set_status(&out.record, KEYFOB_STATUS_VALIDATED, NOW));
    IN_PLACE(R(OK), keyfob_device_unlock(&out.record, NOW));
    TAKE();
    CALL(R(OK), keyfob_device_info(&given, &out.info));
    CHECK(out.info.was_locked == 0);
    IN_PLACE(R(OK), keyfob_device_set_status(&out.record, KEYFOB_STATUS_VALIDATED, NOW));
    TAKE();
    IN_PLACE(R(WRONG_KIND), keyfob_device_resync(&out.record, NULL, SECRET, 6, SECRET, 6, NOW, &out.verdict));
    CALL(R(WRONG_KIND), keyfob_device_resend(&given, NULL, NOW, &out.challenge));

    /* Another factor: the fails stay, each kind takes its own only. */
    {
        static const uint8_t OTHER[] = "another secret of 28 bytes..";
        keyfob_record of[5], damaged;
        char code[KEYFOB_CODE_SIZE];
        CALL(R(OK), keyfob_device_create_totp(NULL, OTHER, 28, NOW, &out.record)), of[0] = out.record;
        CALL(R(OK), keyfob_device_create_hotp(NULL, OTHER, 28, 7, NOW, &out.record)), of[1] = out.record;
        CALL(R(OK), keyfob_device_create_sms(NULL, OTHER, 28, NOW, &out.record)), of[2] = out.record;
        CALL(R(OK), keyfob_device_create_email(NULL, OTHER, 28, NOW, &out.record)), of[3] = out.record;
        CALL(R(OK), keyfob_device_create_pin(NULL, (const uint8_t *)"87654321", 8, NOW, &out.record)), of[4] = out.record;
        for (at = 0; at < 25; at++) {
            given = of[at / 5];
            IN_PLACE(at % 5 == at / 5 ? R(OK) : R(WRONG_KIND), keyfob_device_replace_factor(&out.record, &of[at % 5], NOW));
        }
        totp();
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, SECRET, 3, NOW, &out.verdict));
        TAKE();
        IN_PLACE(R(OK), keyfob_device_replace_factor(&out.record, &of[0], NOW));
        TAKE();
        CHECK(keyfob_totp_generate(NULL, OTHER, 28, NOW, code, sizeof code) == R(OK));
        CALL(R(OK), keyfob_device_info(&given, &out.info));
        CHECK(out.info.fails == 1 && out.info.status == KEYFOB_STATUS_CREATED && out.info.revision == 2);
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, (const uint8_t *)code, 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 1);
        damaged = of[0], damaged.bytes[99] ^= 1;
        IN_PLACE(R(RECORD_DAMAGED), keyfob_device_replace_factor(&out.record, &damaged, NOW));
    }

    /* A throttle. */
    CALL(R(OK), keyfob_policy_default(&out.policy));
    throttle = out.policy;
    throttle.lock = KEYFOB_LOCK_THROTTLE, throttle.lock_fails = 1, throttle.first_delay = 60, throttle.longest_delay = 600;
    throttle.bound = throttle.pin_bound = UINT32_MAX;
    totp();
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, &throttle, SECRET, 3, NOW, &out.verdict));
    CHECK(out.verdict.locked == 1 && out.verdict.retry_at == NOW + 60);
    TAKE();
    IN_PLACE(R(THROTTLED), keyfob_device_challenge(&out.record, &throttle, NULL, NULL, NOW + 59, &out.challenge));
    throttle.size--;
    IN_PLACE(R(STRUCT_SIZE), keyfob_device_verify(&out.record, &throttle, SECRET, 3, NOW, &out.verdict));

    /* Resync. */
    {
        uint8_t codes[2][7];
        struct shelf shelf;
        memset(&shelf, 0, sizeof shelf);
        CALL(R(OK), keyfob_device_create_hotp(NULL, SECRET, SECRET_LEN, 0, NOW, &out.record));
        TAKE();
        CHECK(keyfob_hotp_generate(NULL, SECRET, SECRET_LEN, 50, (char *)codes[0], 7) == R(OK));
        CHECK(keyfob_hotp_generate(NULL, SECRET, SECRET_LEN, 51, (char *)codes[1], 7) == R(OK));
        IN_PLACE(R(OK), keyfob_device_resync(&out.record, NULL, codes[0], 6, codes[1], 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 1 && out.verdict.matched == 51 && out.verdict.drift == 50);
        CALL(R(OK), keyfob_device_resync_and_store(&given, NULL, codes[0], 6, codes[1], 6, NOW, store, &shelf, &out.verdict));
        CHECK(out.verdict.right == 1 && shelf.calls == 1);
    }

    /* Messages and PINs. */
    {
        struct shelf shelf;
        char code[KEYFOB_CODE_SIZE];
        memset(&shelf, 0, sizeof shelf);
        CALL(R(OK), keyfob_device_create_sms(NULL, SECRET, SECRET_LEN, NOW, &out.record));
        TAKE();
        CALL(R(NO_CHALLENGE), keyfob_device_resend(&given, NULL, NOW, &out.challenge));
        IN_PLACE(R(OK), keyfob_device_challenge(&out.record, NULL, NULL, NULL, NOW, &out.challenge));
        CHECK(out.challenge.kind == KEYFOB_CHALLENGE_KIND_MESSAGE && out.challenge.fresh == 1 && strlen(out.challenge.code) == 6);
        CHECK(out.challenge.expires_at == NOW + 600 && out.challenge.issued_at == NOW && out.challenge.positions == 0);
        memcpy(code, out.challenge.code, sizeof code);
        TAKE();
        CALL(R(OK), keyfob_device_resend(&given, NULL, NOW + 599, &out.challenge));
        CHECK(strcmp(code, out.challenge.code) == 0 && out.challenge.fresh == 0);
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, (const uint8_t *)code, 6, NOW + 1, &out.verdict));
        CHECK(out.verdict.right == 1);
        shelf.answer = 1;
        CALL(R(STORE_CONFLICT), keyfob_device_challenge_and_store(&given, NULL, NULL, NULL, NOW + 60, store, &shelf, &out.challenge));
        shelf.answer = 0;
        CALL(R(OK), keyfob_device_challenge_and_store(&given, NULL, NULL, NULL, NOW + 60, store, &shelf, &out.challenge));
        CHECK(strcmp(code, out.challenge.code) != 0 && shelf.calls == 2);

        CALL(R(OK), keyfob_device_create_pin(NULL, (const uint8_t *)"12345678", 8, NOW, &out.record));
        TAKE();
        IN_PLACE(R(RANDOMNESS), keyfob_device_challenge(&out.record, NULL, random_fails, NULL, NOW, &out.challenge));
        IN_PLACE(R(OK), keyfob_device_challenge(&out.record, NULL, random_works, &counter, NOW, &out.challenge));
        CHECK(out.challenge.kind == KEYFOB_CHALLENGE_KIND_POSITIONS && out.challenge.positions < 256);
        TAKE();
        {
            uint8_t answer[8];
            size_t length = 0;
            for (at = 0; at < 8; at++) {
                if (out.challenge.positions >> at & 1) {
                    answer[length++] = (uint8_t)('1' + at);
                }
            }
            CHECK(length == 3);
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, answer, length, NOW, &out.verdict));
            CHECK(out.verdict.right == 1);
        }
        {
            /* The whole PIN: right once, and not without a challenge. */
            keyfob_policy whole;
            CALL(R(OK), keyfob_policy_default(&out.policy));
            whole = out.policy, whole.positions = 0;
            CALL(R(OK), keyfob_device_create_pin(&whole, (const uint8_t *)"12345678", 8, NOW, &out.record));
            TAKE();
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, &whole, (const uint8_t *)"12345678", 8, NOW, &out.verdict));
            CHECK(out.verdict.right == 0 && out.verdict.reason == KEYFOB_REASON_NO_CHALLENGE);
            IN_PLACE(R(OK), keyfob_device_challenge(&out.record, &whole, random_fails, NULL, NOW, &out.challenge));
            CHECK(out.challenge.positions == 255);
            TAKE();
            for (at = 0; at < 2; at++) {
                IN_PLACE(R(OK), keyfob_device_verify(&out.record, &whole, (const uint8_t *)"12345678", 8, NOW, &out.verdict));
                CHECK(out.verdict.right == (at == 0));
                TAKE();
            }
        }
        CALL(R(OK), keyfob_device_secret(&given, out.bytes, 8, &out.length));
        CHECK(out.length == 8 && memcmp(out.bytes, "12345678", 8) == 0);
        CALL(R(BUFFER_TOO_SMALL), keyfob_device_secret(&given, out.bytes, 7, &out.length));
    }
    totp();
    IN_PLACE(R(OK), keyfob_device_challenge(&out.record, NULL, NULL, NULL, NOW, &out.challenge));
    CHECK(out.challenge.kind == KEYFOB_CHALLENGE_KIND_AUTHENTICATOR && memcmp(&out.record, &given, sizeof given) == 0);
}

static void test_records_and_seals(void) {
    uint8_t key[KEYFOB_KEY_SIZE], nonce[KEYFOB_NONCE_SIZE], sealed[KEYFOB_SEALED_SIZE];
    keyfob_record wrong;
    memset(key, 1, sizeof key);
    memset(nonce, 2, sizeof nonce);
    totp();
    CHECK(keyfob_record_size() == sizeof(keyfob_record) && keyfob_sealed_size() == sizeof sealed);
    CHECK(strcmp(keyfob_version(), KEYFOB_VERSION) == 0);
    CHECK(keyfob_key_size() == sizeof key && keyfob_nonce_size() == sizeof nonce);
    CHECK(keyfob_secret_min() == KEYFOB_SECRET_MIN && keyfob_secret_max() == KEYFOB_SECRET_MAX);
    CHECK(keyfob_code_size() == KEYFOB_CODE_SIZE && keyfob_base32_size() == KEYFOB_BASE32_SIZE && keyfob_hex_size() == KEYFOB_HEX_SIZE);
    CALL(R(OK), keyfob_record_read(given.bytes, sizeof given.bytes, &out.record));
    CHECK(memcmp(&out.record, &given, sizeof given) == 0);
    CALL(R(OK), keyfob_record_read(given.bytes, sizeof given.bytes, NULL));
    CALL(R(RECORD_LENGTH), keyfob_record_read(given.bytes, 100, &out.record));
    CALL(R(RECORD_LENGTH), keyfob_record_read(NULL, 0, &out.record));
    wrong = given, wrong.bytes[100] ^= 1;
    CALL(R(RECORD_DAMAGED), keyfob_record_read(wrong.bytes, 168, &out.record));
    CALL(R(RECORD_DAMAGED), keyfob_device_info(&wrong, &out.info));
    wrong = given, wrong.bytes[0] = 0;
    CALL(R(RECORD_FOREIGN), keyfob_device_secret(&wrong, out.bytes, 64, &out.length));
    wrong = given, wrong.bytes[2] = 2;
    CALL(R(RECORD_NEWER), keyfob_uri_write(&wrong, "a", "b", out.text, 500, NULL));

    CALL(R(OK), keyfob_record_seal(&given, 7, key, SECRET, 5, nonce, out.bytes));
    memcpy(sealed, out.bytes, sizeof sealed);
    CALL(R(OK), keyfob_record_open(sealed, sizeof sealed, 7, key, SECRET, 5, &out.record));
    CHECK(memcmp(&out.record, &given, sizeof given) == 0);
    CALL(R(OK), keyfob_sealed_key_id(sealed, sizeof sealed, &out.number));
    CHECK(out.number == 7);
    CALL(R(SEAL_BROKEN), keyfob_record_open(sealed, sizeof sealed, 7, key, SECRET, 4, &out.record));
    CALL(R(SEAL_KEY), keyfob_record_open(sealed, sizeof sealed, 8, key, SECRET, 5, &out.record));
    CALL(R(SEAL_FOREIGN), keyfob_record_open(sealed, 1, 7, key, SECRET, 5, &out.record));
    CALL(R(SEAL_FOREIGN), keyfob_sealed_key_id(SECRET, 20, &out.number));
    sealed[3] = 9;
    CALL(R(SEAL_NEWER), keyfob_sealed_key_id(sealed, sizeof sealed, &out.number));
}

static void test_uris(void) {
    static const struct { const char *text; keyfob_result result; } faults[] = {
        {"http://x", R(URI_TYPE)},
        {"otpauth://totp/?secret=x", R(SECRET_BASE32)},
        {"otpauth://totp/a%2?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", R(URI_ENCODING)},
        {"otpauth://totp/?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", R(URI_LABEL)},
        {"otpauth://totp/a", R(URI_NO_SECRET)},
        {"otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", R(URI_COUNTER)},
        {"otpauth://totp/a?digits=6&digits=6", R(URI_REPEATED)},
        {"\xff", R(URI_ENCODING)},
        {"otpauth://totp/a?secret=GEZDGNBV", R(SECRET_LENGTH)},
        {"otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=MD5", R(ALGORITHM)},
        {"otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=5", R(DIGITS)},
        {"otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=0", R(PERIOD)},
    };
    size_t at;
    char *endless = (char *)malloc(4096);
    keyfob_parameters p;
    totp();
    CALL(R(OK), keyfob_uri_write(&given, "ACME Co", "alice@example.com", out.text, sizeof out.text, &out.length));
    CHECK(out.length == strlen(out.text) && strncmp(out.text, "otpauth://totp/ACME%20Co:alice%40example.com?secret=", 52) == 0);
    CALL(R(BUFFER_TOO_SMALL), keyfob_uri_write(&given, "ACME Co", "alice@example.com", out.text, 20, &out.length));
    CALL(R(URI_LABEL), keyfob_uri_write(&given, "a:b", "c", out.text, sizeof out.text, &out.length));
    CALL(R(URI_LABEL), keyfob_uri_write(&given, NULL, "\xff", out.text, sizeof out.text, &out.length));
    {
        /* 200 bytes of what is encoded as three always fit; what is too long is the label's fault and not the buffer's. */
        static char label[1100], uri[2 * KEYFOB_URI_SIZE], text[4000];
        keyfob_parameters large;
        keyfob_record was = given;
        memset(&large, 0, sizeof large);
        large.size = (uint32_t)sizeof large, large.algorithm = KEYFOB_ALGORITHM_SHA512, large.digits = 10;
        CALL(R(OK), keyfob_device_create_hotp(&large, (const uint8_t *)BASE32, 32, UINT64_MAX, NOW, &out.record));
        TAKE();
        memset(label, '@', 200);
        CHECK(keyfob_uri_write(&given, label, label, uri, KEYFOB_URI_SIZE, NULL) == R(OK));
        CHECK(keyfob_uri_size() == KEYFOB_URI_SIZE && keyfob_label_size() == KEYFOB_LABEL_SIZE);
        memset(label, '@', 1023);
        CALL(R(URI_LABEL), keyfob_uri_write(&given, NULL, label, uri, sizeof uri, &out.length));
        CALL(R(URI_LABEL), keyfob_uri_write(&given, NULL, label, uri, 1, &out.length));
        for (at = 0; at < 2; at++) {
            /* 1023 bytes and a NUL can be read, 1024 cannot, unless nobody wants them. */
            memset(label, 'a', 1023 + at), label[1023 + at] = 0;
            sprintf(text, "otpauth://totp/%s?secret=%s", label, BASE32);
            CHECK(keyfob_uri_parse(text, NOW, &out.record, NULL, 0, uri, KEYFOB_LABEL_SIZE) == (at ? R(URI_LABEL) : R(OK)));
            CHECK(at == 1 || strcmp(uri, label) == 0);
            CALL(at ? R(URI_LABEL) : R(BUFFER_TOO_SMALL), keyfob_uri_parse(text, NOW, &out.record, NULL, 0, uri, KEYFOB_LABEL_SIZE - 1));
            CALL(R(OK), keyfob_uri_parse(text, NOW, &out.record, uri, sizeof uri, NULL, 0));
        }
        given = was;
    }
    memset(&p, 0, sizeof p);
    p.size = (uint32_t)sizeof p, p.algorithm = 1, p.digits = 6, p.period = 30, p.t0 = 1;
    CALL(R(OK), keyfob_device_create_totp(&p, SECRET, SECRET_LEN, NOW, &out.record));
    TAKE();
    CALL(R(URI_T0), keyfob_uri_write(&given, "a", "b", out.text, sizeof out.text, &out.length));
    CALL(R(OK), keyfob_uri_parse("otpauth://hotp/ACME:b%20c?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=9", NOW, &out.record,
                                 out.issuer, sizeof out.issuer, out.account, sizeof out.account));
    CHECK(strcmp(out.issuer, "ACME") == 0 && strcmp(out.account, "b c") == 0);
    TAKE();
    CALL(R(OK), keyfob_device_info(&given, &out.info));
    CHECK(out.info.kind == KEYFOB_KIND_HOTP && out.info.moving_factor == 9);
    CALL(R(OK), keyfob_uri_write(&given, NULL, "x", out.text, sizeof out.text, NULL));
    CALL(R(BUFFER_TOO_SMALL), keyfob_uri_parse("otpauth://totp/ACME:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", NOW, &out.record, out.issuer, 4, NULL, 0));
    CALL(R(OK), keyfob_uri_parse("otpauth://totp/ACME:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", NOW, &out.record, NULL, 0, NULL, 0));
    for (at = 0; at < sizeof faults / sizeof faults[0]; at++) {
        CALL(faults[at].result, keyfob_uri_parse(faults[at].text, NOW, &out.record, out.issuer, 64, out.account, 64));
    }
    memset(endless, 'a', 4096);
    CALL(R(LENGTH), keyfob_uri_parse(endless, NOW, &out.record, NULL, 0, NULL, 0));
    free(endless);
}

static void test_soffid(void) {
    keyfob_policy soffid;
    keyfob_soffid_row row;
    memset(&row, 0, sizeof row);
    row.size = (uint32_t)sizeof row, row.status = KEYFOB_STATUS_VALIDATED, row.fails = 2, row.created = NOW - 9;
    row.has_last_counter = 1, row.last_counter = NOW / 30 - 5, row.has_last_used = 1, row.last_used = NOW - 5, row.digits = 6;
    strcpy(row.kind, "TOTP");
    strcpy(row.algorithm, "HmacSHA1");
    strcpy(row.auth_key, "GEZDGNBVGY3TQOJQGEZDGNBVGY======");
    CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
    TAKE();
    CALL(R(OK), keyfob_soffid_export(&given, &out.row));
    CHECK(memcmp(&out.row, &row, sizeof row) == 0);
    CALL(R(OK), keyfob_totp_generate(NULL, SECRET, 16, NOW, out.text, 7));
    {
        uint8_t code[6];
        memcpy(code, out.text, 6);
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 1);
    }
    TAKE();
    CALL(R(OK), keyfob_soffid_export(&given, &out.row));
    {
        keyfob_soffid_row was = row;
        row.fails = 0, row.last_counter = NOW / 30, row.last_used = NOW;
        CHECK(memcmp(&out.row, &row, sizeof row) == 0);
        out.row = was;
        CHECK(keyfob_soffid_update(&given, &out.row) == R(OK) && memcmp(&out.row, &row, sizeof row) == 0);
    }
    {
        /* An update leaves alone what no attempt has changed, in the words that Soffid wrote it in. */
        static const char *kinds[] = {"TOTP", "HOTP", "SMS", "EMAIL", "PIN"};
        keyfob_soffid_row plain, changed;
        size_t at;
        for (at = 0; at < 5; at++) {
            memset(&plain, 0, sizeof plain);
            plain.size = (uint32_t)sizeof plain, plain.status = KEYFOB_STATUS_VALIDATED, plain.fails = 11, plain.created = NOW - 9;
            plain.has_last_counter = at < 4, plain.last_counter = 7, plain.has_last_issued = 1, plain.last_issued = NOW - 99;
            strcpy(plain.kind, kinds[at]), strcpy(plain.auth_key, "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"), strcpy(plain.pin, "12345678");
            if (at > 1) {
                strcpy(plain.auth_key, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
            }
            CALL(R(OK), keyfob_soffid_import(&plain, SECRET, SECRET_LEN, &out.record));
            TAKE();
            changed = plain;
            CHECK(keyfob_soffid_update(&given, &changed) == R(OK) && memcmp(&changed, &plain, sizeof plain) == 0);
            IN_PLACE(R(OK), keyfob_device_challenge(&out.record, NULL, random_works, &counter, NOW, &out.challenge));
            TAKE();
            CHECK(keyfob_soffid_update(&given, &changed) == R(OK));
            if (at > 1) {
                plain.last_issued = NOW, plain.last_counter = at < 4 ? 8 : 7;
            }
            CHECK(memcmp(&changed, &plain, sizeof plain) == 0);
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, SECRET, 3, NOW, &out.verdict));
            TAKE();
            CHECK(keyfob_soffid_update(&given, &changed) == R(OK));
            plain.fails = 10, plain.status = KEYFOB_STATUS_LOCKED;
            CHECK(memcmp(&changed, &plain, sizeof plain) == 0);
            strcpy(changed.kind, kinds[(at + 1) % 5]);
            CHECK(keyfob_soffid_update(&given, &changed) == R(WRONG_KIND));
            strcpy(changed.kind, "RSA");
            CHECK(keyfob_soffid_update(&given, &changed) == R(KIND));
        }
    }
    {
        /* A lock that falls later falls, and a row that does not know of it locks on the tenth fail: no row has guesses without end. */
        static const struct { uint32_t row, policy, guesses; } cases[] = {{0, 10, 10}, {20, 20, 20}, {0, 20, 10}, {3, 3, 3}};
        keyfob_policy late;
        keyfob_soffid_row table;
        size_t at;
        uint32_t guess;
        memset(&late, 0, sizeof late), late.size = (uint32_t)sizeof late;
        for (at = 0; at < sizeof cases / sizeof cases[0]; at++) {
            CHECK(keyfob_policy_default(&late) == R(OK));
            late.lock_fails = cases[at].policy, late.positions = 4;
            memset(&table, 0, sizeof table);
            table.size = (uint32_t)sizeof table, table.status = KEYFOB_STATUS_VALIDATED, table.created = NOW - 9;
            table.lock_fails = cases[at].row;
            strcpy(table.kind, "HOTP"), strcpy(table.auth_key, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
            for (guess = 1; guess <= 40 && table.status != KEYFOB_STATUS_LOCKED; guess++) {
                CALL(R(OK), keyfob_soffid_import(&table, NULL, 0, &out.record));
                TAKE();
                IN_PLACE(R(OK), keyfob_device_verify(&out.record, &late, SECRET, 3, NOW, &out.verdict));
                TAKE();
                CHECK(keyfob_soffid_update(&given, &table) == R(OK));
            }
            CHECK(table.status == KEYFOB_STATUS_LOCKED && table.fails == cases[at].guesses && guess == cases[at].guesses + 1);
        }
    }
    {
        /* What a row cannot say is refused. */
        keyfob_parameters p;
        memset(&p, 0, sizeof p);
        p.size = (uint32_t)sizeof p, p.algorithm = KEYFOB_ALGORITHM_SHA1, p.digits = 6, p.period = 60;
        CALL(R(OK), keyfob_device_create_totp(&p, SECRET, SECRET_LEN, NOW, &out.record));
        TAKE();
        CALL(R(SOFFID_PARAMETERS), keyfob_soffid_export(&given, &out.row));
        CALL(R(SOFFID_PARAMETERS), keyfob_soffid_update(&given, &out.row));
        p.period = 30, p.t0 = 1;
        CALL(R(OK), keyfob_device_create_totp(&p, SECRET, SECRET_LEN, NOW, &out.record));
        TAKE();
        CALL(R(SOFFID_PARAMETERS), keyfob_soffid_export(&given, &out.row));
        totp();
    }
    {
        /* Open in Soffid is open here, one fail away from the lock, whatever fails it has kept; a locked row keeps them. */
        static const uint32_t fails[] = {9, 10, 11, UINT32_MAX};
        size_t at;
        for (at = 0; at < 8; at++) {
            row.fails = fails[at / 2], row.status = at % 2 ? KEYFOB_STATUS_CREATED : KEYFOB_STATUS_VALIDATED;
            CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
            TAKE();
            CALL(R(OK), keyfob_policy_soffid(&out.policy));
            soffid = out.policy;
            IN_PLACE(R(OK), keyfob_device_challenge(&out.record, &soffid, NULL, NULL, NOW, &out.challenge));
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, &soffid, SECRET, 3, NOW, &out.verdict));
            CHECK(out.verdict.reason == KEYFOB_REASON_WRONG && out.verdict.locked == 1 && out.verdict.fails == 10);
        }
        row.fails = 11, row.status = KEYFOB_STATUS_LOCKED;
        CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
        TAKE();
        CALL(R(OK), keyfob_device_info(&given, &out.info));
        CHECK(out.info.fails == 11 && out.info.status == KEYFOB_STATUS_LOCKED);
        row.fails = 0, row.status = KEYFOB_STATUS_VALIDATED;
    }
    {
        /* Any truth of C says that a column is not NULL: a used code stays used. */
        static const uint32_t truths[] = {1, 2, 256, UINT32_MAX};
        size_t at;
        for (at = 0; at < sizeof truths / sizeof truths[0]; at++) {
            row.has_last_counter = row.has_last_used = truths[at];
            CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
            TAKE();
            CALL(R(OK), keyfob_device_info(&given, &out.info));
            CHECK(out.info.moving_factor == NOW / 30 + 1 && out.info.was_used == 1 && out.info.last_used == NOW);
        }
        row.has_last_counter = row.has_last_used = 1;
    }
    strcpy(row.kind, "PIN"), strcpy(row.pin, "4711");
    CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
    strcpy(row.pin, "47x1");
    CALL(R(PIN_DIGITS), keyfob_soffid_import(&row, NULL, 0, &out.record));
    strcpy(row.kind, "SMS");
    CALL(R(SECRET_LENGTH), keyfob_soffid_import(&row, NULL, 0, &out.record));
    CALL(R(OK), keyfob_soffid_import(&row, SECRET, 20, &out.record));
    strcpy(row.kind, "RSA");
    CALL(R(KIND), keyfob_soffid_import(&row, NULL, 0, &out.record));
    CALL(R(KIND), keyfob_soffid_update(&given, &out.row));
    strcpy(row.kind, "PIN"), strcpy(row.pin, "471");
    CALL(R(PIN_LENGTH), keyfob_soffid_import(&row, NULL, 0, &out.record));
    strcpy(row.kind, "TOTP"), row.digits = 256 + 6;
    CALL(R(DIGITS), keyfob_soffid_import(&row, NULL, 0, &out.record));
    row.digits = 6, strcpy(row.auth_key, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
    CALL(R(SECRET_BASE32), keyfob_soffid_import(&row, NULL, 0, &out.record));
    strcpy(row.auth_key, BASE32);
    strcpy(row.kind, "HOTP"), strcpy(row.algorithm, "MD5");
    CALL(R(ALGORITHM), keyfob_soffid_import(&row, NULL, 0, &out.record));
    strcpy(row.algorithm, ""), row.status = 'X';
    CALL(R(STATUS), keyfob_soffid_import(&row, NULL, 0, &out.record));
    row.status = 'V', row.last_counter = UINT64_MAX;
    CALL(R(EXHAUSTED), keyfob_soffid_import(&row, NULL, 0, &out.record));
}

#include "table.h"

int main(void) {
    size_t function, entry, row;
    test_vectors();
    test_codes_and_secrets();
    test_policies();
    test_devices();
    test_records_and_seals();
    test_uris();
    test_soffid();
    test_table();
    /* Each function stands in the table, and has returned all that the header says of it, but for a record of a later version under a seal. */
    for (function = 0; function < sizeof documented / sizeof documented[0]; function++) {
        const char *name = documented[function].name;
        for (row = 0; row < sizeof table / sizeof table[0] && strcmp(table[row].name, name) != 0; row++) {
        }
        if (row == sizeof table / sizeof table[0]) {
            failed++;
            printf("test.c: FAILED: %s has no row in the table\n", name);
        }
        for (entry = 0; documented[function].results[entry] >= 0; entry++) {
            int result = documented[function].results[entry];
            int within = strcmp(name, "keyfob_record_open") == 0 && result >= R(RECORD_FOREIGN) && result <= R(RECORD_DAMAGED);
            if (!seen[function][result] && !within) {
                failed++;
                printf("test.c: FAILED: no call of %s returned %d (%s)\n", name, result, keyfob_result_message(result));
            }
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
