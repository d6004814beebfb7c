/*
 * Every function that returns a result, with every pointer NULL, every length and size 0, one too
 * small and huge, every record damaged, and every policy and parameter wrong: one table, one judge.
 */
#include "test.h"

/* The arguments of the calls below: pointers and their lengths, with the same defaults for all. */
enum argument {
    RECORD, FROM, POLICY, PARAMETERS, SECRET_IN, CODE, SECOND, PIN, KEY, NONCE, ID, SEALED, BASE32_IN, HEX_IN, URI_IN, ISSUER_IN, ACCOUNT_IN,
    STORE, RANDOM, BYTES, TEXT, ISSUER, ACCOUNT, LENGTH, FOUND, MATCHED, NUMBER, VERDICT, CHALLENGE, INFO, ROW, POLICY_OUT, ARGUMENTS
};
static void *at[ARGUMENTS];
static size_t length_of[ARGUMENTS];
static uint64_t now;
static uint32_t number;

static struct {
    keyfob_record from;
    keyfob_policy policy;
    keyfob_parameters parameters;
    uint8_t key[KEYFOB_SEAL_KEY_SIZE], nonce[KEYFOB_SEAL_NONCE_SIZE], sealed[KEYFOB_SEALED_SIZE];
    struct shelf shelf;
} in;

/* The devices that the calls are made on. */
enum device { IS_TOTP, IS_HOTP, IS_SMS, IS_PENDING, IS_PIN, IS_LOCKED, IS_DISABLED, IS_HELD, IS_THROTTLED, IS_T0, IS_AHEAD, IS_OUTDATED, IS_AT_THE_END, SMS_AT_THE_END, IS_RECOVERY, DEVICES };
static keyfob_record devices[DEVICES];
static uint8_t sealed[KEYFOB_SEALED_SIZE];

static uint64_t check_step(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum << 29 | sum >> 35;
}

/* The check of docs/record-format.md, so that fields can be set that no call sets. */
static void check_record(keyfob_record *record) {
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t sums[4] = {odd, odd, odd, odd}, sum = odd;
    size_t word, byte;
    for (word = 0; word < KEYFOB_RECORD_SIZE / 8 - 1; word++) {
        uint64_t next = 0;
        for (byte = 8; byte-- > 0;) {
            next = next << 8 | record->bytes[8 * word + byte];
        }
        sums[word % 4] = check_step(sums[word % 4], next);
    }
    for (word = 0; word < 4; word++) {
        sum = check_step(sum, sums[word]);
    }
    sum = (sum ^ sum >> 32) * odd;
    for (byte = 0; byte < 8; byte++) {
        record->bytes[KEYFOB_RECORD_SIZE - 8 + byte] = (uint8_t)(sum >> 8 * byte);
    }
}

static void make_devices(void) {
    keyfob_parameters later;
    memset(&later, 0, sizeof later);
    later.size = (uint32_t)sizeof later, later.algorithm = KEYFOB_ALGORITHM_SHA1, later.digits = 6, later.period = 1, later.t0 = 1;
    CHECK(keyfob_device_create_totp(NULL, SECRET, SECRET_LEN, NOW, &devices[IS_TOTP]) == R(OK));
    CHECK(keyfob_device_create_hotp(NULL, SECRET, SECRET_LEN, 0, NOW, &devices[IS_HOTP]) == R(OK));
    CHECK(keyfob_device_create_sms(NULL, SECRET, SECRET_LEN, NOW, &devices[IS_SMS]) == R(OK));
    CHECK(keyfob_device_create_pin(NULL, "12345678", 8, NOW, &devices[IS_PIN]) == R(OK));
    CHECK(keyfob_device_create_recovery(10, SECRET, SECRET_LEN, NOW, &devices[IS_RECOVERY]) == R(OK));
    CHECK(keyfob_device_create_totp(&later, SECRET, SECRET_LEN, NOW, &devices[IS_T0]) == R(OK));
    {
        /* Used by a clock two hours ahead, which was put right since. */
        char code[KEYFOB_CODE_SIZE];
        devices[IS_AHEAD] = devices[IS_TOTP];
        out.verdict.size = (uint32_t)sizeof out.verdict;
        CHECK(keyfob_totp_generate(NULL, SECRET, SECRET_LEN, NOW + 7200, code, sizeof code) == R(OK));
        CHECK(keyfob_device_verify(&devices[IS_AHEAD], NULL, code, 6, NOW + 7200, &out.verdict) == R(OK) && out.verdict.right == 1);
        CHECK(keyfob_device_unlock(&devices[IS_AHEAD], NOW) == R(OK));
    }
    devices[IS_OUTDATED] = devices[IS_HOTP];
    CHECK(keyfob_device_set_validity(&devices[IS_OUTDATED], 0, NOW - 1, NOW) == R(OK));
    devices[IS_PENDING] = devices[IS_SMS];
    out.challenge.size = (uint32_t)sizeof out.challenge;
    CHECK(keyfob_device_challenge(&devices[IS_PENDING], NULL, NULL, NULL, NOW, &out.challenge) == R(OK));
    devices[IS_LOCKED] = devices[IS_DISABLED] = devices[IS_PENDING];
    CHECK(keyfob_device_set_status(&devices[IS_LOCKED], KEYFOB_STATUS_LOCKED, NOW) == R(OK));
    CHECK(keyfob_device_set_status(&devices[IS_DISABLED], KEYFOB_STATUS_DISABLED, NOW) == R(OK));
    devices[IS_HELD] = devices[IS_LOCKED];
    CHECK(keyfob_device_set_status(&devices[IS_HELD], KEYFOB_STATUS_DISABLED, NOW) == R(OK));
    devices[IS_THROTTLED] = devices[IS_PENDING];
    memset(&devices[IS_THROTTLED].bytes[80], 0xff, 8);
    check_record(&devices[IS_THROTTLED]);
    devices[IS_AT_THE_END] = devices[IS_HOTP];
    memset(&devices[IS_AT_THE_END].bytes[88], 0xff, 8);
    check_record(&devices[IS_AT_THE_END]);
    devices[SMS_AT_THE_END] = devices[IS_SMS];
    memset(&devices[SMS_AT_THE_END].bytes[88], 0xff, 8);
    check_record(&devices[SMS_AT_THE_END]);
}

static void arrange(void) {
    memset(&in.parameters, 0, sizeof in.parameters);
    in.parameters.size = (uint32_t)sizeof in.parameters;
    in.parameters.algorithm = KEYFOB_ALGORITHM_SHA1, in.parameters.digits = 6, in.parameters.period = 30;
    in.policy.size = (uint32_t)sizeof in.policy;
    CHECK(keyfob_policy_default(&in.policy) == R(OK));
    in.from = devices[IS_TOTP];
    memcpy(in.sealed, sealed, sizeof sealed);
    memset(&in.shelf, 0, sizeof in.shelf);
    now = NOW, number = 0;
#define SET(name, pointer, size) (at[name] = (void *)(pointer), length_of[name] = (size))
    SET(RECORD, &out.record, sizeof out.record), SET(FROM, &in.from, sizeof in.from), SET(POLICY, &in.policy, 0), SET(PARAMETERS, &in.parameters, 0);
    SET(SECRET_IN, SECRET, SECRET_LEN), SET(CODE, "123456", 6), SET(SECOND, "123456", 6), SET(PIN, "12345678", 8);
    SET(KEY, in.key, 0), SET(NONCE, in.nonce, 0), SET(ID, "id", 2), SET(SEALED, in.sealed, sizeof in.sealed);
    SET(BASE32_IN, BASE32, 0), SET(HEX_IN, "3132333435363738393031323334353637383930", 0);
    SET(URI_IN, "otpauth://totp/ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 0), SET(ISSUER_IN, "ACME", 0), SET(ACCOUNT_IN, "alice", 0);
    SET(STORE, &in.shelf, 0), SET(RANDOM, &counter, 0), SET(BYTES, out.bytes, sizeof out.bytes), SET(TEXT, out.text, sizeof out.text);
    SET(ISSUER, out.issuer, sizeof out.issuer), SET(ACCOUNT, out.account, sizeof out.account);
    SET(LENGTH, &out.length, 0), SET(FOUND, &out.found, 0), SET(MATCHED, &out.matched, 0), SET(NUMBER, &out.number, 0);
    SET(VERDICT, &out.verdict, 0), SET(CHALLENGE, &out.challenge, 0), SET(INFO, &out.info, 0), SET(ROW, &out.row, 0), SET(POLICY_OUT, &out.policy, 0);
}

/* The calls. */
#define CALLS(name, arguments) static keyfob_result call_##name(void) { return keyfob_##name arguments; }
#define P(type, name) ((type *)at[name])
#define DATA(name) P(const uint8_t, name), length_of[name]
#define CHARS(name) P(const char, name), length_of[name]
#define RECORDS P(keyfob_record, RECORD)
#define PARAMS P(const keyfob_parameters, PARAMETERS)
#define POLICIES P(const keyfob_policy, POLICY)
#define STORES (at[STORE] ? store : NULL), at[STORE]
#define RANDOMS (at[RANDOM] == &counter ? random_works : random_fails), at[RANDOM]
#define TEXTS(name) P(char, name), length_of[name]
CALLS(secret_random, (number ? number : 1, RANDOMS, P(uint8_t, BYTES), length_of[BYTES], P(size_t, LENGTH)))
CALLS(secret_from_base32, (P(const char, BASE32_IN), P(uint8_t, BYTES), length_of[BYTES], P(size_t, LENGTH)))
CALLS(secret_from_hex, (P(const char, HEX_IN), P(uint8_t, BYTES), length_of[BYTES], P(size_t, LENGTH)))
CALLS(secret_to_base32, (DATA(SECRET_IN), TEXTS(TEXT)))
CALLS(secret_to_hex, (DATA(SECRET_IN), TEXTS(TEXT)))
CALLS(hotp_generate, (PARAMS, DATA(SECRET_IN), now, TEXTS(TEXT)))
CALLS(totp_generate, (PARAMS, DATA(SECRET_IN), now, TEXTS(TEXT)))
CALLS(hotp_search, (PARAMS, DATA(SECRET_IN), CHARS(CODE), now, number, P(uint32_t, FOUND), P(uint64_t, MATCHED)))
CALLS(totp_search, (PARAMS, DATA(SECRET_IN), CHARS(CODE), now, number, P(uint32_t, FOUND), P(uint64_t, MATCHED)))
CALLS(device_create_totp, (PARAMS, DATA(SECRET_IN), now, RECORDS))
CALLS(device_create_hotp, (PARAMS, DATA(SECRET_IN), 0, now, RECORDS))
CALLS(device_create_sms, (PARAMS, DATA(SECRET_IN), now, RECORDS))
CALLS(device_create_email, (PARAMS, DATA(SECRET_IN), now, RECORDS))
CALLS(device_create_pin, (POLICIES, CHARS(PIN), now, RECORDS))
CALLS(device_create_recovery, (number ? number : 10, DATA(SECRET_IN), now, RECORDS))
CALLS(device_recovery_code, (RECORDS, number, TEXTS(TEXT)))
CALLS(recovery_code_check, (CHARS(CODE), P(uint32_t, NUMBER)))
CALLS(record_read, (DATA(FROM), RECORDS))
CALLS(device_info, (RECORDS, P(keyfob_info, INFO)))
CALLS(device_secret, (RECORDS, P(uint8_t, BYTES), length_of[BYTES], P(size_t, LENGTH)))
CALLS(device_set_status, (RECORDS, number ? number : (uint32_t)KEYFOB_STATUS_VALIDATED, now))
CALLS(device_unlock, (RECORDS, now))
CALLS(device_forget_steps, (RECORDS, now))
CALLS(device_set_validity, (RECORDS, number, number ? number - 1 : 0, now))
CALLS(device_replace_factor, (RECORDS, P(const keyfob_record, FROM), now))
CALLS(device_challenge, (RECORDS, POLICIES, RANDOMS, now, P(keyfob_challenge, CHALLENGE)))
CALLS(device_challenge_and_store, (RECORDS, POLICIES, RANDOMS, now, STORES, P(keyfob_challenge, CHALLENGE)))
CALLS(device_resend, (RECORDS, POLICIES, now, P(keyfob_challenge, CHALLENGE)))
CALLS(device_verify, (RECORDS, POLICIES, CHARS(CODE), now, P(keyfob_verdict, VERDICT)))
CALLS(device_verify_and_store, (RECORDS, POLICIES, CHARS(CODE), now, STORES, P(keyfob_verdict, VERDICT)))
CALLS(device_resync, (RECORDS, POLICIES, CHARS(CODE), CHARS(SECOND), now, P(keyfob_verdict, VERDICT)))
CALLS(device_resync_and_store, (RECORDS, POLICIES, CHARS(CODE), CHARS(SECOND), now, STORES, P(keyfob_verdict, VERDICT)))
CALLS(device_find, (RECORDS, number ? number : 1, POLICIES, CHARS(CODE), CHARS(SECOND), now, P(uint64_t, MATCHED)))
CALLS(record_seal, (RECORDS, 7, P(const uint8_t, KEY), P(const void, ID), length_of[ID], P(const uint8_t, NONCE), P(uint8_t, BYTES)))
CALLS(record_seal_xaes_256_gcm, (RECORDS, 7, P(const uint8_t, KEY), P(const void, ID), length_of[ID], P(const uint8_t, NONCE), P(uint8_t, BYTES)))
CALLS(record_open, (DATA(SEALED), number ? number : 7, P(const uint8_t, KEY), P(const void, ID), length_of[ID], RECORDS))
CALLS(sealed_key_id, (DATA(SEALED), P(uint32_t, NUMBER)))
CALLS(policy_default, (P(keyfob_policy, POLICY_OUT)))
CALLS(policy_soffid, (P(keyfob_policy, POLICY_OUT)))
CALLS(policy_check, (POLICIES))
CALLS(policy_guess_chance, (POLICIES, number ? number : 1, number == 2 ? 5 : 6, P(uint32_t, NUMBER)))
CALLS(uri_write, (RECORDS, P(const char, ISSUER_IN), P(const char, ACCOUNT_IN), TEXTS(TEXT), P(size_t, LENGTH)))
CALLS(uri_parse, (P(const char, URI_IN), now, RECORDS, TEXTS(ISSUER), TEXTS(ACCOUNT)))
CALLS(uri_parse_allowing_short, (P(const char, URI_IN), now, RECORDS, TEXTS(ISSUER), TEXTS(ACCOUNT)))
CALLS(soffid_import, (P(const keyfob_soffid_row, ROW), DATA(SECRET_IN), RECORDS))
CALLS(soffid_export, (RECORDS, P(keyfob_soffid_row, ROW)))
CALLS(soffid_update, (RECORDS, P(keyfob_soffid_row, ROW)))
CALLS(soffid_has_factor, (RECORDS, P(const keyfob_soffid_row, ROW), P(uint32_t, NUMBER)))

/* What is wrong with a call, and what it then returns. */
enum fault_kind { NONE, NIL, SIZE, STRUCT, DAMAGED, WRONG_POLICY, WRONG_PARAMETERS, DEVICE, TIME, NUMBER_IN, WORD, LONG_TEXT, ANSWER };
struct fault { enum fault_kind kind; int which; uint64_t value; keyfob_result result; };
#define NIL(name, result) {NIL, name, 0, R(result)}
#define SIZE(name, value, result) {SIZE, name, value, R(result)}
#define HUGE_SIZE(name) SIZE(name, SIZE_MAX, LENGTH), SIZE(name, SIZE_MAX / 2 + 1, LENGTH)
#define STRUCT(name, first) {STRUCT, name, 0, R(STRUCT_SIZE)}, {STRUCT, name, first - 1, R(STRUCT_SIZE)}, {STRUCT, name, 4097, R(STRUCT_SIZE)}, \
    {STRUCT, name, UINT32_MAX, R(STRUCT_SIZE)}, {STRUCT, name, first, R(OK)}
#define DAMAGED(name) {DAMAGED, name, 0, R(RECORD_FOREIGN)}, {DAMAGED, name, 2, R(RECORD_NEWER)}, {DAMAGED, name, 100, R(RECORD_DAMAGED)}, \
    {DAMAGED, name, KEYFOB_RECORD_SIZE - 1, R(RECORD_DAMAGED)}
#define RECORD_IN NIL(RECORD, NULL_POINTER), DAMAGED(RECORD)
#define POLICY_IN NIL(POLICY, OK), {WRONG_POLICY, 0, 0, R(OK)}
#define PARAMETERS_IN NIL(PARAMETERS, OK), {WRONG_PARAMETERS, 0, 0, R(OK)}
#define SECRET_OF(fewest) NIL(SECRET_IN, NULL_POINTER), SIZE(SECRET_IN, 0, SECRET_LENGTH), SIZE(SECRET_IN, fewest - 1, SECRET_LENGTH), HUGE_SIZE(SECRET_IN)
#define SECRET_FAULTS SECRET_OF(KEYFOB_SECRET_MIN_SIZE)
#define CODE_FAULTS(name) NIL(name, NULL_POINTER), SIZE(name, 0, OK), HUGE_SIZE(name)
#define BUFFER(name, least) NIL(name, NULL_POINTER), SIZE(name, 0, BUFFER_TOO_SMALL), SIZE(name, least - 1, BUFFER_TOO_SMALL), SIZE(name, least, OK), \
    SIZE(name, SIZE_MAX, OK)
#define DEVICE(which, result) {DEVICE, which, 0, R(result)}
#define TIME(time, result) {TIME, 0, time, R(result)}
#define NUMBER_IN(number, result) {NUMBER_IN, 0, number, R(result)}
#define WORD(name, offset, result) {WORD, name, offset, R(result)}
#define ANSWER(answer, result) {ANSWER, 0, answer, R(result)}
#define STORE_FAULTS NIL(STORE, NULL_POINTER), ANSWER(1, STORE_CONFLICT), ANSWER(2, STORE_FAILED), ANSWER(UINT32_MAX, STORE_FAILED)
#define CLOSED DEVICE(IS_LOCKED, LOCKED), DEVICE(IS_DISABLED, DISABLED), DEVICE(IS_THROTTLED, THROTTLED), DEVICE(IS_AHEAD, CLOCK_WAS_AHEAD), \
    DEVICE(IS_OUTDATED, OUTSIDE_VALIDITY)
#define LONG_TEXT(name) {LONG_TEXT, name, 0, R(LENGTH)}

static const struct row {
    const char *name;
    keyfob_result (*call)(void);
    enum device device;
    struct fault faults[40];
} table[] = {
#define FUNCTION(name, device, ...) {"keyfob_" #name, call_##name, device, {__VA_ARGS__}}
    FUNCTION(secret_random, IS_TOTP, BUFFER(BYTES, 20), NIL(LENGTH, NULL_POINTER), NIL(RANDOM, RANDOMNESS), NUMBER_IN(4, ALGORITHM), NUMBER_IN(257, ALGORITHM)),
    FUNCTION(secret_from_base32, IS_TOTP, NIL(BASE32_IN, NULL_POINTER), LONG_TEXT(BASE32_IN), BUFFER(BYTES, 20), NIL(LENGTH, NULL_POINTER)),
    FUNCTION(secret_from_hex, IS_TOTP, NIL(HEX_IN, NULL_POINTER), LONG_TEXT(HEX_IN), BUFFER(BYTES, 20), NIL(LENGTH, NULL_POINTER)),
    FUNCTION(secret_to_base32, IS_TOTP, SECRET_OF(KEYFOB_SHORT_SECRET_MIN_SIZE), BUFFER(TEXT, 33)),
    FUNCTION(secret_to_hex, IS_TOTP, SECRET_OF(KEYFOB_SHORT_SECRET_MIN_SIZE), BUFFER(TEXT, 41)),
    FUNCTION(hotp_generate, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, BUFFER(TEXT, 7)),
    FUNCTION(totp_generate, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, BUFFER(TEXT, 7)),
    FUNCTION(hotp_search, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, CODE_FAULTS(CODE), NIL(FOUND, NULL_POINTER), NIL(MATCHED, NULL_POINTER),
             NUMBER_IN(1001, LOOK_AHEAD), NUMBER_IN(65537, LOOK_AHEAD), TIME(UINT64_MAX, OK)),
    FUNCTION(totp_search, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, CODE_FAULTS(CODE), NIL(FOUND, NULL_POINTER), NIL(MATCHED, NULL_POINTER),
             NUMBER_IN(1001, WINDOW), NUMBER_IN(65537, WINDOW), TIME(UINT64_MAX, OK), TIME(0, OK)),
    FUNCTION(device_create_totp, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, NIL(RECORD, NULL_POINTER)),
    FUNCTION(device_create_hotp, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, NIL(RECORD, NULL_POINTER)),
    FUNCTION(device_create_sms, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, NIL(RECORD, NULL_POINTER)),
    FUNCTION(device_create_email, IS_TOTP, PARAMETERS_IN, SECRET_FAULTS, NIL(RECORD, NULL_POINTER)),
    FUNCTION(device_create_pin, IS_TOTP, POLICY_IN, NIL(PIN, NULL_POINTER), SIZE(PIN, 0, PIN_LENGTH), SIZE(PIN, 7, PIN_LENGTH), HUGE_SIZE(PIN),
             SIZE(PIN, 9, PIN_DIGITS), NIL(RECORD, NULL_POINTER)),
    FUNCTION(device_create_recovery, IS_TOTP, SECRET_FAULTS, NUMBER_IN(65, RECOVERY_CODE_COUNT), NUMBER_IN(257, RECOVERY_CODE_COUNT),
             NIL(RECORD, NULL_POINTER)),
    FUNCTION(device_recovery_code, IS_RECOVERY, RECORD_IN, BUFFER(TEXT, KEYFOB_RECOVERY_CODE_SIZE), NUMBER_IN(10, RECOVERY_CODE_COUNT),
             NUMBER_IN(UINT32_MAX, RECOVERY_CODE_COUNT), DEVICE(IS_TOTP, WRONG_KIND), DEVICE(IS_PIN, WRONG_KIND)),
    FUNCTION(recovery_code_check, IS_TOTP, CODE_FAULTS(CODE), NIL(NUMBER, NULL_POINTER)),
    FUNCTION(record_read, IS_TOTP, NIL(FROM, NULL_POINTER), DAMAGED(FROM), SIZE(FROM, 0, RECORD_LENGTH), SIZE(FROM, 167, RECORD_LENGTH), HUGE_SIZE(FROM),
             NIL(RECORD, OK)),
    FUNCTION(device_info, IS_TOTP, RECORD_IN, NIL(INFO, NULL_POINTER), STRUCT(INFO, 104)),
    FUNCTION(device_secret, IS_TOTP, RECORD_IN, BUFFER(BYTES, 20), NIL(LENGTH, NULL_POINTER)),
    FUNCTION(device_set_status, IS_TOTP, RECORD_IN, NUMBER_IN('X', STATUS), NUMBER_IN(256 + 'V', STATUS), DEVICE(IS_HELD, LOCKED),
             DEVICE(IS_AT_THE_END, EXHAUSTED), DEVICE(SMS_AT_THE_END, EXHAUSTED), TIME(UINT64_MAX, OK), TIME(0, OK)),
    FUNCTION(device_unlock, IS_TOTP, RECORD_IN, DEVICE(IS_LOCKED, OK), DEVICE(IS_AT_THE_END, EXHAUSTED), DEVICE(SMS_AT_THE_END, EXHAUSTED),
             TIME(UINT64_MAX, OK), TIME(0, OK)),
    FUNCTION(device_forget_steps, IS_T0, RECORD_IN, DEVICE(IS_AHEAD, OK), DEVICE(IS_LOCKED, WRONG_KIND), DEVICE(IS_HOTP, WRONG_KIND),
             DEVICE(IS_PIN, WRONG_KIND), WORD(RECORD, 88, EXHAUSTED), TIME(UINT64_MAX, OK), TIME(0, CLOCK)),
    FUNCTION(device_set_validity, IS_T0, RECORD_IN, NUMBER_IN(7, VALIDITY), DEVICE(IS_HOTP, OK), DEVICE(IS_LOCKED, WRONG_KIND),
             DEVICE(IS_PIN, WRONG_KIND), WORD(RECORD, 88, EXHAUSTED), TIME(UINT64_MAX, OK), TIME(0, OK)),
    FUNCTION(device_replace_factor, IS_TOTP, RECORD_IN, NIL(FROM, NULL_POINTER), DAMAGED(FROM), DEVICE(IS_T0, OK), DEVICE(IS_HOTP, WRONG_KIND),
             DEVICE(IS_PIN, WRONG_KIND), WORD(RECORD, 88, EXHAUSTED), TIME(UINT64_MAX, OK)),
    FUNCTION(device_challenge, IS_PIN, RECORD_IN, POLICY_IN, NIL(RANDOM, RANDOMNESS), NIL(CHALLENGE, NULL_POINTER), STRUCT(CHALLENGE, 48), CLOSED,
             TIME(0, CLOCK), TIME(UINT64_MAX, OK), DEVICE(SMS_AT_THE_END, EXHAUSTED), WORD(RECORD, 88, EXHAUSTED)),
    FUNCTION(device_challenge_and_store, IS_PIN, RECORD_IN, POLICY_IN, NIL(RANDOM, RANDOMNESS), NIL(CHALLENGE, NULL_POINTER), STRUCT(CHALLENGE, 48), CLOSED,
             TIME(0, CLOCK), DEVICE(SMS_AT_THE_END, EXHAUSTED), STORE_FAULTS),
    FUNCTION(device_resend, IS_PENDING, RECORD_IN, POLICY_IN, NIL(CHALLENGE, NULL_POINTER), STRUCT(CHALLENGE, 48), CLOSED, TIME(0, CLOCK),
             TIME(UINT64_MAX, NO_CHALLENGE), DEVICE(IS_SMS, NO_CHALLENGE), DEVICE(IS_PIN, NO_CHALLENGE), DEVICE(IS_TOTP, WRONG_KIND)),
    FUNCTION(device_verify, IS_TOTP, RECORD_IN, POLICY_IN, CODE_FAULTS(CODE), NIL(VERDICT, NULL_POINTER), STRUCT(VERDICT, 48), TIME(0, CLOCK),
             TIME(UINT64_MAX, OK), DEVICE(IS_AT_THE_END, EXHAUSTED), DEVICE(IS_LOCKED, OK), DEVICE(IS_DISABLED, OK), DEVICE(IS_THROTTLED, OK)),
    FUNCTION(device_verify_and_store, IS_TOTP, RECORD_IN, POLICY_IN, CODE_FAULTS(CODE), NIL(VERDICT, NULL_POINTER), STRUCT(VERDICT, 48), TIME(0, CLOCK),
             DEVICE(IS_AT_THE_END, EXHAUSTED), STORE_FAULTS),
    FUNCTION(device_resync, IS_HOTP, RECORD_IN, POLICY_IN, CODE_FAULTS(CODE), CODE_FAULTS(SECOND), NIL(VERDICT, NULL_POINTER), STRUCT(VERDICT, 48),
             TIME(0, CLOCK), DEVICE(IS_AT_THE_END, EXHAUSTED), DEVICE(IS_PIN, WRONG_KIND), DEVICE(IS_TOTP, NO_DRIFT)),
    FUNCTION(device_resync_and_store, IS_HOTP, RECORD_IN, POLICY_IN, CODE_FAULTS(CODE), CODE_FAULTS(SECOND), NIL(VERDICT, NULL_POINTER),
             STRUCT(VERDICT, 48), TIME(0, CLOCK), DEVICE(IS_AT_THE_END, EXHAUSTED), DEVICE(IS_PIN, WRONG_KIND), DEVICE(IS_TOTP, NO_DRIFT),
             STORE_FAULTS),
    FUNCTION(device_find, IS_TOTP, RECORD_IN, POLICY_IN, CODE_FAULTS(CODE), NIL(SECOND, OK), SIZE(SECOND, 0, OK), HUGE_SIZE(SECOND), NIL(MATCHED, NULL_POINTER),
             NUMBER_IN(65, LENGTH), TIME(0, OK), TIME(UINT64_MAX, OK), DEVICE(IS_LOCKED, OK), DEVICE(IS_PIN, OK), DEVICE(IS_AT_THE_END, OK)),
    FUNCTION(record_seal, IS_TOTP, RECORD_IN, NIL(KEY, NULL_POINTER), NIL(NONCE, NULL_POINTER), NIL(ID, NULL_POINTER), SIZE(ID, 0, OK), HUGE_SIZE(ID),
             NIL(BYTES, NULL_POINTER)),
    FUNCTION(record_seal_xaes_256_gcm, IS_TOTP, RECORD_IN, NIL(KEY, NULL_POINTER), NIL(NONCE, NULL_POINTER), NIL(ID, NULL_POINTER), SIZE(ID, 0, OK),
             HUGE_SIZE(ID), NIL(BYTES, NULL_POINTER)),
    FUNCTION(record_open, IS_TOTP, NIL(SEALED, NULL_POINTER), SIZE(SEALED, 0, SEAL_FOREIGN), SIZE(SEALED, 215, SEAL_FOREIGN), HUGE_SIZE(SEALED),
             NIL(KEY, NULL_POINTER), NIL(ID, NULL_POINTER), SIZE(ID, 1, SEAL_BROKEN), SIZE(ID, 0, SEAL_BROKEN), HUGE_SIZE(ID), NUMBER_IN(8, SEAL_KEY_ID),
             WORD(SEALED, 0, SEAL_FOREIGN), WORD(SEALED, 3, SEAL_NEWER), WORD(SEALED, 8, SEAL_BROKEN), WORD(SEALED, 208, SEAL_BROKEN), NIL(RECORD, NULL_POINTER)),
    FUNCTION(sealed_key_id, IS_TOTP, NIL(SEALED, NULL_POINTER), SIZE(SEALED, 0, SEAL_FOREIGN), SIZE(SEALED, 215, SEAL_FOREIGN), HUGE_SIZE(SEALED),
             WORD(SEALED, 0, SEAL_FOREIGN), WORD(SEALED, 3, SEAL_NEWER), NIL(NUMBER, NULL_POINTER)),
    FUNCTION(policy_default, IS_TOTP, NIL(POLICY_OUT, NULL_POINTER), STRUCT(POLICY_OUT, 64)),
    FUNCTION(policy_soffid, IS_TOTP, NIL(POLICY_OUT, NULL_POINTER), STRUCT(POLICY_OUT, 64)),
    FUNCTION(policy_check, IS_TOTP, POLICY_IN),
    FUNCTION(policy_guess_chance, IS_TOTP, POLICY_IN, NUMBER_IN(7, KIND), NUMBER_IN(257, KIND), NUMBER_IN(6, OK), NUMBER_IN(2, DIGITS), NIL(NUMBER, NULL_POINTER)),
    FUNCTION(uri_write, IS_TOTP, RECORD_IN, NIL(ISSUER_IN, OK), LONG_TEXT(ISSUER_IN), NIL(ACCOUNT_IN, NULL_POINTER), LONG_TEXT(ACCOUNT_IN),
             BUFFER(TEXT, 112), NIL(LENGTH, OK), DEVICE(IS_T0, URI_T0),
             DEVICE(IS_SMS, WRONG_KIND), DEVICE(IS_PIN, WRONG_KIND)),
    FUNCTION(uri_parse, IS_TOTP, NIL(URI_IN, NULL_POINTER), LONG_TEXT(URI_IN), NIL(RECORD, NULL_POINTER), NIL(ISSUER, OK), NIL(ACCOUNT, OK),
             SIZE(ISSUER, 0, BUFFER_TOO_SMALL), SIZE(ISSUER, 4, BUFFER_TOO_SMALL), SIZE(ISSUER, 5, OK), SIZE(ACCOUNT, 5, BUFFER_TOO_SMALL), SIZE(ACCOUNT, SIZE_MAX, OK)),
    FUNCTION(uri_parse_allowing_short, IS_TOTP, NIL(URI_IN, NULL_POINTER), LONG_TEXT(URI_IN), NIL(RECORD, NULL_POINTER), NIL(ISSUER, OK), NIL(ACCOUNT, OK),
             SIZE(ISSUER, 0, BUFFER_TOO_SMALL), SIZE(ISSUER, 4, BUFFER_TOO_SMALL), SIZE(ISSUER, 5, OK), SIZE(ACCOUNT, 5, BUFFER_TOO_SMALL), SIZE(ACCOUNT, SIZE_MAX, OK)),
    FUNCTION(soffid_import, IS_TOTP, NIL(ROW, NULL_POINTER), STRUCT(ROW, 272), NIL(SECRET_IN, NULL_POINTER), HUGE_SIZE(SECRET_IN), SIZE(SECRET_IN, 0, OK),
             NIL(RECORD, NULL_POINTER)),
    FUNCTION(soffid_export, IS_TOTP, RECORD_IN, NIL(ROW, NULL_POINTER), STRUCT(ROW, 272), DEVICE(IS_T0, SOFFID_PARAMETERS),
             DEVICE(IS_RECOVERY, WRONG_KIND)),
    FUNCTION(soffid_update, IS_TOTP, RECORD_IN, NIL(ROW, NULL_POINTER), STRUCT(ROW, 272), DEVICE(IS_T0, SOFFID_PARAMETERS), DEVICE(IS_HOTP, WRONG_KIND),
             DEVICE(IS_RECOVERY, WRONG_KIND)),
    FUNCTION(soffid_has_factor, IS_TOTP, RECORD_IN, NIL(ROW, NULL_POINTER), STRUCT(ROW, 272), NIL(NUMBER, NULL_POINTER)),
};

/* The wrong policies, and the wrong parameters: OK behind the last one. */
static keyfob_result wrong_policy(int which, keyfob_policy *p) {
    switch (which) {
#define FAULTY(which, result, change) case which: change; return R(result)
    FAULTY(0, STRUCT_SIZE, p->size = 0);
    FAULTY(1, STRUCT_SIZE, p->size = 63);
    FAULTY(2, STRUCT_SIZE, p->size = 4097);
    FAULTY(3, WINDOW, p->window = 1001);
    FAULTY(4, WINDOW, p->window = UINT32_MAX);
    FAULTY(5, LOOK_AHEAD, p->look_ahead = 1001);
    FAULTY(6, RESYNC_WINDOW, p->resync_window = 0);
    FAULTY(7, MAX_DRIFT, p->max_drift = 1001);
    FAULTY(8, MAX_FAILS, p->max_fails = 0);
    FAULTY(9, LOCK_KIND, p->lock = 3);
    FAULTY(10, LOCK_KIND, p->lock = UINT32_MAX);
    FAULTY(11, FIRST_DELAY, (p->lock = KEYFOB_LOCK_THROTTLE, p->first_delay = 0));
    FAULTY(12, MAX_DELAY, (p->lock = KEYFOB_LOCK_THROTTLE, p->first_delay = 2, p->max_delay = 1));
    FAULTY(13, CODE_LIFETIME, p->code_lifetime = 0);
    FAULTY(14, CODE_REUSE, p->code_reuse = 601);
    FAULTY(15, PIN_MIN_LENGTH, p->pin_min_length = 3);
    FAULTY(16, PIN_MIN_LENGTH, p->pin_min_length = 256 + 8);
    FAULTY(17, PIN_POSITIONS, p->pin_positions = 9);
    FAULTY(18, PIN_POSITIONS, p->pin_positions = 256);
    FAULTY(19, CLOCK_SKEW, p->clock_skew = 3601);
    FAULTY(20, GUESS_BOUND, p->window = 100);
    FAULTY(21, PIN_GUESS_BOUND, p->pin_positions = 2);
    FAULTY(22, FIRST_WINDOW, p->first_window = 2);
    FAULTY(23, FIRST_WINDOW, (p->max_drift = 1000, p->first_window = 1001));
    FAULTY(24, TOTAL_FAILS, (p->lock = KEYFOB_LOCK_THROTTLE_THEN_LOCK, p->first_delay = p->max_delay = 1, p->total_fails = 10));
    default: return R(OK);
    }
}

static keyfob_result wrong_parameters(int which, keyfob_parameters *p) {
    switch (which) {
    FAULTY(0, STRUCT_SIZE, p->size = 0);
    FAULTY(1, STRUCT_SIZE, p->size = 23);
    FAULTY(2, STRUCT_SIZE, p->size = UINT32_MAX);
    FAULTY(3, ALGORITHM, p->algorithm = 0);
    FAULTY(4, ALGORITHM, p->algorithm = 4);
    FAULTY(5, ALGORITHM, p->algorithm = 256 + 1);
    FAULTY(6, DIGITS, p->digits = 5);
    FAULTY(7, DIGITS, p->digits = 11);
    FAULTY(8, DIGITS, p->digits = 256 + 6);
    default: return R(OK);
    }
}

/* Makes one call, with one thing wrong or none. */
static void try_call(const struct row *row, const struct fault *fault, int variant) {
    static char endless[4096];
    keyfob_result expected = fault->result;
    arrange();
    given = devices[row->device];
    prepare(1);
    if (fault->kind == DEVICE) {
        out.record = devices[fault->which];
    }
    memset(&out.row, 0, sizeof out.row);
    out.row.size = (uint32_t)sizeof out.row, out.row.status = KEYFOB_STATUS_CREATED;
    strcpy(out.row.kind, "TOTP"), strcpy(out.row.auth_key, BASE32);
    switch (fault->kind) {
    case NIL: at[fault->which] = NULL; break;
    case SIZE: length_of[fault->which] = (size_t)fault->value; break;
    case STRUCT: *(uint32_t *)at[fault->which] = (uint32_t)fault->value; break;
    case DAMAGED: ((keyfob_record *)at[fault->which])->bytes[fault->value] ^= 0x55; break;
    case WRONG_POLICY: expected = wrong_policy(variant, &in.policy); break;
    case WRONG_PARAMETERS: expected = wrong_parameters(variant, &in.parameters); break;
    case TIME: now = fault->value; break;
    case NUMBER_IN: number = (uint32_t)fault->value; break;
    case WORD:
        memset((uint8_t *)at[fault->which] + fault->value, 0xff, fault->which == RECORD ? 8 : 1);
        if (fault->which == RECORD) {
            check_record(&out.record);
        }
        break;
    case LONG_TEXT: memset(endless, 'a', sizeof endless), at[fault->which] = endless; break;
    case ANSWER: in.shelf.answer = (int32_t)fault->value; break;
    case NONE: case DEVICE: break;
    }
    memcpy(&before, &out, sizeof out);
    judge(expected, row->call(), row->name, "fault", (int)(fault - row->faults));
}

int in_table(const char *name) {
    size_t row;
    for (row = 0; row < sizeof table / sizeof table[0]; row++) {
        if (strcmp(table[row].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

void test_table(void) {
    static const struct fault none = {NONE, 0, 0, R(OK)};
    size_t function, entry;
    make_devices();
    arrange();
    CHECK(keyfob_record_seal(&devices[IS_TOTP], 7, in.key, "id", 2, in.nonce, sealed) == R(OK));
    for (function = 0; function < sizeof table / sizeof table[0]; function++) {
        const struct row *row = &table[function];
        try_call(row, &none, 0);
        for (entry = 0; row->faults[entry].kind != NONE; entry++) {
            const struct fault *fault = &row->faults[entry];
            int variant, variants = fault->kind == WRONG_POLICY ? 25 : fault->kind == WRONG_PARAMETERS ? 9 : 1;
            for (variant = 0; variant < variants; variant++) {
                try_call(row, fault, variant);
            }
        }
    }
}
