/* Rows of Soffid's table. */
#include "test.h"

/* An update leaves alone what no attempt has changed, in the words that Soffid wrote it in. */
static void update(void) {
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
            plain.has_last_issued = at == 4, plain.last_counter = at < 4 ? 8 : 7;
        }
        CHECK(memcmp(&changed, &plain, sizeof plain) == 0);
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, "123", 3, NOW, &out.verdict));
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

/* A host that keeps the record beside the row must learn that Soffid has changed the row. Otherwise
 * the old PIN would be written back. */
static void has_factor(void) {
    static const char *columns[] = {"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq====", "IFBEGRCFIZDUQSKKJNGE2TSPKBIVEU2U"};
    static const char *pins[] = {"12345678", "12345678", "87654321"};
    keyfob_soffid_row row;
    int pin, at;
    for (pin = 0; pin < 2; pin++) {
        memset(&row, 0, sizeof row);
        row.size = (uint32_t)sizeof row, row.status = KEYFOB_STATUS_VALIDATED, row.created = NOW - 9;
        strcpy(row.kind, pin ? "PIN" : "TOTP"), strcpy(row.auth_key, columns[0]), strcpy(row.pin, pins[0]);
        CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
        TAKE();
        for (at = 0; at < 3; at++) {
            strcpy(row.auth_key, columns[at]), strcpy(row.pin, pins[at]);
            row.status = at == 1 ? 0 : (uint32_t)KEYFOB_STATUS_LOCKED, row.fails += 1, row.last_counter += 1;
            CALL(R(OK), keyfob_soffid_has_factor(&given, &row, &out.number));
            CHECK(out.number == (at < 2));
        }
        strcpy(row.auth_key, columns[0]), strcpy(row.pin, pins[0]);
        row.digits = 8;
        CALL(R(OK), keyfob_soffid_has_factor(&given, &row, &out.number));
        CHECK(out.number == (uint32_t)pin);
        row.digits = 6, strcpy(row.algorithm, "HmacSHA1");
        CALL(R(OK), keyfob_soffid_has_factor(&given, &row, &out.number));
        CHECK(out.number == 1);
        strcpy(row.kind, "HOTP");
        CALL(R(OK), keyfob_soffid_has_factor(&given, &row, &out.number));
        CHECK(out.number == 0);
        strcpy(row.kind, "RSA");
        CALL(R(KIND), keyfob_soffid_has_factor(&given, &row, &out.number));
        strcpy(row.kind, "RECOVERY");
        CALL(R(WRONG_KIND), keyfob_soffid_import(&row, SECRET, SECRET_LEN, &out.record));
    }
}

/* A replaced factor is written. Otherwise the codes of the old authenticator would be right, from
 * the first one on. */
static void replaced(void) {
    static const uint8_t secret[] = "ABCDEFGHIJKLMNOPQRST";
    static const char pin[] = "87654321";
    keyfob_parameters p;
    keyfob_record other;
    keyfob_soffid_row row;
    memset(&p, 0, sizeof p), memset(&row, 0, sizeof row);
    p.size = (uint32_t)sizeof p, p.algorithm = KEYFOB_ALGORITHM_SHA256, p.digits = 8, p.period = 30;
    CALL(R(OK), keyfob_device_create_hotp(&p, secret, 20, 0, NOW, &out.record));
    other = out.record;
    row.size = (uint32_t)sizeof row, row.status = KEYFOB_STATUS_VALIDATED, row.fails = 2, row.created = NOW - 9;
    row.has_last_counter = 1, row.last_counter = 7;
    strcpy(row.kind, "HOTP"), strcpy(row.auth_key, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
    TAKE();
    IN_PLACE(R(OK), keyfob_device_replace_factor(&out.record, &other, NOW));
    TAKE();
    CHECK(keyfob_soffid_update(&given, &row) == R(OK));
    CHECK(strcmp(row.auth_key, "IFBEGRCFIZDUQSKKJNGE2TSPKBIVEU2U") == 0 && row.auth_key[40] == 0);
    CHECK(strcmp(row.algorithm, "HmacSHA256") == 0 && row.digits == 8 && row.has_last_counter == 0 && row.fails == 2);
    CALL(R(OK), keyfob_device_create_pin(NULL, pin, 8, NOW, &out.record));
    other = out.record;
    memset(row.auth_key, 0, sizeof row.auth_key), memset(row.algorithm, 0, sizeof row.algorithm), row.digits = 0;
    strcpy(row.kind, "PIN"), strcpy(row.pin, "1234567890");
    CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
    TAKE();
    IN_PLACE(R(OK), keyfob_device_replace_factor(&out.record, &other, NOW));
    TAKE();
    CHECK(keyfob_soffid_update(&given, &row) == R(OK) && strcmp(row.pin, "87654321") == 0 && row.pin[9] == 0);
    CHECK(row.digits == 0 && row.algorithm[0] == 0 && row.auth_key[0] == 0);
}

/* A lock that falls later falls, and a row that does not know of it locks on the tenth fail. No row
 * has guesses without end. */
static void late_lock(void) {
    static const struct { uint32_t row, policy, guesses; } cases[] = {{0, 10, 10}, {20, 20, 20}, {0, 20, 10}, {3, 3, 3}};
    keyfob_policy late;
    keyfob_soffid_row table;
    size_t at;
    uint32_t guess;
    memset(&late, 0, sizeof late), late.size = (uint32_t)sizeof late;
    for (at = 0; at < sizeof cases / sizeof cases[0]; at++) {
        CHECK(keyfob_policy_default(&late) == R(OK));
        late.max_fails = cases[at].policy, late.pin_positions = 4;
        memset(&table, 0, sizeof table);
        table.size = (uint32_t)sizeof table, table.status = KEYFOB_STATUS_VALIDATED, table.created = NOW - 9;
        table.max_fails = cases[at].row;
        strcpy(table.kind, "HOTP"), strcpy(table.auth_key, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (guess = 1; guess <= 40 && table.status != KEYFOB_STATUS_LOCKED; guess++) {
            CALL(R(OK), keyfob_soffid_import(&table, NULL, 0, &out.record));
            TAKE();
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, &late, "123", 3, NOW, &out.verdict));
            TAKE();
            CHECK(keyfob_soffid_update(&given, &table) == R(OK));
        }
        CHECK(table.status == KEYFOB_STATUS_LOCKED && table.fails == cases[at].guesses && guess == cases[at].guesses + 1);
    }
}

/* What a row cannot say is refused. */
static void unsaid(void) {
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

static void rows(void) {
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
        char code[6];
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
        /* Open in Soffid is open here, one fail away from the lock, whatever fails the row has
         * kept. A locked row keeps them. */
        static const uint32_t fails[] = {9, 10, 11, INT32_MAX};
        size_t at;
        for (at = 0; at < 8; at++) {
            row.fails = fails[at / 2], row.status = at % 2 ? KEYFOB_STATUS_CREATED : KEYFOB_STATUS_VALIDATED;
            CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
            TAKE();
            CALL(R(OK), keyfob_policy_soffid(&out.policy));
            soffid = out.policy;
            IN_PLACE(R(OK), keyfob_device_challenge(&out.record, &soffid, NULL, NULL, NOW, &out.challenge));
            IN_PLACE(R(OK), keyfob_device_verify(&out.record, &soffid, "123", 3, NOW, &out.verdict));
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
    {
        /* A negative number counts as 0 and stays. An unlock by an earlier clock takes both times
         * back. */
        keyfob_soffid_row was = row;
        row.created = UINT64_MAX - 3599, row.last_used = UINT64_MAX, row.fails = UINT32_MAX;
        CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
        TAKE();
        CALL(R(OK), keyfob_device_info(&given, &out.info));
        CHECK(out.info.created == 0 && out.info.was_used == 1 && out.info.last_used == 0 && out.info.fails == 0);
        out.row = row;
        CHECK(keyfob_soffid_update(&given, &out.row) == R(OK) && memcmp(&out.row, &row, sizeof row) == 0);
        row.created = row.last_used = NOW + 7200;
        CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
        TAKE();
        IN_PLACE(R(OK), keyfob_device_unlock(&out.record, NOW));
        TAKE();
        out.row = row;
        CHECK(keyfob_soffid_update(&given, &out.row) == R(OK) && out.row.created == NOW && out.row.last_used == NOW);
        row = was;
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
    row.status = 'V';
    for (row.last_counter = -5; row.last_counter < 0; row.last_counter++) {
        keyfob_info info;
        info.size = sizeof info;
        CALL(R(OK), keyfob_soffid_import(&row, NULL, 0, &out.record));
        CHECK(keyfob_device_info(&out.record, &info) == R(OK) && info.moving_factor == 0);
    }
}

void test_soffid(void) {
    rows();
    update();
    has_factor();
    replaced();
    late_lock();
    unsaid();
}
