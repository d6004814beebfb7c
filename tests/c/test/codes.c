/* Codes, secrets and policies: all of tests/vectors.json, and what of them no vector says. */
#include "test.h"
#include "vectors.h"

static void vectors_agree(void) {
    size_t at;
    for (at = 0; at < sizeof vectors / sizeof vectors[0]; at++) {
        const struct vector *v = &vectors[at];
        int hotp = strcmp(v->kind, "HOTP") == 0;
        keyfob_parameters p;
        uint8_t secret[KEYFOB_SECRET_MAX_SIZE];
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
            CALL(R(OK), keyfob_hotp_search(&p, secret, length, v->code, strlen(v->code), v->moment, 0, &out.found, &out.matched));
            CHECK(out.found == 1 && out.matched == v->moment);
            CALL(R(OK), keyfob_device_create_hotp(&p, secret, length, v->moment, NOW, &out.record));
        } else {
            CALL(R(OK), keyfob_totp_search(&p, secret, length, v->code, strlen(v->code), v->moment, 0, &out.found, &out.matched));
            CHECK(out.found == 1 && out.matched == (v->moment - v->t0) / v->period);
            CALL(R(OK), keyfob_device_create_totp(&p, secret, length, v->moment, &out.record));
        }
        TAKE();
        if (hotp && v->moment == UINT64_MAX) {
            IN_PLACE(R(EXHAUSTED), keyfob_device_verify(&out.record, NULL, v->code, strlen(v->code), NOW, &out.verdict));
        } else {
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, v->code, strlen(v->code), hotp ? NOW : v->moment, &out.verdict));
            CHECK(out.verdict.right == 1 && out.verdict.size == sizeof out.verdict);
        }
    }
}

static void codes_and_secrets(void) {
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
    CALL(R(PERIOD), keyfob_totp_search(&p, SECRET, SECRET_LEN, "123456", 6, NOW, 1, &out.found, &out.matched));
    p.period = 1;
    CALL(R(EXHAUSTED), keyfob_totp_search(&p, SECRET, SECRET_LEN, "123456", 6, UINT64_MAX, 0, &out.found, &out.matched));
    p.t0 = 60;
    CALL(R(CLOCK), keyfob_totp_search(&p, SECRET, SECRET_LEN, "123456", 6, 59, 0, &out.found, &out.matched));
    p.t0 = 0;
    p.period = 30, p.digits = 5;
    CALL(R(DIGITS), keyfob_totp_generate(&p, SECRET, SECRET_LEN, 59, out.text, 9));
    p.digits = 256 + 6;
    CALL(R(DIGITS), keyfob_device_create_sms(&p, SECRET, SECRET_LEN, NOW, &out.record));
    p.digits = 6, p.algorithm = 4;
    CALL(R(ALGORITHM), keyfob_hotp_generate(&p, SECRET, SECRET_LEN, 59, out.text, 9));
    CALL(R(ALGORITHM), keyfob_device_create_email(&p, SECRET, SECRET_LEN, NOW, &out.record));
    p.algorithm = 1, p.size = 23;
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
    CALL(R(OK), keyfob_hotp_search(NULL, SECRET, SECRET_LEN, "\xff\x80 junk", 7, 0, 1000, &out.found, &out.matched));
    CHECK(out.found == 0 && out.matched == 0);
    CALL(R(LOOK_AHEAD), keyfob_hotp_search(NULL, SECRET, SECRET_LEN, "123456", 6, 0, 1001, &out.found, &out.matched));
    CALL(R(WINDOW), keyfob_totp_search(NULL, SECRET, SECRET_LEN, "123456", 6, NOW, 65537, &out.found, &out.matched));

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

static void policies(void) {
    keyfob_policy p;
    CALL(R(OK), keyfob_policy_default(&out.policy));
    CHECK(out.policy.window == 1 && out.policy.max_fails == 10 && out.policy.size == sizeof out.policy);
    p = out.policy;
    CALL(R(OK), keyfob_policy_check(&p));
    CALL(R(OK), keyfob_policy_check(NULL));
    CALL(R(OK), keyfob_policy_soffid(&out.policy));
    CHECK(out.policy.window == 10 && out.policy.look_ahead == 24);
    CALL(R(OK), keyfob_policy_guess_chance(NULL, KEYFOB_KIND_TOTP, 6, &out.number));
    CHECK(out.number == 30008);
    CALL(R(OK), keyfob_policy_guess_chance(&p, KEYFOB_KIND_PIN, 0, &out.number));
    CHECK(out.number == 10000000);
    CALL(R(KIND), keyfob_policy_guess_chance(NULL, 7, 6, &out.number));
    CALL(R(DIGITS), keyfob_policy_guess_chance(NULL, KEYFOB_KIND_HOTP, 11, &out.number));
    p.window = 100, p.guess_bound = UINT32_MAX;
    CALL(R(OK), keyfob_policy_check(&p));
    {
        keyfob_policy small;
        memset(&small, 0, sizeof small);
        small.size = 4;
        CHECK(keyfob_policy_default(&small) == R(STRUCT_SIZE) && small.window == 0);
    }
}

/* And all lists of recovery codes. */
static void vectors_of_recovery(void) {
    size_t at;
    for (at = 0; at < sizeof recovery_vectors / sizeof recovery_vectors[0]; at++) {
        const struct recovery_vector *vector = &recovery_vectors[at];
        size_t length;
        CALL(R(OK), keyfob_secret_from_hex(vector->secret, out.bytes, sizeof out.bytes, &out.length));
        length = out.length;
        {
            uint8_t secret[KEYFOB_SECRET_MAX_SIZE];
            memcpy(secret, out.bytes, length);
            CALL(R(OK), keyfob_device_create_recovery(vector->count, secret, length, NOW, &out.record));
        }
        TAKE();
        CALL(R(OK), keyfob_device_recovery_code(&given, vector->index, out.text, sizeof out.text));
        CHECK(strcmp(out.text, vector->code) == 0);
    }
}

void test_codes(void) {
    vectors_agree();
    vectors_of_recovery();
    codes_and_secrets();
    policies();
}
