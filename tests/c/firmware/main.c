/*
 * Firmware for a Cortex-M4 (mps2-an386, which QEMU emulates), without libc: enrols, verifies right
 * once, locks after ten wrong codes. The same file is a program for the host that links without any
 * library, with -DHOST. Exit status 0 is success.
 */
#include "keyfob.h"

#ifdef HOST
static void stop(int status) {
    __asm__ volatile("syscall" : : "a"(60), "D"(status) : "rcx", "r11", "memory");
    for (;;) {}
}
static void say(const char *text) {
    size_t length = 0;
    long ignored;
    while (text[length]) length++;
    __asm__ volatile("syscall" : "=a"(ignored) : "a"(1), "D"(1), "S"(text), "d"(length) : "rcx", "r11", "memory");
}
#else
/* ARM semihosting: the emulator's own console and exit. */
static int semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
static void stop(int status) {
    static const unsigned exit_reason = 0x20026; /* ADP_Stopped_ApplicationExit */
    static unsigned block[2];
    block[0] = exit_reason, block[1] = (unsigned)status;
    semihost(0x20, block); /* SYS_EXIT_EXTENDED */
    for (;;) {}
}
static void say(const char *text) {
    semihost(0x04, text); /* SYS_WRITE0 */
}
#endif

#ifdef HOST
/* A host without its C library has to bring these, since the compiler calls them by itself. On
 * bare-metal targets the Rust library has them. */
void *memcpy(void *to, const void *from, size_t count) {
    unsigned char *t = to;
    const unsigned char *f = from;
    while (count--) *t++ = *f++;
    return to;
}
void *memset(void *to, int value, size_t count) {
    unsigned char *t = to;
    while (count--) *t++ = (unsigned char)value;
    return to;
}
int memcmp(const void *one, const void *other, size_t count) {
    const unsigned char *a = one, *b = other;
    for (; count--; a++, b++)
        if (*a != *b) return *a < *b ? -1 : 1;
    return 0;
}
int bcmp(const void *one, const void *other, size_t count) {
    return memcmp(one, other, count);
}
void *memmove(void *to, const void *from, size_t count) {
    unsigned char *t = to;
    const unsigned char *f = from;
    if (t < f) return memcpy(to, from, count);
    while (count--) t[count] = f[count];
    return to;
}
#else
int memcmp(const void *one, const void *other, size_t count);
#endif

static int32_t hardware_random(void *context, uint8_t *bytes, size_t length) {
    static uint32_t state = 1; /* stands for a real generator */
    (void)context;
    while (length--) {
        state = state * 1664525u + 1013904223u;
        *bytes++ = (uint8_t)(state >> 24);
    }
    return 0;
}

static unsigned passed;
#define REQUIRE(holds) do { if (!(holds)) { say("failed: " #holds "\n"); return 1; } passed++; } while (0)

static void say_number(unsigned number) {
    char text[12], *digit = text + sizeof text - 1;
    *digit = 0;
    do {
        *--digit = (char)('0' + number % 10);
    } while (number /= 10);
    say(digit);
}

static int run(void) {
    static const uint8_t secret[] = "12345678901234567890";
    keyfob_record record;
    keyfob_verdict verdict;
    keyfob_challenge challenge;
    uint8_t drawn[KEYFOB_SECRET_MAX_SIZE];
    char code[KEYFOB_CODE_SIZE];
    size_t length;
    int at;
    verdict.size = sizeof verdict;
    challenge.size = sizeof challenge;

    REQUIRE(keyfob_totp_generate(NULL, secret, 20, 59, code, sizeof code) == KEYFOB_RESULT_OK);
    REQUIRE(memcmp(code, "287082", 7) == 0); /* RFC 6238 appendix B, its last six digits */
    REQUIRE(keyfob_device_create_totp(NULL, secret, 20, 0, &record) == KEYFOB_RESULT_OK);
    REQUIRE(keyfob_device_verify(&record, NULL, code, 6, 59, &verdict) == KEYFOB_RESULT_OK);
    REQUIRE(verdict.right == 1 && verdict.matched == 1);
    REQUIRE(keyfob_device_verify(&record, NULL, code, 6, 59, &verdict) == KEYFOB_RESULT_OK);
    REQUIRE(verdict.right == 0 && verdict.reason == KEYFOB_REASON_REPLAYED);
    for (at = 1; at <= 10; at++) {
        REQUIRE(keyfob_device_verify(&record, NULL, "000000", 6, 59, &verdict) == KEYFOB_RESULT_OK);
        REQUIRE(verdict.right == 0 && verdict.locked == (at == 10));
    }
    REQUIRE(keyfob_secret_random(1, NULL, NULL, drawn, sizeof drawn, &length) == KEYFOB_RESULT_RANDOMNESS);
    REQUIRE(keyfob_secret_random(1, hardware_random, NULL, drawn, sizeof drawn, &length) == KEYFOB_RESULT_OK && length == 20);
    REQUIRE(keyfob_device_create_pin(NULL, "12345678", 8, 0, &record) == KEYFOB_RESULT_OK);
    REQUIRE(keyfob_device_challenge(&record, NULL, hardware_random, NULL, 0, &challenge) == KEYFOB_RESULT_OK);
    REQUIRE(challenge.kind == KEYFOB_CHALLENGE_KIND_POSITIONS && challenge.positions != 0);
    say("firmware: ");
    say_number(passed);
    say(" passed, 0 failed\n");
    return 0;
}

void start(void) {
    stop(run());
}

#ifdef HOST
__asm__(".globl _start\n_start: and $-16, %rsp\n call start\n");
#else
extern char stack_top[];
/* Every fault stops the emulator with a status of its own. */
static void fault(void) {
    say("failed: a fault\n");
    stop(2);
}
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    stack_top, (void *)start, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};
#endif
