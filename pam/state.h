/* The state files of pam_keyfob: one a user, in a folder that only root may change. */
#ifndef PAM_KEYFOB_STATE_H
#define PAM_KEYFOB_STATE_H

#include <keyfob.h>

/* What a function of this file found. */
typedef enum state_result {
    STATE_OK,
    /* The user has no state file. */
    STATE_ABSENT,
    /* `problem` says what is wrong and what to do. It is for the operator, not for the user. */
    STATE_PROBLEM
} state_result;

/* The most bytes of a user's name. */
#define STATE_MAX_NAME_BYTES 128

typedef struct state {
    /* Descriptors; -1 if they are not open. */
    int folder;
    int lock;
    int record;
    const char *path;
    char file[STATE_MAX_NAME_BYTES + sizeof ".keyfob"];
    char problem[512];
} state;

/* Whether a user of this name may have a state file. A name is a file's name, so it has letters,
 * digits and `_ . @ + -` only, and begins with a letter, a digit or `_`. */
int state_takes_name(const char *user);

/* Opens the folder and looks for the user's file. The name must be one that state_takes_name
 * takes. `path` stays the caller's. state_close is due after any result. */
state_result state_open(state *state, const char *path, const char *user);

/* Waits until no other process works on the file, for some seconds at most. The lock is the one of
 * the commands `keyfob enroll`, `unlock`, `resync` and `verify`. */
state_result state_lock(state *state);

/* Reads the record. The caller wipes it. The file stays open, so that state_replace knows it. */
state_result state_read(state *state, keyfob_record *record);

/* Replaces the record durably: after a crash the file holds the old one or the new one. A file that
 * was removed or replaced since state_read stays so. Needs the lock. */
state_result state_replace(state *state, const keyfob_record *next);

/* Closes what is open, which unlocks the file. */
void state_close(state *state);

/* Overwrites bytes with zeros, and the compiler does not leave that out. */
void state_wipe(void *secret, size_t length);

#endif
