/* Reads packs with ../../../src/seawall/audit/history/native/ in every way that Python does, under the sanitizers.

   usage: native_driver FOLDER…: in each a `p.pack` and a `p.idx`, whatever is in them. Prints for each how many objects it
   has, how many were gone through and left in the first reading, how many were left by following positions and handed
   out whole, and how often an object came in when trees were compared; -1 where the pack was not taken.

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
uint32_t pack_hash(const struct pack *pack);
struct history;
struct history *history_open(struct pack *const *packs, size_t count, const char *folder, uint32_t hash);
void history_close(struct history *history);
int history_read(struct history *history, const uint8_t *commits, size_t size);
int history_mark(struct history *history, const uint8_t *trees, size_t count);
int history_marked(const struct history *history, uint32_t id);
uint32_t history_paths(const struct history *history, const uint8_t **bytes, const uint64_t **ends);
uint32_t history_id(const struct history *history, const uint8_t *id);
const uint8_t *history_ids(const struct history *history, uint32_t *count);
size_t history_select(const struct history *history, const uint32_t *wanted, size_t count, int by_path, void *found);
uint32_t history_strangers(const struct history *history, const struct pack *pack, uint32_t *objects);
uint32_t history_elsewhere(struct history *history, uint32_t *numbers);

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

/* Every tree against none, the one before and itself, as commits would have them; loose objects are in `objects`. */
static uint64_t compare_all(struct pack *pack, const char *folder) {
    char objects[4096];
    snprintf(objects, sizeof objects, "%s/objects", folder);
    struct pack *packs[] = {pack};
    struct history *history = history_open(packs, 1, objects, pack_hash(pack));
    if (!history) abort();
    uint8_t commit[1 + 4 * 32];
    const uint8_t *before = NULL, *bytes;
    const uint64_t *ends;
    uint32_t ids, hash = pack_hash(pack), count = pack_count(pack);
    for (uint32_t i = 0; i < count; i++)
        if (pack_kind(pack, i) == TREE)
            sum += history_mark(history, pack_name(pack, i), i + 1 < count && pack_kind(pack, i + 1) == TREE ? 2 : 1);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *name = pack_name(pack, i);
        if (pack_kind(pack, i) != TREE && pack_kind(pack, i)) continue;
        commit[0] = before ? (uint8_t)(i % 3) : 0;
        memcpy(commit + 1, name, hash);
        memcpy(commit + 1 + hash, before ? before : name, hash);
        memcpy(commit + 1 + 2 * hash, i % 2 ? name : before ? before : name, hash);
        sum += history_read(history, commit, 1 + (commit[0] + 1u) * hash);
        sum += history_read(history, commit, (size_t)i % (2 * hash));
        before = name;
    }
    uint32_t paths = history_paths(history, &bytes, &ends);
    for (uint64_t i = 0; paths && i < ends[paths - 1]; i++) sum += bytes[i];
    const uint8_t *names = history_ids(history, &ids);
    uint32_t *wanted = some(ids + (size_t)paths, sizeof *wanted);
    for (uint32_t i = 0; i < ids || i < paths; i++) wanted[i] = i;
    for (uint32_t i = 0; i < ids; i++) {
        if (history_id(history, names + (size_t)i * hash) != i) abort();
        sum += history_marked(history, i);
    }
    size_t records = history_select(history, wanted, paths, 1, NULL), by_object = history_select(history, wanted, ids, 0, NULL);
    if (by_object > records) abort();
    uint32_t *found = some(records, 3 * sizeof *found);
    if (history_select(history, wanted, paths, 1, found) != records) abort();
    for (size_t i = 0; i < records; i++)
        if (found[3 * i + 2] >= paths || (found[3 * i + 1] >= ids && found[3 * i + 1] != NONE)) abort();
    uint32_t *strangers = some(count, sizeof *strangers), *elsewhere = some(ids, sizeof *elsewhere);
    sum += history_strangers(history, pack, strangers) + history_elsewhere(history, elsewhere);
    free(wanted);
    free(found);
    free(strangers);
    free(elsewhere);
    history_close(history);
    return records;
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
    printf("%u %llu %llu %llu %llu %llu\n", count, (unsigned long long)gone, (unsigned long long)left,
           (unsigned long long)followed, (unsigned long long)whole, (unsigned long long)compare_all(pack, folder));
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
