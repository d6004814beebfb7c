/*
 * Runs liboath beside keyfob, and holds the table "Coming from liboath" of examples/c/README.md to
 * what it says: the same values where it says so, and the differences that it names.
 *
 *     liboath FILE    FILE is the users file that the test makes and removes
 */
#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyfob.h"

#define KEY "12345678901234567890"
#define KEY_SIZE 20
#define NOW UINT64_C(1700000010)
#define STEP (NOW / 30)
#define NO_OFFSET OATH_HOTP_DYNAMIC_TRUNCATION

static int passed;
#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
        passed++; \
    } while (0)

static const uint8_t *const SECRET = (const uint8_t *)KEY;

static keyfob_parameters parameters(uint32_t algorithm, uint32_t digits) {
    keyfob_parameters made = {sizeof made, algorithm, digits, 30, 0, 0, 0};
    return made;
}

static void versions_and_errors(void) {
    CHECK(oath_init() == OATH_OK);
    CHECK(strcmp(oath_check_version(NULL), OATH_VERSION) == 0 && strcmp(keyfob_version(), KEYFOB_VERSION) == 0);
    CHECK(*oath_strerror(OATH_INVALID_OTP) && strcmp(oath_strerror_name(OATH_INVALID_OTP), "OATH_INVALID_OTP") == 0);
    CHECK(OATH_INVALID_OTP < 0 && KEYFOB_RESULT_NULL_POINTER > 0 && *keyfob_result_message(KEYFOB_RESULT_NULL_POINTER));
}

static void texts_of_secrets(void) {
    char hex[KEYFOB_HEX_SIZE], ours[KEYFOB_HEX_SIZE], bytes[KEYFOB_SECRET_MAX_SIZE], *text, *decoded;
    uint8_t secret[KEYFOB_SECRET_MAX_SIZE];
    size_t size = sizeof bytes, length;
    oath_bin2hex(KEY, KEY_SIZE, hex);
    CHECK(!keyfob_secret_to_hex(SECRET, KEY_SIZE, ours, sizeof ours) && strcmp(hex, ours) == 0);
    CHECK(oath_hex2bin(hex, bytes, &size) == OATH_OK && size == KEY_SIZE && memcmp(bytes, KEY, size) == 0);
    CHECK(!keyfob_secret_from_hex(hex, secret, sizeof secret, &length) && length == size && memcmp(secret, bytes, size) == 0);
    /* Blanks in hexadecimal are keyfob's, secrets of any length liboath's. */
    size = sizeof bytes;
    CHECK(oath_hex2bin("31 32", bytes, &size) == OATH_INVALID_HEX);
    CHECK(!keyfob_secret_from_hex("3132333435363738 3930", secret, sizeof secret, &length) && length == 10);
    size = sizeof bytes;
    CHECK(oath_hex2bin("3132", bytes, &size) == OATH_OK && size == 2);
    CHECK(keyfob_secret_from_hex("3132", secret, sizeof secret, &length) == KEYFOB_RESULT_SECRET_LENGTH);

    CHECK(oath_base32_encode(KEY, KEY_SIZE, &text, &size) == OATH_OK);
    CHECK(!keyfob_secret_to_base32(SECRET, KEY_SIZE, ours, sizeof ours) && strcmp(text, ours) == 0);
    CHECK(oath_base32_decode(text, size, &decoded, &length) == OATH_OK && length == KEY_SIZE && memcmp(decoded, KEY, length) == 0);
    CHECK(!keyfob_secret_from_base32(text, secret, sizeof secret, &length) && length == KEY_SIZE && memcmp(secret, KEY, length) == 0);
    free(text);
    free(decoded);
    /* liboath writes padding, keyfob none, and both read blanks; hyphens are keyfob's. */
    CHECK(oath_base32_encode(KEY, 16, &text, NULL) == OATH_OK && strchr(text, '='));
    CHECK(!keyfob_secret_to_base32(SECRET, 16, ours, sizeof ours) && strncmp(text, ours, strlen(ours)) == 0 && !strchr(ours, '='));
    CHECK(!keyfob_secret_from_base32(text, secret, sizeof secret, &length) && length == 16);
    free(text);
    CHECK(oath_base32_decode("gezd gnbv gy3t qojq", 19, NULL, &length) == OATH_OK && length == 10);
    CHECK(!keyfob_secret_from_base32("gezd gnbv gy3t qojq", secret, sizeof secret, &length) && length == 10);
    CHECK(oath_base32_decode("gezd-gnbv-gy3t-qojq", 19, NULL, &length) == OATH_INVALID_BASE32);
    CHECK(!keyfob_secret_from_base32("gezd-gnbv-gy3t-qojq", secret, sizeof secret, &length) && length == 10);
}

static void codes(void) {
    char theirs[16], ours[KEYFOB_CODE_SIZE];
    const int flags[] = {0, OATH_TOTP_HMAC_SHA256, OATH_TOTP_HMAC_SHA512};
    for (unsigned digits = 6; digits <= 8; digits++) {
        keyfob_parameters sha1 = parameters(KEYFOB_ALGORITHM_SHA1, digits);
        for (uint64_t counter = 0; counter < 50; counter++) {
            CHECK(oath_hotp_generate(KEY, KEY_SIZE, counter, digits, false, NO_OFFSET, theirs) == OATH_OK);
            CHECK(!keyfob_hotp_generate(&sha1, SECRET, KEY_SIZE, counter, ours, sizeof ours) && strcmp(theirs, ours) == 0);
            uint64_t time = NOW + counter * 1000003;
            CHECK(oath_totp_generate(KEY, KEY_SIZE, (time_t)time, 30, 0, digits, theirs) == OATH_OK);
            CHECK(!keyfob_totp_generate(&sha1, SECRET, KEY_SIZE, time, ours, sizeof ours) && strcmp(theirs, ours) == 0);
            for (uint32_t algorithm = KEYFOB_ALGORITHM_SHA1; algorithm <= KEYFOB_ALGORITHM_SHA512; algorithm++) {
                keyfob_parameters hashed = parameters(algorithm, digits);
                CHECK(oath_totp_generate2(KEY, KEY_SIZE, (time_t)time, 30, 0, digits, flags[algorithm - 1], theirs) == OATH_OK);
                CHECK(!keyfob_totp_generate(&hashed, SECRET, KEY_SIZE, time, ours, sizeof ours) && strcmp(theirs, ours) == 0);
            }
        }
    }
    keyfob_parameters ten = parameters(KEYFOB_ALGORITHM_SHA1, 10);
    CHECK(oath_hotp_generate(KEY, KEY_SIZE, 0, 10, false, NO_OFFSET, theirs) == OATH_INVALID_DIGITS);
    CHECK(!keyfob_hotp_generate(&ten, SECRET, KEY_SIZE, 0, ours, sizeof ours) && strlen(ours) == 10);
    /* liboath ignores the checksum and the offset that it takes. */
    CHECK(oath_hotp_generate(KEY, KEY_SIZE, 0, 6, true, 3, theirs) == OATH_OK && strcmp(theirs, "755224") == 0);
    /* Before T0. */
    ten.t0 = 100;
    CHECK(oath_totp_generate(KEY, KEY_SIZE, 10, 30, 100, 6, theirs) == OATH_OK);
    CHECK(keyfob_totp_generate(&ten, SECRET, KEY_SIZE, 10, ours, sizeof ours) == KEYFOB_RESULT_CLOCK);
}

/* A comparison as the functions with a callback take it. */
static int compare(void *typed, const char *candidate) {
    return strcmp((const char *)typed, candidate) == 0 ? 0 : 1;
}

static void hotp_windows(void) {
    char code[16];
    for (uint64_t counter = 0; counter < 5; counter++) {
        CHECK(oath_hotp_generate(KEY, KEY_SIZE, counter, 6, false, NO_OFFSET, code) == OATH_OK);
        for (uint32_t window = 0; window < 5; window++) {
            uint32_t found;
            uint64_t matched;
            CHECK(!keyfob_hotp_search(NULL, SECRET, KEY_SIZE, code, 6, 0, window, &found, &matched));
            CHECK(found == (counter <= window) && matched == (found ? counter : 0));
            int expected = found ? (int)matched : OATH_INVALID_OTP;
            CHECK(oath_hotp_validate(KEY, KEY_SIZE, 0, window, code) == expected);
            CHECK(oath_hotp_validate_callback(KEY, KEY_SIZE, 0, window, 6, compare, code) == expected);
        }
    }
    /* The digits are those of the code in liboath, and those of the parameters in keyfob. */
    uint32_t found;
    uint64_t matched;
    CHECK(oath_hotp_validate(KEY, KEY_SIZE, 0, 0, "84755224") == 0);
    CHECK(!keyfob_hotp_search(NULL, SECRET, KEY_SIZE, "84755224", 8, 0, 0, &found, &matched) && !found);
}

static void totp_windows(void) {
    for (int offset = -3; offset <= 3; offset++) {
        char code[16];
        uint64_t step = (uint64_t)((int64_t)STEP + offset);
        CHECK(oath_totp_generate(KEY, KEY_SIZE, (time_t)(step * 30), 30, 0, 6, code) == OATH_OK);
        for (uint32_t window = 0; window < 4; window++) {
            uint32_t found;
            uint64_t matched, counter = 0;
            int position = 0;
            CHECK(!keyfob_totp_search(NULL, SECRET, KEY_SIZE, code, 6, NOW, window, &found, &matched));
            CHECK(found == (uint32_t)(abs(offset) <= (int)window) && matched == (found ? step : 0));
            int expected = found ? abs(offset) : OATH_INVALID_OTP;
#define THE_SAME(call) CHECK((call) == expected && (!found || position == offset) && (!found || counter == 0 || counter == matched))
            CHECK(oath_totp_validate(KEY, KEY_SIZE, (time_t)NOW, 30, 0, window, code) == expected);
            CHECK(oath_totp_validate_callback(KEY, KEY_SIZE, (time_t)NOW, 30, 0, 6, window, compare, code) == expected);
            THE_SAME(oath_totp_validate2(KEY, KEY_SIZE, (time_t)NOW, 30, 0, window, &position, code));
            THE_SAME(oath_totp_validate2_callback(KEY, KEY_SIZE, (time_t)NOW, 30, 0, 6, window, &position, compare, code));
            THE_SAME(oath_totp_validate3(KEY, KEY_SIZE, (time_t)NOW, 30, 0, window, &position, &counter, code));
            CHECK(!found || counter == matched);
            THE_SAME(oath_totp_validate3_callback(KEY, KEY_SIZE, (time_t)NOW, 30, 0, 6, window, &position, &counter, compare, code));
            THE_SAME(oath_totp_validate4(KEY, KEY_SIZE, (time_t)NOW, 30, 0, window, &position, &counter, 0, code));
            THE_SAME(oath_totp_validate4_callback(KEY, KEY_SIZE, (time_t)NOW, 30, 0, 6, window, &position, &counter, 0, compare, code));
        }
    }
}

/* Stores a record where the context says. */
static int32_t store(void *context, const keyfob_record *next, uint64_t read) {
    (void)read;
    memcpy(context, next, sizeof *next);
    return 0;
}

static keyfob_verdict verdict_on(keyfob_record *stored, const char *code, time_t now) {
    keyfob_record read = *stored;
    keyfob_verdict verdict;
    verdict.size = sizeof verdict;
    CHECK(!keyfob_device_verify_and_store(&read, NULL, code, strlen(code), (uint64_t)now, store, stored, &verdict));
    return verdict;
}

/* The counter of the last line of a users file. */
static uint64_t counter_of_last_line(const char *file) {
    char line[256], secret[64];
    unsigned counter = 0;
    FILE *opened = fopen(file, "r");
    CHECK(opened != NULL);
    while (fgets(line, sizeof line, opened)) {
        CHECK(sscanf(line, "%*s %*s %*s %63s %u", secret, &counter) == 2 && strlen(secret) == 2 * KEY_SIZE);
    }
    CHECK(fclose(opened) == 0);
    return counter;
}

/* One login each: liboath with its users file, keyfob with a record. */
static void users(const char *file) {
    char code[16], older[16];
    time_t now = time(NULL), last;
    FILE *opened = fopen(file, "w");
    CHECK(opened != NULL);
    fputs("HOTP/T30/6 alice - 3132333435363738393031323334353637383930\n", opened);
    fputs("HOTP bob - 3132333435363738393031323334353637383930\n", opened);
    CHECK(fclose(opened) == 0);
#define LIBOATH(user, window, code) oath_authenticate_usersfile(file, user, code, window, NULL, &last)

    keyfob_record alice, bob;
    CHECK(!keyfob_device_create_totp(NULL, SECRET, KEY_SIZE, (uint64_t)now - 100, &alice));
    CHECK(!keyfob_device_create_hotp(NULL, SECRET, KEY_SIZE, 0, (uint64_t)now - 100, &bob));

    /* A right code counts once, and then no older one does. */
    CHECK(oath_totp_generate(KEY, KEY_SIZE, now, 30, 0, 6, code) == OATH_OK);
    CHECK(oath_totp_generate(KEY, KEY_SIZE, now - 30, 30, 0, 6, older) == OATH_OK);
    CHECK(LIBOATH("alice", 1, code) == OATH_OK && verdict_on(&alice, code, now).right);
    CHECK(LIBOATH("alice", 1, code) == OATH_REPLAYED_OTP && !verdict_on(&alice, code, now).right);
    CHECK(LIBOATH("alice", 1, older) < 0 && !verdict_on(&alice, older, now).right);
    CHECK(oath_hotp_generate(KEY, KEY_SIZE, 3, 6, false, NO_OFFSET, code) == OATH_OK);
    CHECK(oath_hotp_generate(KEY, KEY_SIZE, 2, 6, false, NO_OFFSET, older) == OATH_OK);
    CHECK(LIBOATH("bob", 10, code) == OATH_OK && verdict_on(&bob, code, now).right);
    CHECK(LIBOATH("bob", 10, code) == OATH_REPLAYED_OTP && !verdict_on(&bob, code, now).right);
    CHECK(LIBOATH("bob", 10, older) < 0 && !verdict_on(&bob, older, now).right);
    /* A device made of the line goes on where liboath was. */
    keyfob_record moved;
    CHECK(!keyfob_device_create_hotp(NULL, SECRET, KEY_SIZE, counter_of_last_line(file) + 1, (uint64_t)now, &moved));
    CHECK(!verdict_on(&moved, code, now).right);
    CHECK(oath_hotp_generate(KEY, KEY_SIZE, 4, 6, false, NO_OFFSET, code) == OATH_OK && verdict_on(&moved, code, now).right);
    CHECK(LIBOATH("eve", 10, code) == OATH_UNKNOWN_USER);

    /* keyfob locks on the tenth fail, liboath never. */
    for (int guess = 0; guess < 20; guess++) {
        CHECK(LIBOATH("bob", 10, "000000") == OATH_INVALID_OTP && !verdict_on(&bob, "000000", now).right);
    }
    CHECK(oath_hotp_generate(KEY, KEY_SIZE, 4, 6, false, NO_OFFSET, code) == OATH_OK);
    keyfob_verdict refused = verdict_on(&bob, code, now);
    CHECK(LIBOATH("bob", 10, code) == OATH_OK && !refused.right && refused.locked && refused.reason == KEYFOB_REASON_LOCKED);
    CHECK(remove(file) == 0);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    versions_and_errors();
    texts_of_secrets();
    codes();
    hotp_windows();
    totp_windows();
    users(argv[1]);
    CHECK(oath_done() == OATH_OK);
    printf("%d passed, 0 failed\n", passed);
    return 0;
}
