/* The state files of pam_keyfob. Everything is opened below a checked folder, by a checked name,
 * and through no symbolic link. */
#define _DEFAULT_SOURCE
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How long to wait for another process that works on the same file. A user can stop a program such
 * as sudo while it holds the lock of the user's own file, so there is an end to it. */
#define LOCK_TIMEOUT_SECONDS 30
#define LOCK_PAUSE_NANOSECONDS (10L * 1000 * 1000)

#define FIRST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

void state_wipe(void *secret, size_t length) {
    volatile unsigned char *byte = (volatile unsigned char *)secret;
    while (length--) *byte++ = 0;
}

/* Writes the problem: the file, what is wrong with it, and what to do. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static state_result problem(state *state, const char *ending, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(state->problem, sizeof state->problem, "%s%s%s%s: %s", state->path, ending ? "/" : "", ending ? state->file : "",
             ending ? ending : "", text);
    return STATE_PROBLEM;
}

int state_takes_name(const char *user) {
    size_t length = strlen(user);
    return length > 0 && length <= STATE_MAX_NAME_BYTES && strchr(FIRST_CHARACTERS, user[0]) != NULL &&
           strspn(user, FIRST_CHARACTERS ".@+-") == length;
}

/* Checks one folder of the path. */
static state_result check_folder(state *state, int is_last) {
    struct stat status;
    if (fstat(state->folder, &status) != 0) return problem(state, NULL, "%s", strerror(errno));
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return problem(state, NULL, "this folder and those above it must belong to root and be writable by root only: chown root, chmod go-w");
    }
    if (is_last && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return problem(state, NULL, "only root may look into this folder: chmod 700");
    }
    return STATE_OK;
}

/* Opens the folder from the root on, one name after the other, so that each is checked. */
static state_result open_folder(state *state) {
    const char *rest = state->path;
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (rest[0] != '/') return problem(state, NULL, "the folder must be an absolute path, such as dir=/var/lib/pam_keyfob");
    state->folder = open("/", flags);
    if (state->folder < 0) return problem(state, NULL, "/: %s", strerror(errno));
    for (rest += strspn(rest, "/"); *rest != '\0'; rest += strspn(rest, "/")) {
        char name[256];
        size_t length = strcspn(rest, "/");
        int next, error;
        if (check_folder(state, 0) != STATE_OK) return STATE_PROBLEM;
        if (length >= sizeof name || strncmp(rest, ".", length) == 0 || strncmp(rest, "..", length) == 0) {
            return problem(state, NULL, "the path must have no . or .. and no name above 255 bytes");
        }
        memcpy(name, rest, length);
        name[length] = '\0';
        next = openat(state->folder, name, flags);
        error = errno;
        close(state->folder);
        state->folder = next;
        if (next < 0) {
            return problem(state, NULL, "%s: %s; it must be a folder that root can open, and no symbolic link: make it by install -d -m 700 FOLDER",
                           name, strerror(error));
        }
        rest += length;
    }
    return check_folder(state, 1);
}

state_result state_open(state *state, const char *path, const char *user) {
    struct stat status;
    state->folder = -1;
    state->lock = -1;
    state->record = -1;
    state->path = path;
    snprintf(state->file, sizeof state->file, "%s.keyfob", user);
    if (open_folder(state) != STATE_OK) return STATE_PROBLEM;
    if (fstatat(state->folder, state->file, &status, AT_SYMLINK_NOFOLLOW) == 0) return STATE_OK;
    return errno == ENOENT ? STATE_ABSENT : problem(state, "", "%s", strerror(errno));
}

/* Opens the state file, or with `ending` a file beside it, and checks that it is root's alone. */
static int open_file(state *state, const char *ending, int flags) {
    char name[sizeof state->file + sizeof ".lock"];
    struct stat status;
    int file;
    snprintf(name, sizeof name, "%s%s", state->file, ending);
    /* Opening a pipe would wait for its other end without O_NONBLOCK. */
    file = openat(state->folder, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, S_IRUSR | S_IWUSR);
    if (file < 0) {
        problem(state, ending, "%s; it must be a file that root can open, and no symbolic link", strerror(errno));
        return -1;
    }
    if (fstat(file, &status) != 0) {
        problem(state, ending, "%s", strerror(errno));
    } else if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
        problem(state, ending, "it must be a regular file with one name; remove the others");
    } else if (status.st_uid != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        problem(state, ending, "it must belong to root, and no other may read or write it: chown root, chmod 600");
    } else {
        return file;
    }
    close(file);
    return -1;
}

/* Whether the state file, or with `ending` a file beside it, is still this open one. */
static int is_in_place(const state *state, const char *ending, int file) {
    char name[sizeof state->file + sizeof ".lock"];
    struct stat opened, named;
    snprintf(name, sizeof name, "%s%s", state->file, ending);
    return fstat(file, &opened) == 0 && fstatat(state->folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

state_result state_lock(state *state) {
    const struct timespec pause = {0, LOCK_PAUSE_NANOSECONDS};
    struct timespec now;
    time_t end;
    state->lock = open_file(state, ".lock", O_RDWR | O_CREAT);
    if (state->lock < 0) return STATE_PROBLEM;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return problem(state, ".lock", "%s", strerror(errno));
    end = now.tv_sec + LOCK_TIMEOUT_SECONDS;
    for (;;) {
        if (flock(state->lock, LOCK_EX | LOCK_NB) == 0) {
            if (is_in_place(state, ".lock", state->lock)) return STATE_OK;
            /* The file was removed, so another process can hold the lock on a new one. */
            close(state->lock);
            state->lock = open_file(state, ".lock", O_RDWR | O_CREAT);
            if (state->lock < 0) return STATE_PROBLEM;
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            return problem(state, ".lock", "%s", strerror(errno));
        }
        if (clock_gettime(CLOCK_MONOTONIC, &now) != 0 || now.tv_sec > end) {
            return problem(state, ".lock", "another process has held this lock for %d seconds; fuser -v names it", LOCK_TIMEOUT_SECONDS);
        }
        nanosleep(&pause, NULL);
    }
}

/* Reads until `size` bytes or the end. -1 is an error. */
static ssize_t read_all(int file, uint8_t *bytes, size_t size) {
    size_t length = 0;
    while (length < size) {
        ssize_t more = read(file, bytes + length, size - length);
        if (more == 0) break;
        if (more > 0) length += (size_t)more;
        if (more < 0 && errno != EINTR) return -1;
    }
    return (ssize_t)length;
}

static int write_all(int file, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno != EINTR) return -1;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

state_result state_read(state *state, keyfob_record *record) {
    /* One byte more than a record, to notice a longer file. */
    uint8_t bytes[KEYFOB_RECORD_SIZE + 1];
    keyfob_result read = KEYFOB_RESULT_OK;
    ssize_t length;
    int error;
    state->record = open_file(state, "", O_RDONLY);
    if (state->record < 0) return STATE_PROBLEM;
    length = read_all(state->record, bytes, sizeof bytes);
    error = errno;
    if (length >= 0) read = keyfob_record_read(bytes, (size_t)length, record);
    state_wipe(bytes, sizeof bytes);
    if (length < 0) return problem(state, "", "%s", strerror(error));
    if (read != KEYFOB_RESULT_OK) {
        return problem(state, "", "%s; restore a good copy, or remove it and enroll the user again", keyfob_result_message(read));
    }
    return STATE_OK;
}

state_result state_replace(state *state, const keyfob_record *next) {
    char temporary[sizeof state->file + sizeof ".tmp"];
    int file, error = 0;
    snprintf(temporary, sizeof temporary, "%s.tmp", state->file);
    /* Left by a process that was killed. */
    unlinkat(state->folder, temporary, 0);
    file = openat(state->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return problem(state, ".tmp", "%s; the next state cannot be stored, so there is no verdict", strerror(errno));
    /* The mode again, since the caller's umask may take bits from it. The bytes are on the disk
     * before the name is, and the name before the verdict comes out. */
    if (fchmod(file, S_IRUSR | S_IWUSR) != 0 || write_all(file, next->bytes, sizeof next->bytes) != 0 || fsync(file) != 0) error = errno;
    if (close(file) != 0 && error == 0) error = errno;
    if (error == 0 && !is_in_place(state, "", state->record)) {
        unlinkat(state->folder, temporary, 0);
        return problem(state, "", "it was removed or replaced during this login, so there is no verdict");
    }
    if (error == 0 && renameat(state->folder, temporary, state->folder, state->file) != 0) error = errno;
    if (error != 0) {
        unlinkat(state->folder, temporary, 0);
    } else if (fsync(state->folder) != 0) {
        error = errno;
    }
    return error == 0 ? STATE_OK : problem(state, "", "%s; the next state cannot be stored, so there is no verdict", strerror(error));
}

void state_close(state *state) {
    if (state->record >= 0) close(state->record);
    if (state->lock >= 0) close(state->lock);
    if (state->folder >= 0) close(state->folder);
    state->record = -1;
    state->lock = -1;
    state->folder = -1;
}
