/* Recovery codes: made, written, typed, used up, renewed. */
#include "test.h"

static char code[KEYFOB_RECOVERY_CODE_SIZE];

/* The code of an index, without its hyphens and in lower case, as some people type it. */
static size_t typed(uint32_t index, char *to) {
    size_t at, length = 0;
    CALL(R(OK), keyfob_device_recovery_code(&given, index, out.text, KEYFOB_RECOVERY_CODE_SIZE));
    memcpy(code, out.text, sizeof code);
    CHECK(strlen(code) == KEYFOB_RECOVERY_CODE_SIZE - 1);
    for (at = 0; code[at]; at++) {
        if (code[at] != '-') {
            to[length++] = (char)(code[at] >= 'A' ? code[at] - 'A' + 'a' : code[at]);
        }
    }
    return length;
}

void test_recovery(void) {
    char text[KEYFOB_RECOVERY_CODE_SIZE];
    size_t length;
    uint32_t left;
    CHECK(keyfob_recovery_codes_max() == KEYFOB_RECOVERY_CODES_MAX && keyfob_recovery_code_size() == KEYFOB_RECOVERY_CODE_SIZE);
    CALL(R(RECOVERY_CODE_COUNT), keyfob_device_create_recovery(0, SECRET, SECRET_LEN, NOW, &out.record));
    CALL(R(RECOVERY_CODE_COUNT), keyfob_device_create_recovery(65, SECRET, SECRET_LEN, NOW, &out.record));
    CALL(R(RECOVERY_CODE_COUNT), keyfob_device_create_recovery(256 + 1, SECRET, SECRET_LEN, NOW, &out.record));
    CALL(R(OK), keyfob_device_create_recovery(3, SECRET, SECRET_LEN, NOW, &out.record));
    TAKE();
    CALL(R(OK), keyfob_device_info(&given, &out.info));
    CHECK(out.info.kind == KEYFOB_KIND_RECOVERY && out.info.recovery_code_count == 3 && out.info.recovery_codes_left == 3);
    CHECK(out.info.algorithm == 0 && out.info.digits == 0 && out.info.has_short_secret == 0);
    CALL(R(OK), keyfob_device_secret(&given, out.bytes, SECRET_LEN, &out.length));
    CHECK(out.length == SECRET_LEN && memcmp(out.bytes, SECRET, SECRET_LEN) == 0);
    CALL(R(OK), keyfob_device_challenge(&given, NULL, NULL, NULL, NOW, &out.challenge));
    CHECK(out.challenge.kind == KEYFOB_CHALLENGE_KIND_AUTHENTICATOR);
    CALL(R(WRONG_KIND), keyfob_soffid_export(&given, &out.row));
    /* Each is right once. */
    for (left = 3; left-- > 0;) {
        length = typed(left, text);
        CALL(R(OK), keyfob_recovery_code_check(text, length, &out.number));
        CHECK(out.number == 1);
        CALL(R(OK), keyfob_recovery_code_check(text, length - 1, &out.number));
        CHECK(out.number == 0);
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, text, length, NOW, &out.verdict));
        CHECK(out.verdict.right == 1 && out.verdict.matched == left && out.verdict.drift == 0 && out.verdict.recovery_codes_left == left);
        TAKE();
        IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, text, length, NOW, &out.verdict));
        CHECK(out.verdict.right == 0 && out.verdict.reason == KEYFOB_REASON_REPLAYED && out.verdict.fails == 0);
        CHECK(out.verdict.recovery_codes_left == left);
        TAKE();
    }
    /* New ones end the old ones. */
    {
        keyfob_record renewed;
        CALL(R(OK), keyfob_device_create_recovery(2, SECRET, SECRET_LEN, NOW, &out.record));
        renewed = out.record;
        IN_PLACE(R(RECOVERY_CODE_COUNT), keyfob_device_replace_factor(&out.record, &renewed, NOW));
        CALL(R(OK), keyfob_device_create_recovery(5, SECRET + 2, SECRET_LEN - 2, NOW, &out.record));
        renewed = out.record;
        IN_PLACE(R(OK), keyfob_device_replace_factor(&out.record, &renewed, NOW));
        TAKE();
    }
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, text, length, NOW, &out.verdict));
    CHECK(out.verdict.right == 0 && out.verdict.reason == KEYFOB_REASON_WRONG && out.verdict.fails == 1 && out.verdict.recovery_codes_left == 5);
    TAKE();
    length = typed(4, text);
    IN_PLACE(R(OK), keyfob_device_verify(&out.record, NULL, code, KEYFOB_RECOVERY_CODE_SIZE - 1, NOW, &out.verdict));
    CHECK(out.verdict.right == 1 && out.verdict.recovery_codes_left == 4);
}
