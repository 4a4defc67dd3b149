/* Whether an object may have something wrapped in it: never less often than ../../secrets/unwrap.py says so. */

#include "reader.h"

#include <string.h>

static int is_base64(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '+' ||
           byte == '/' || byte == '-' || byte == '_';
}

static int starts_with_base64(const uint8_t *data, size_t size) {
    size_t first = 0, second = 0, at;
    while (first < size && is_base64(data[first])) first++;
    at = first;
    if (at < size && data[at] == '\r') at++;
    if (first < 4 || at >= size || data[at++] != '\n') return 0;
    while (at < size && is_base64(data[at])) at++, second++;
    while (at < size && data[at] == '=') at++;
    return second > 0 && (at == size || data[at] == '\r' || data[at] == '\n');
}

static int starts(const uint8_t *data, size_t size, const char *magic, size_t length) {
    return size >= length && !memcmp(data, magic, length);
}

/* Python's .pyc. */
static int is_compiled(const uint8_t *data, size_t size) {
    return size > 4 && data[2] == '\r' && data[3] == '\n' && memchr(data + 4, 0, size < 16 ? size - 4 : 12);
}

/* Two bytes a character, one of them mostly zero. */
static int is_wide(const uint8_t *data, size_t size) {
    size_t zeros[2] = {0, 0}, beginning = size < 512 ? size : 512;
    if (!memchr(data, 0, size < 8 ? size : 8)) return 0;
    for (size_t i = 0; i < beginning; i++) zeros[i & 1] += !data[i];
    size_t most = zeros[zeros[1] > zeros[0]], least = zeros[zeros[1] <= zeros[0]];
    return most * 4 > beginning && least * 8 <= most;
}

int reader_wrapped(const uint8_t *data, size_t size) {
    size_t tail = size > 300 ? 300 : size;
    return starts(data, size, "PK\3\4", 4) || starts(data, size, "\x1f\x8b\x08", 3) || starts(data, size, "BZh", 3) ||
           starts(data, size, "\xfd" "7zXZ", 5) || starts(data, size, "SQLite", 6) ||
           starts(data, size, "\xff\xfe", 2) || starts(data, size, "\xfe\xff", 2) ||
           is_compiled(data, size) || is_wide(data, size) || (size >= 262 && !memcmp(data + 257, "ustar", 5)) ||
           (size && data[0] == '{' && memmem(data + size - tail, tail, "\"nbformat\"", 10)) ||
           starts_with_base64(data, size);
}
