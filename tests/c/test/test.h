/*
 * What all tests of keyfob.h's functions share.
 *
 * All out-parameters are in one struct. CALL fills it with a pattern, calls, compares the result,
 * and unless that is OK holds every byte of the struct to be the old one: for all functions alike.
 */
#ifndef TEST_H
#define TEST_H

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

#define NOW UINT64_C(1700000000)
#define R(name) KEYFOB_RESULT_##name

static const uint8_t SECRET[] = "12345678901234567890";
#define SECRET_LEN ((size_t)20)
static const char BASE32[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/* Whatever a function may write to. */
struct outs {
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
};
/* `before` is what `out` was before the call; `given` is the record that a call gets. */
extern struct outs out, before;
extern keyfob_record given;

void check(int holds, const char *what, const char *file, int line);
#define CHECK(holds) check((holds) != 0, #holds, __FILE__, __LINE__)

void prepare(int in_place);
void judge(keyfob_result expected, keyfob_result result, const char *call, const char *file, int line);

/* Calls with `out` prepared; with IN_PLACE, out.record is `given` before. */
#define CALL(expected, call) (prepare(0), judge((expected), (call), #call, __FILE__, __LINE__))
#define IN_PLACE(expected, call) (prepare(1), judge((expected), (call), #call, __FILE__, __LINE__))
/* Takes over the record that a call has written. */
#define TAKE() (given = out.record)

/* Generators for keyfob_random_fn; the first one's context is a `uint32_t`. */
int32_t random_works(void *context, uint8_t *bytes, size_t length);
int32_t random_fails(void *context, uint8_t *bytes, size_t length);
extern uint32_t counter;

/* A store that takes what it is given where its answer is 0. */
struct shelf { keyfob_record record; uint64_t revision; int32_t answer; int calls; };
int32_t store(void *context, const keyfob_record *next, uint64_t read);

/* Makes `given` a fresh TOTP device. */
void totp(void);

void test_codes(void);
void test_devices(void);
void test_records(void);
void test_recovery(void);
void test_soffid(void);
void test_table(void);
int in_table(const char *name);

#endif
