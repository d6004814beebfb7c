/* What a device is stored and shown as: records, seals, URIs. */
#include "test.h"

static void records_and_seals(void) {
    uint8_t key[KEYFOB_SEAL_KEY_SIZE], nonce[KEYFOB_SEAL_NONCE_SIZE], sealed[KEYFOB_SEALED_SIZE];
    keyfob_result (*const seals[])(const keyfob_record *, uint32_t, const uint8_t *, const void *, size_t, const uint8_t *, uint8_t *) = {
        keyfob_record_seal, keyfob_record_seal_xaes_256_gcm};
    size_t at;
    keyfob_record wrong;
    memset(key, 1, sizeof key);
    memset(nonce, 2, sizeof nonce);
    totp();
    CHECK(keyfob_record_size() == sizeof(keyfob_record) && keyfob_sealed_size() == sizeof sealed);
    CHECK(strcmp(keyfob_version(), KEYFOB_VERSION) == 0);
    CHECK(strcmp(keyfob_result_message(R(OK)), "done") == 0 && strcmp(keyfob_result_message(-1), "unknown result") == 0);
    CHECK(strstr(keyfob_result_message(R(RECORD_LENGTH)), "168") != NULL);
    CHECK(keyfob_seal_key_size() == sizeof key && keyfob_seal_nonce_size() == sizeof nonce);
    CHECK(keyfob_secret_min_size() == KEYFOB_SECRET_MIN_SIZE && keyfob_secret_max_size() == KEYFOB_SECRET_MAX_SIZE);
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
    wrong = given, wrong.bytes[2] = 4;
    CALL(R(RECORD_NEWER), keyfob_uri_write(&wrong, "a", "b", out.text, 500, NULL));

    for (at = 0; at < sizeof seals / sizeof seals[0]; at++) {
        CALL(R(OK), seals[at](&given, 7, key, SECRET, 5, nonce, out.bytes));
        memcpy(sealed, out.bytes, sizeof sealed);
        CHECK(sealed[3] == at + 1);
        CALL(R(OK), keyfob_record_open(sealed, sizeof sealed, 7, key, SECRET, 5, &out.record));
        CHECK(memcmp(&out.record, &given, sizeof given) == 0);
        CALL(R(OK), keyfob_sealed_key_id(sealed, sizeof sealed, &out.number));
        CHECK(out.number == 7);
        CALL(R(SEAL_BROKEN), keyfob_record_open(sealed, sizeof sealed, 7, key, SECRET, 4, &out.record));
    }
    CALL(R(SEAL_KEY_ID), keyfob_record_open(sealed, sizeof sealed, 8, key, SECRET, 5, &out.record));
    CALL(R(SEAL_FOREIGN), keyfob_record_open(sealed, 1, 7, key, SECRET, 5, &out.record));
    CALL(R(SEAL_FOREIGN), keyfob_sealed_key_id(SECRET, 20, &out.number));
    sealed[3] = 9;
    CALL(R(SEAL_NEWER), keyfob_sealed_key_id(sealed, sizeof sealed, &out.number));
}

static void uris(void) {
    static const struct { const char *text; keyfob_result result; } faults[] = {
        {"http://x", R(URI_TYPE)},
        {"otpauth://totp/?secret=x", R(SECRET_BASE32)},
        {"otpauth://totp/a%2?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", R(URI_ENCODING)},
        {"otpauth://totp/a%00?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", R(URI_LABEL)},
        {"otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&amp;digits=8", R(URI_ENCODING)},
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
        /* 200 bytes always fit, even if each is encoded as three. A longer label is the label's
         * fault, not the buffer's. */
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
            /* 1023 bytes and a NUL can be read. 1024 cannot, unless the caller wants none. */
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
    CALL(R(OK), keyfob_uri_parse("otpauth://totp/A%3a%20B:c:d?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A:+B\r\n", NOW, &out.record,
                                 out.issuer, sizeof out.issuer, out.account, sizeof out.account));
    CHECK(strcmp(out.issuer, "A: B") == 0 && strcmp(out.account, "c:d") == 0);
    CALL(R(URI_LABEL), keyfob_uri_write(&given, "A: B", "c", out.text, sizeof out.text, NULL));
    CALL(R(URI_LABEL), keyfob_uri_write(&given, NULL, "c:d", out.text, sizeof out.text, NULL));
    CALL(R(OK), keyfob_uri_parse("otpauth://totp?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", NOW, &out.record,
                                 out.issuer, sizeof out.issuer, out.account, sizeof out.account));
    CHECK(out.issuer[0] == 0 && out.account[0] == 0);
    CALL(R(BUFFER_TOO_SMALL), keyfob_uri_parse("otpauth://totp/ACME:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", NOW, &out.record, out.issuer, 4, NULL, 0));
    CALL(R(OK), keyfob_uri_parse("otpauth://totp/ACME:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", NOW, &out.record, NULL, 0, NULL, 0));
    for (at = 0; at < sizeof faults / sizeof faults[0]; at++) {
        CALL(faults[at].result, keyfob_uri_parse(faults[at].text, NOW, &out.record, out.issuer, 64, out.account, 64));
        CALL(faults[at].result, keyfob_uri_parse_allowing_short(faults[at].text, NOW, &out.record, out.issuer, 64, out.account, 64));
    }
    memset(endless, 'a', 4096);
    CALL(R(LENGTH), keyfob_uri_parse(endless, NOW, &out.record, NULL, 0, NULL, 0));
    free(endless);
}

void test_records(void) {
    records_and_seals();
    uris();
}
