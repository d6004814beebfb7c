/* Verifies with a file as the store. `store FILE` reads a record, judges the code that is typed,
 * stores the next record, and only then prints the verdict. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <keyfob.h>

/* Through a volatile pointer, so that the compiler does not leave it out. */
static void wipe(void *secret, size_t length) {
    volatile unsigned char *byte = (volatile unsigned char *)secret;
    while (length--) *byte++ = 0;
}

/* Makes a rename survive a loss of power, by syncing the folder that holds the name. */
static int sync_folder(const char *path) {
    char copy[1024];
    int folder, done;
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return -1;
    folder = open(dirname(copy), O_RDONLY);
    if (folder < 0) return -1;
    done = fsync(folder);
    return close(folder) == 0 && done == 0 ? 0 : -1;
}

/* For one process at a time: replaces the file, without comparing revisions. Several processes need
 * a lock or a database. */
static int32_t store(void *context, const keyfob_record *next, uint64_t read) {
    const char *path = (const char *)context;
    char temporary[1024];
    int file, written;
    (void)read;
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary) return -1;
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return -1;
    /* The bytes are on the disk before the name is, and the name before the verdict is printed. */
    written = write(file, next, sizeof *next) == (ssize_t)sizeof *next && fsync(file) == 0;
    if (close(file) != 0 || !written || rename(temporary, path) != 0) {
        unlink(temporary);
        return -1;
    }
    return sync_folder(path);
}

int main(int count, char **arguments) {
    uint8_t bytes[KEYFOB_RECORD_SIZE + 1];
    keyfob_record record;
    keyfob_verdict verdict;
    keyfob_result result;
    char line[64];
    int judged = 0;
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    verdict.size = sizeof verdict;
    if (!file) {
        fprintf(stderr, "use: store FILE, where FILE holds a record\n");
        return 2;
    }
    /* Without a buffer, since C's library would leave a copy of the record in it. */
    setvbuf(file, NULL, _IONBF, 0);
    result = keyfob_record_read(bytes, fread(bytes, 1, sizeof bytes, file), &record);
    fclose(file);
    if (result == KEYFOB_RESULT_OK && fgets(line, sizeof line, stdin)) {
        result = keyfob_device_verify_and_store(&record, NULL, line, strcspn(line, "\r\n"),
                                                (uint64_t)time(NULL), store, arguments[1], &verdict);
        judged = result == KEYFOB_RESULT_OK;
    }
    wipe(bytes, sizeof bytes);
    wipe(&record, sizeof record);
    wipe(line, sizeof line);
    if (!judged) {
        fprintf(stderr, "%s: %s\n", arguments[1], result == KEYFOB_RESULT_OK ? "no code was typed" : keyfob_result_message(result));
        return 2;
    }
    printf("%s%s\n", verdict.right ? "right" : "wrong", verdict.locked ? ", locked" : "");
    return !verdict.right;
}
