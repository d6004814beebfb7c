/* Verifies with a file as the store: `store FILE` reads a record, judges the code that is typed, and tells only what it has stored. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <keyfob.h>

/* One process at a time: it replaces the file, and need not compare revisions. Several want a lock or a database. */
static int32_t store(void *context, const keyfob_record *next, uint64_t read) {
    const char *path = context;
    char temporary[1024];
    FILE *file;
    int written;
    (void)read;
    snprintf(temporary, sizeof temporary, "%s.new", path);
    file = fopen(temporary, "wb");
    if (!file) return -1;
    written = fwrite(next, sizeof *next, 1, file) == 1 && fflush(file) == 0;
    return fclose(file) == 0 && written && rename(temporary, path) == 0 ? 0 : -1;
}

int main(int count, char **arguments) {
    uint8_t bytes[KEYFOB_RECORD_SIZE + 1];
    keyfob_record record;
    keyfob_verdict verdict;
    keyfob_result result;
    char line[64];
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    verdict.size = sizeof verdict;
    if (!file) {
        fprintf(stderr, "use: store FILE, where FILE holds a record\n");
        return 2;
    }
    result = keyfob_record_read(bytes, fread(bytes, 1, sizeof bytes, file), &record);
    fclose(file);
    if (result == KEYFOB_RESULT_OK && fgets(line, sizeof line, stdin)) {
        result = keyfob_device_verify_and_store(&record, NULL, (const uint8_t *)line, strcspn(line, "\r\n"),
                                                (uint64_t)time(NULL), store, arguments[1], &verdict);
    }
    if (result != KEYFOB_RESULT_OK) {
        fprintf(stderr, "%s: %s\n", arguments[1], keyfob_result_message(result));
        return 2;
    }
    printf("%s%s\n", verdict.right ? "right" : "wrong", verdict.locked ? ", locked" : "");
    return !verdict.right;
}
