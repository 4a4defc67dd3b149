/* Reads packs with ../../../src/seawall/audit/history/native/ in every way that Python does, under the sanitizers.

   usage: native_driver FOLDER…: in each a `p.pack` and a `p.idx`, whatever is in them. Prints for each how many objects it
   has, how many were gone through and left in the first reading, how many were left by following positions and handed
   out whole; -1 where the pack was not taken.

   Built with -Dmmap=exact_mmap -Dmunmap=exact_munmap: a file is then in memory that ends where it does. */

#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *exact_mmap(void *address, size_t size, int protection, int flags, int file, off_t from) {
    (void)protection, (void)flags;
    uint8_t *data = malloc(size);
    size_t done = 0;
    for (ssize_t more; data && done < size && (more = pread(file, data + done, size - done, from + (off_t)done)) > 0;)
        done += (size_t)more;
    return address || done < size ? MAP_FAILED : data;
}

int exact_munmap(void *data, size_t size) {
    (void)size;
    free(data);
    return 0;
}

uint32_t pack_count(const struct pack *pack);
uint32_t pack_families(const struct pack *pack);
uint8_t pack_kind(const struct pack *pack, uint32_t object);
uint32_t pack_unknown(const struct pack *pack, uint32_t *objects);
uint32_t pack_parts(const struct pack *pack, uint64_t least, uint32_t *firsts, uint64_t *weights);
struct reader *reader_open(const struct pack *pack, uint32_t longest);
void reader_close(struct reader *reader);
void reader_begin(struct reader *reader, uint32_t first, uint32_t last);
int reader_want(struct reader *reader, const uint32_t *objects, size_t count);
int reader_next(struct reader *reader);
int reader_follow(struct reader *reader, const struct position *found, size_t count);

static unsigned sum;             /* every byte that is handed out is read */

static void *some(size_t count, size_t size) {
    void *data = calloc(count ? count : 1, size);
    if (!data) abort();
    return data;
}

static uint64_t touched(const struct reader *reader, uint32_t count) {
    for (uint64_t i = 0; i < reader->out.text_length; i++) sum += reader->out.text[i];
    for (uint64_t i = 0; i < reader->out.window_count; i++) {
        struct window window = reader->out.windows[i];
        if (window.object >= count || window.at + (uint64_t)window.length > reader->out.text_length) abort();
        if (reader->out.text[window.at - 1] != '\n') abort();
    }
    for (uint64_t i = 0; i < reader->out.left_count; i++)
        if (reader->out.left[i] >= count) abort();
    for (uint64_t i = 0; i < reader->out.wrapped_count; i++)
        if (reader->out.wrapped[i] >= count) abort();
    for (uint64_t i = 0; i < reader->out.followed_count; i++)
        if (reader->out.followed[i].object >= count || reader->out.followed[i].reach) abort();
    return reader->out.left_count + reader->out.followed_count;
}

static int in_order(const void *one, const void *other) {
    const struct position *a = one, *b = other;
    if (a->object != b->object) return a->object < b->object ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* At every seventh byte of every third object's windows, some with a reach. */
static struct position *positions(struct reader *reader, uint32_t families, size_t *count) {
    size_t room = 1 << 16;
    struct position *found = some(room, sizeof *found);
    *count = 0;
    reader_begin(reader, 0, families);
    while (reader_next(reader) > 0)
        for (uint64_t i = 0; i < reader->out.window_count; i++) {
            struct window window = reader->out.windows[i];
            for (uint32_t at = 0; window.object % 3 == 0 && at < window.length && *count < room; at += 7)
                found[(*count)++] = (struct position){window.object, window.from + at, at % 5 * 100, at % 3};
        }
    qsort(found, *count, sizeof *found, in_order);
    return found;
}

static void read_all(const char *folder, uint32_t longest) {
    char path[4096], index[4096];
    snprintf(path, sizeof path, "%s/p.pack", folder);
    snprintf(index, sizeof index, "%s/p.idx", folder);
    struct pack *pack = pack_open(path, index);
    if (!pack) {
        puts("-1");
        return;
    }
    uint32_t count = pack_count(pack), families = pack_families(pack);
    uint32_t *objects = some(count, sizeof *objects), *firsts = some(families, sizeof *firsts);
    uint64_t *weights = some(families, sizeof *weights), left = 0, followed, whole = 0;
    pack_unknown(pack, objects);
    pack_parts(pack, 1000, firsts, weights);
    for (uint32_t i = 0; i < count; i++) {
        if (pack_kind(pack, i) > TAG) abort();
        sum += pack_find(pack, pack_name(pack, i));
    }
    struct reader *reader = reader_open(pack, longest);
    if (!reader) abort();
    reader_begin(reader, 0, families);
    while (reader_next(reader) > 0) left += touched(reader, count);
    uint64_t gone = reader->out.objects;
    size_t found_count;
    struct position *found = positions(reader, families, &found_count);
    if (reader_follow(reader, found, found_count)) abort();
    followed = touched(reader, count);
    for (uint32_t i = 0; i < count; i++) objects[i] = count - 1 - i;
    if (reader_want(reader, objects, count)) abort();
    reader_next(reader);         /* and ends in the midst */
    if (reader_want(reader, objects, count)) abort();
    while (reader_next(reader) > 0) touched(reader, count), whole += reader->out.window_count;
    printf("%u %llu %llu %llu %llu\n", count, (unsigned long long)gone, (unsigned long long)left,
           (unsigned long long)followed, (unsigned long long)whole);
    free(found);
    free(objects);
    free(firsts);
    free(weights);
    reader_close(reader);
    pack_close(pack);
}

int main(int count, char **folders) {
    for (int i = 1; i < count; i++) read_all(folders[i], i % 2 ? 18800 : 0);
    fprintf(stderr, "%s", sum == 42 ? " " : "");
    return 0;
}
