/*
 * Every function of keyfob.h with every result that the header gives it, and all of
 * tests/vectors.json; C99 and C++ alike.
 */
#include "test.h"
#include "results.h"

struct outs out, before;
keyfob_record given;
uint32_t counter;

static int passed, failed;
/* Which function returned what. */
static unsigned char seen[sizeof documented / sizeof documented[0]][128];

void check(int holds, const char *what, const char *file, int line) {
    if (holds) {
        passed++;
    } else {
        failed++;
        printf("%s:%d: FAILED: %s\n", file, line, what);
    }
}

void prepare(int in_place) {
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

/* Notes what a function returned, which must be what the header says. `call` begins with its name.
 * */
static void note(const char *call, keyfob_result result) {
    size_t length = strcspn(call, "("), at, entry;
    for (at = 0; at < sizeof documented / sizeof documented[0]; at++) {
        if (strncmp(call, documented[at].name, length) == 0 && documented[at].name[length] == 0) {
            for (entry = 0; documented[at].results[entry] != (short)result; entry++) {
                if (documented[at].results[entry] < 0) {
                    failed++;
                    printf("FAILED: the header does not say that %s returns %d\n", documented[at].name, (int)result);
                    return;
                }
            }
            seen[at][result] = 1;
        }
    }
}

void judge(keyfob_result expected, keyfob_result result, const char *call, const char *file, int line) {
    if (result != expected) {
        failed++;
        printf("%s:%d: FAILED: %s: %d (%s), not %d\n", file, line, call, (int)result, keyfob_result_message(result), (int)expected);
        return;
    }
    passed++;
    note(call, result);
    if (result != R(OK)) {
        check(memcmp(&out, &before, sizeof out) == 0, call, file, line);
    }
}

int32_t random_works(void *context, uint8_t *bytes, size_t length) {
    size_t at;
    for (at = 0; at < length; at++) {
        bytes[at] = (uint8_t)(++*(uint32_t *)context * 37);
    }
    return 0;
}

int32_t random_fails(void *context, uint8_t *bytes, size_t length) {
    (void)context, (void)bytes, (void)length;
    return -1;
}

int32_t store(void *context, const keyfob_record *next, uint64_t read) {
    struct shelf *shelf = (struct shelf *)context;
    shelf->calls++;
    if (shelf->answer == 0) {
        shelf->record = *next;
        shelf->revision = read;
    }
    return shelf->answer;
}

void totp(void) {
    CALL(R(OK), keyfob_device_create_totp(NULL, SECRET, SECRET_LEN, NOW, &out.record));
    TAKE();
}

int main(void) {
    size_t function, entry;
    test_codes();
    test_devices();
    test_records();
    test_recovery();
    test_soffid();
    test_table();
    /* Each function is in the table, and has returned all results that the header names, apart from
     * a sealed record of a later version. */
    for (function = 0; function < sizeof documented / sizeof documented[0]; function++) {
        const char *name = documented[function].name;
        if (!in_table(name)) {
            failed++;
            printf("FAILED: %s has no row in the table\n", name);
        }
        for (entry = 0; documented[function].results[entry] >= 0; entry++) {
            int result = documented[function].results[entry];
            int within = strcmp(name, "keyfob_record_open") == 0 && result >= R(RECORD_FOREIGN) && result <= R(RECORD_DAMAGED);
            if (!seen[function][result] && !within) {
                failed++;
                printf("FAILED: no call of %s returned %d (%s)\n", name, result, keyfob_result_message(result));
            }
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
