/* Stands before libc in the tests of the PAM module. It leaves out PAM's delay after a refusal. Of
 * the calls that change the folder, KEYFOB_TEST_CALL (1, 2, ...) ends the process
 * (KEYFOB_TEST_END=kill), fails (KEYFOB_TEST_END=fail), or comes after the command
 * KEYFOB_TEST_COMMAND. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/types.h>

int select(int count, fd_set *readable, fd_set *writable, fd_set *others, struct timeval *timeout) {
    (void)count;
    (void)readable;
    (void)writable;
    (void)others;
    (void)timeout;
    return 0;
}

/* Counts a call. Whether it is the one. */
static int is_due(void) {
    static int calls;
    const char *call = getenv("KEYFOB_TEST_CALL"), *command = getenv("KEYFOB_TEST_COMMAND");
    if (call == NULL || ++calls != atoi(call)) return 0;
    if (command == NULL) return 1;
    unsetenv("LD_PRELOAD");
    if (system(command) != 0) abort();
    return 0;
}

/* Ends the process, or is the result of a call that fails. */
static int end(void) {
    const char *end = getenv("KEYFOB_TEST_END");
    if (end != NULL && strcmp(end, "kill") == 0) raise(SIGKILL);
    errno = ENOSPC;
    return -1;
}

/* The address of the real function; an object pointer becomes one of a function through memory. */
static void find(const char *name, void *function) {
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found);
}

int fchmod(int file, mode_t mode) {
    int (*real)(int, mode_t);
    find("fchmod", &real);
    return is_due() ? end() : real(file, mode);
}

ssize_t write(int file, const void *bytes, size_t length) {
    ssize_t (*real)(int, const void *, size_t);
    find("write", &real);
    /* A record, of which half is written. Others than the module write no such number of bytes. */
    if (length != 168 || !is_due()) return real(file, bytes, length);
    return real(file, bytes, length / 2) < 0 ? -1 : end();
}

int fsync(int file) {
    int (*real)(int);
    find("fsync", &real);
    return is_due() ? end() : real(file);
}

int renameat(int old_folder, const char *old_name, int folder, const char *name) {
    int (*real)(int, const char *, int, const char *);
    find("renameat", &real);
    return is_due() ? end() : real(old_folder, old_name, folder, name);
}
