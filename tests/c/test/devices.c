/* Devices: attempts, locks, challenges, and stores as callbacks. */
#include "test.h"

static void creation(void) {
    CALL(R(SECRET_LENGTH), keyfob_device_create_hotp(NULL, SECRET, 3, 0, NOW, &out.record));
    CALL(R(OK), keyfob_device_create_email(NULL, SECRET, SECRET_LEN, NOW, &out.record));
    CALL(R(PIN_LENGTH), keyfob_device_create_pin(NULL, "1234567", 7, NOW, &out.record));
    CALL(R(PIN_DIGITS), keyfob_device_create_pin(NULL, "1234567\xb8", 8, NOW, &out.record));
}

/* Verify: right once, in place; any failure leaves record and verdict alone. */
static void right_once(void) {
    totp();
    CALL(R(OK), keyfob_device_info(&given, &out.info));
    CHECK(out.info.kind == KEYFOB_KIND_TOTP && out.info.status == KEYFOB_STATUS_CREATED && out.info.period == 30 && out.info.created == NOW);
    CALL(R(OK), keyfob_totp_generate(NULL, SECRET, SECRET_LEN, NOW, out.text, 7));
    {
        char code[6];
        memcpy(code, out.text, 6);
        IN_PLACE(R(LENGTH), keyfob_device_verify(&out.record, NULL, code, SIZE_MAX, NOW, &out.verdict));
        IN_PLACE(R(CLOCK), keyfob_device_verify(&out.record, NULL, code, 6, 0, &out.verdict));
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, UINT64_MAX, &out.verdict));
        CHECK(out.verdict.right == 0);
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 1 && out.verdict.matched == NOW / 30 && out.verdict.reason == KEYFOB_REASON_RIGHT);
        TAKE();
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW, &out.verdict));
        CHECK(out.verdict.right == 0 && out.verdict.reason == KEYFOB_REASON_REPLAYED && out.verdict.fails == 0);
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
}

/* Ten wrong ones lock; nothing gets in until the unlocking, and nothing is stored in vain. */
static void locks(void) {
    size_t at;
    totp();
    for (at = 0; at < 10; at++) {
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, "\x80\x81\x82\x83\x84\x85", 6, NOW, &out.verdict));
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
    IN_PLACE(R(NO_DRIFT), keyfob_device_resync(&out.record, NULL, "123456", 6, "123456", 6, NOW, &out.verdict));
    CALL(R(WRONG_KIND), keyfob_device_resend(&given, NULL, NOW, &out.challenge));
}

/* A clock two hours ahead: no fails after the unlock, and an administrator's way back. */
static void clock_ahead(void) {
    char code[KEYFOB_CODE_SIZE];
    uint64_t later;
    CHECK(keyfob_device_create_totp(NULL, SECRET, SECRET_LEN, NOW, &out.record) == R(OK));
    CHECK(keyfob_totp_generate(NULL, SECRET, SECRET_LEN, NOW + 7200, code, sizeof code) == R(OK));
    TAKE();
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW + 7200, &out.verdict));
    CHECK(out.verdict.right == 1);
    TAKE();
    IN_PLACE(R(CLOCK), keyfob_device_verify(&out.record, NULL, code, 6, NOW, &out.verdict));
    IN_PLACE(R(OK), keyfob_device_unlock(&out.record, NOW));
    TAKE();
    for (later = 0; later < 12 * 30; later += 30) {
        CHECK(keyfob_totp_generate(NULL, SECRET, SECRET_LEN, NOW + later, code, sizeof code) == R(OK));
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW + later, &out.verdict));
        CHECK(out.verdict.reason == KEYFOB_REASON_CLOCK_WAS_AHEAD && out.verdict.fails == 0 && out.verdict.locked == 0);
    }
    IN_PLACE(R(CLOCK_WAS_AHEAD), keyfob_device_challenge(&out.record, NULL, NULL, NULL, NOW, &out.challenge));
    IN_PLACE(R(OK), keyfob_device_forget_steps(&out.record, NOW));
    TAKE();
    CHECK(keyfob_totp_generate(NULL, SECRET, SECRET_LEN, NOW + 30, code, sizeof code) == R(OK));
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW + 30, &out.verdict));
    CHECK(out.verdict.right == 1);
}

/* A token out of a drawer. Its seed is short, its clock two steps ahead, its validity one year. */
static void token_of_a_drawer(void) {
    keyfob_parameters short_seed;
    keyfob_policy learning;
    char first[KEYFOB_CODE_SIZE], second[KEYFOB_CODE_SIZE];
    memset(&short_seed, 0, sizeof short_seed);
    short_seed.size = (uint32_t)sizeof short_seed, short_seed.algorithm = KEYFOB_ALGORITHM_SHA1, short_seed.digits = 6, short_seed.period = 60;
    CALL(R(SECRET_LENGTH), keyfob_device_create_totp(&short_seed, SECRET, 10, NOW, &out.record));
    short_seed.allow_short_secret = 1;
    CALL(R(SECRET_LENGTH), keyfob_device_create_totp(&short_seed, SECRET, 9, NOW, &out.record));
    CHECK(keyfob_device_create_totp(&short_seed, SECRET, 10, NOW, &out.record) == R(OK));
    learning.size = (uint32_t)sizeof learning;
    CHECK(keyfob_policy_default(&learning) == R(OK) && learning.first_window == 0);
    learning.max_drift = 3;
    CHECK(keyfob_totp_generate(&short_seed, SECRET, 10, NOW + 120, first, sizeof first) == R(OK));
    CHECK(keyfob_totp_generate(&short_seed, SECRET, 10, NOW + 180, second, sizeof second) == R(OK));
    TAKE();
    IN_PLACE(R(NO_DRIFT), keyfob_device_resync(&out.record, NULL, first, 6, second, 6, NOW, &out.verdict));
    IN_PLACE(R(OK), keyfob_device_resync(&out.record, &learning, first, 6, second, 6, NOW, &out.verdict));
    CHECK(out.verdict.right == 1 && out.verdict.drift == 3);
    TAKE();
    IN_PLACE(R(VALIDITY), keyfob_device_set_validity(&out.record, NOW, NOW - 1, NOW));
    IN_PLACE(R(OK), keyfob_device_set_validity(&out.record, NOW, NOW + 31536000, NOW));
    TAKE();
    out.info.size = (uint32_t)sizeof out.info;
    CHECK(keyfob_device_info(&out.record, &out.info) == R(OK) && out.info.has_short_secret == 1 && out.info.drift == 3);
    CHECK(out.info.not_before == NOW && out.info.not_after == NOW + 31536000);
    TAKE();
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, &learning, "123456", 6, NOW + 31536001, &out.verdict));
    CHECK(out.verdict.reason == KEYFOB_REASON_OUTSIDE_VALIDITY && out.verdict.fails == 0);
    IN_PLACE(R(OUTSIDE_VALIDITY), keyfob_device_challenge(&out.record, &learning, NULL, NULL, NOW + 31536001, &out.challenge));
    CALL(R(SECRET_LENGTH), keyfob_uri_parse("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ", NOW, &out.record, NULL, 0, NULL, 0));
    CALL(R(OK), keyfob_uri_parse_allowing_short("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ", NOW, &out.record, NULL, 0, NULL, 0));
    CHECK(keyfob_short_secret_min_size() == KEYFOB_SHORT_SECRET_MIN_SIZE);
}

/* Another factor: the fails stay, each kind takes its own only. */
static void other_factor(void) {
    static const uint8_t OTHER[] = "another secret of 28 bytes..";
    keyfob_record of[5], damaged;
    size_t at;
    char code[KEYFOB_CODE_SIZE];
    CALL(R(OK), keyfob_device_create_totp(NULL, OTHER, 28, NOW, &out.record)), of[0] = out.record;
    CALL(R(OK), keyfob_device_create_hotp(NULL, OTHER, 28, 7, NOW, &out.record)), of[1] = out.record;
    CALL(R(OK), keyfob_device_create_sms(NULL, OTHER, 28, NOW, &out.record)), of[2] = out.record;
    CALL(R(OK), keyfob_device_create_email(NULL, OTHER, 28, NOW, &out.record)), of[3] = out.record;
    CALL(R(OK), keyfob_device_create_pin(NULL, "87654321", 8, NOW, &out.record)), of[4] = out.record;
    for (at = 0; at < 25; at++) {
        given = of[at / 5];
        IN_PLACE(at % 5 == at / 5 ? R(OK) : R(WRONG_KIND), keyfob_device_replace_factor(&out.record, &of[at % 5], NOW));
    }
    totp();
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, "123", 3, NOW, &out.verdict));
    TAKE();
    IN_PLACE(R(OK), keyfob_device_replace_factor(&out.record, &of[0], NOW));
    TAKE();
    CHECK(keyfob_totp_generate(NULL, OTHER, 28, NOW, code, sizeof code) == R(OK));
    CALL(R(OK), keyfob_device_info(&given, &out.info));
    CHECK(out.info.fails == 1 && out.info.status == KEYFOB_STATUS_CREATED && out.info.revision == 2);
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW, &out.verdict));
    CHECK(out.verdict.right == 1);
    damaged = of[0], damaged.bytes[99] ^= 1;
    IN_PLACE(R(RECORD_DAMAGED), keyfob_device_replace_factor(&out.record, &damaged, NOW));
}

static void throttle(void) {
    keyfob_policy throttle;
    CALL(R(OK), keyfob_policy_default(&out.policy));
    throttle = out.policy;
    throttle.lock = KEYFOB_LOCK_THROTTLE, throttle.max_fails = 1, throttle.first_delay = 60, throttle.max_delay = 600;
    throttle.guess_bound = throttle.pin_guess_bound = UINT32_MAX;
    totp();
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, &throttle, "123", 3, NOW, &out.verdict));
    CHECK(out.verdict.locked == 1 && out.verdict.retry_at == NOW + 60);
    TAKE();
    IN_PLACE(R(THROTTLED), keyfob_device_challenge(&out.record, &throttle, NULL, NULL, NOW + 59, &out.challenge));
    throttle.lock = KEYFOB_LOCK_THROTTLE_THEN_LOCK, throttle.total_fails = 2;
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, &throttle, "123", 3, NOW + 60, &out.verdict));
    CHECK(out.verdict.locked == 1 && out.verdict.retry_at == 0 && out.verdict.fails == 2);
    TAKE();
    IN_PLACE(R(LOCKED), keyfob_device_challenge(&out.record, &throttle, NULL, NULL, NOW + 6000, &out.challenge));
    /* Callers of before total_fails, which is 0 for them. */
    for (throttle.size = 64; throttle.size <= 68; throttle.size += 4) {
        CHECK(keyfob_policy_check(&throttle) == R(TOTAL_FAILS));
    }
    throttle.size = 63;
    IN_PLACE(R(STRUCT_SIZE), keyfob_device_verify(&out.record, &throttle, "123", 3, NOW, &out.verdict));
}

static void resync(void) {
    char codes[2][7];
    struct shelf shelf;
    memset(&shelf, 0, sizeof shelf);
    CALL(R(OK), keyfob_device_create_hotp(NULL, SECRET, SECRET_LEN, 0, NOW, &out.record));
    TAKE();
    CHECK(keyfob_hotp_generate(NULL, SECRET, SECRET_LEN, 50, codes[0], 7) == R(OK));
    CHECK(keyfob_hotp_generate(NULL, SECRET, SECRET_LEN, 51, codes[1], 7) == R(OK));
    IN_PLACE(R(OK), keyfob_device_resync(&out.record, NULL, codes[0], 6, codes[1], 6, NOW, &out.verdict));
    CHECK(out.verdict.right == 1 && out.verdict.matched == 51 && out.verdict.drift == 50);
    CALL(R(OK), keyfob_device_resync_and_store(&given, NULL, codes[0], 6, codes[1], 6, NOW, store, &shelf, &out.verdict));
    CHECK(out.verdict.right == 1 && shelf.calls == 1);
}

/* A token among as many records as one call takes, whose keys differ. */
static void find(void) {
    static keyfob_record records[64];
    uint8_t secret[20];
    char codes[2][7];
    size_t at;
    memset(secret, 7, sizeof secret);
    for (at = 0; at < 64; at++) {
        secret[19] = (uint8_t)at;
        CHECK(keyfob_device_create_hotp(NULL, secret, sizeof secret, 0, NOW, &records[at]) == R(OK));
    }
    for (at = 0; at < 64; at += 21) {
        secret[19] = (uint8_t)at;
        CHECK(keyfob_hotp_generate(NULL, secret, sizeof secret, 3, codes[0], 7) == R(OK));
        CHECK(keyfob_hotp_generate(NULL, secret, sizeof secret, 4, codes[1], 7) == R(OK));
        CALL(R(OK), keyfob_device_find(records, 64, NULL, codes[0], 6, codes[1], 6, NOW, &out.matched));
        CHECK(out.matched == UINT64_C(1) << at);
        CALL(R(OK), keyfob_device_find(records, 64, NULL, codes[0], 6, NULL, 0, NOW, &out.matched));
        CHECK(out.matched >> at & 1);
        CALL(R(OK), keyfob_device_find(records, 64, NULL, codes[1], 6, codes[0], 6, NOW, &out.matched));
        CHECK(out.matched == 0);
    }
    CALL(R(OK), keyfob_device_find(NULL, 0, NULL, codes[0], 6, NULL, 0, NOW, &out.matched));
    CHECK(out.matched == 0);
    /* All or nothing. */
    records[63].bytes[0] ^= 1;
    CALL(R(RECORD_FOREIGN), keyfob_device_find(records, 64, NULL, codes[0], 6, NULL, 0, NOW, &out.matched));
    CALL(R(OK), keyfob_device_find(records, 63, NULL, codes[0], 6, NULL, 0, NOW, &out.matched));
}

static void messages(void) {
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
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, 6, NOW + 1, &out.verdict));
    CHECK(out.verdict.right == 1);
    shelf.answer = 1;
    CALL(R(STORE_CONFLICT), keyfob_device_challenge_and_store(&given, NULL, NULL, NULL, NOW + 60, store, &shelf, &out.challenge));
    shelf.answer = 0;
    CALL(R(OK), keyfob_device_challenge_and_store(&given, NULL, NULL, NULL, NOW + 60, store, &shelf, &out.challenge));
    CHECK(strcmp(code, out.challenge.code) != 0 && shelf.calls == 2);
}

static void pins(void) {
    size_t at;
    CALL(R(OK), keyfob_device_create_pin(NULL, "12345678", 8, NOW, &out.record));
    TAKE();
    IN_PLACE(R(RANDOMNESS), keyfob_device_challenge(&out.record, NULL, random_fails, NULL, NOW, &out.challenge));
    IN_PLACE(R(OK), keyfob_device_challenge(&out.record, NULL, random_works, &counter, NOW, &out.challenge));
    CHECK(out.challenge.kind == KEYFOB_CHALLENGE_KIND_POSITIONS && out.challenge.positions < 256);
    TAKE();
    {
        char answer[8];
        size_t length = 0;
        for (at = 0; at < 8; at++) {
            if (out.challenge.positions >> at & 1) {
                answer[length++] = (char)('1' + at);
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
        whole = out.policy, whole.pin_positions = 0;
        CALL(R(OK), keyfob_device_create_pin(&whole, "12345678", 8, NOW, &out.record));
        TAKE();
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, &whole, "12345678", 8, NOW, &out.verdict));
        CHECK(out.verdict.right == 0 && out.verdict.reason == KEYFOB_REASON_NO_CHALLENGE);
        IN_PLACE(R(OK), keyfob_device_challenge(&out.record, &whole, random_fails, NULL, NOW, &out.challenge));
        CHECK(out.challenge.positions == 255);
        TAKE();
        for (at = 0; at < 2; at++) {
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, &whole, "12345678", 8, NOW, &out.verdict));
            CHECK(out.verdict.right == (at == 0));
            TAKE();
        }
    }
    CALL(R(OK), keyfob_device_secret(&given, out.bytes, 8, &out.length));
    CHECK(out.length == 8 && memcmp(out.bytes, "12345678", 8) == 0);
    CALL(R(BUFFER_TOO_SMALL), keyfob_device_secret(&given, out.bytes, 7, &out.length));
}

/* An authenticator needs no challenge, and is not changed by asking for one. */
static void authenticator(void) {
    totp();
    IN_PLACE(R(OK), keyfob_device_challenge(&out.record, NULL, NULL, NULL, NOW, &out.challenge));
    CHECK(out.challenge.kind == KEYFOB_CHALLENGE_KIND_AUTHENTICATOR && memcmp(&out.record, &given, sizeof given) == 0);
}

void test_devices(void) {
    creation();
    right_once();
    locks();
    clock_ahead();
    token_of_a_drawer();
    other_factor();
    throttle();
    resync();
    find();
    messages();
    pins();
    authenticator();
}
