/* What each commit brings in: compares trees as git's diff-tree does, and remembers object, path and commit.

   Trees come from packs and from loose files. Where one is not there or not as it should be, nothing is guessed:
   git is asked for everything instead. */

#include "pack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CACHED
#define CACHED (48u << 20)       /* bytes of trees that are kept from one commit to the next */
#endif
#define TURN (CACHED / 4)         /* bytes of trees that are made in one turn: see forget() */
#define LARGEST (32u << 20)      /* bytes of a tree */
#define MOST (512u << 20)        /* bytes of trees for one commit */
#define RECORDS (1u << 25)
#define DEEPEST 200              /* folders in folders */
#define PARENTS 32               /* of a merge */
#define LONGEST 4096             /* bytes of a path */

/* Strings, each once, by number. */
struct table {
    uint32_t fixed;              /* bytes of each, where all have as many: then there are no `ends` */
    uint8_t *bytes;
    size_t used, room, ends_room;
    uint64_t *ends;              /* where in `bytes` each ends */
    uint32_t count;
    uint32_t *slots, slot_count; /* numbers and one, 0: free */
};

struct record { uint32_t commit, object, path; };

struct tree { const uint8_t *data; size_t size; };

/* A tree that is kept, or no data; in which turn it was used last: see forget(). */
struct kept { uint8_t *data; uint32_t size, turn; };

struct history {
    struct pack *const *packs;
    size_t pack_count, latest;   /* the pack that had what was asked for last: it has the next one as well */
    uint32_t hash;
    char *folder;                /* of loose objects */
    struct libdeflate_decompressor *decompressor;
    struct kept **cache;         /* by pack, by object */
    uint32_t turn;
    uint64_t cached, made, loose; /* bytes: of packed trees; made in this turn; of loose ones, of this commit alone */
    volatile int stopped;        /* by another thread */
    uint8_t **transient;         /* of this commit alone */
    size_t transient_count, transient_room;
    uint8_t *delta;
    size_t delta_room;
    uint32_t *chain;             /* an object, its base, the base's base … */
    size_t chain_room;
    struct table ids, paths;
    struct record *records;
    size_t record_count, record_room;
    int marking;                 /* tips are read: paths and commits do not count */
    uint32_t marked;             /* the ids before this one stand in a tip */
    uint32_t commits;
};

static int grow(void *array, size_t *room, size_t needed, size_t size) {
    if (needed <= *room) return 1;
    size_t more = *room + *room / 2 + 64;
    if (more < needed) more = needed;
    void *larger = realloc(*(void **)array, more * size);
    if (!larger) return 0;
    *(void **)array = larger;
    *room = more;
    return 1;
}

/* The table. */

/* With a key that nobody knows: who makes a repository cannot choose names that all have one place in the table. */
static uint64_t key;

static uint64_t mixed(uint64_t value) {
    unsigned __int128 product = (unsigned __int128)value * 0x9e3779b97f4a7c15u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t part_of(const uint8_t *text, size_t length) {
    uint64_t part = 0;
    memcpy(&part, text, length < sizeof part ? length : sizeof part);
    return part;
}

static uint32_t hashed(const uint8_t *text, size_t length) {
    uint64_t sum = mixed(key ^ length);
    for (; length >= 8; text += 8, length -= 8) sum = mixed(sum ^ part_of(text, 8)) ^ key;
    return (uint32_t)mixed(sum ^ part_of(text, length));
}

static const uint8_t *text_of(const struct table *table, uint32_t number, size_t *length) {
    if (table->fixed) {
        *length = table->fixed;
        return table->bytes + (size_t)number * table->fixed;
    }
    uint64_t from = number ? table->ends[number - 1] : 0;
    *length = table->ends[number] - from;
    return table->bytes + from;
}

static uint32_t *slot_of(const struct table *table, const uint8_t *text, size_t length) {
    uint32_t at = hashed(text, length) & (table->slot_count - 1);
    for (;; at = (at + 1) & (table->slot_count - 1)) {
        if (!table->slots[at]) return &table->slots[at];
        size_t other;
        const uint8_t *there = text_of(table, table->slots[at] - 1, &other);
        if (other == length && !memcmp(there, text, length)) return &table->slots[at];
    }
}

static int rehash(struct table *table) {
    uint32_t count = table->slot_count ? 2 * table->slot_count : 1024;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots) return 0;
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    for (uint32_t i = 0; i < table->count; i++) {
        size_t length;
        const uint8_t *text = text_of(table, i, &length);
        *slot_of(table, text, length) = i + 1;
    }
    return 1;
}

/* The number of a string, which is added if it is not there; NONE without memory. */
static uint32_t number_of(struct table *table, const uint8_t *text, size_t length) {
    if (table->count >= 1u << 30) return NONE;
    if (2 * (uint64_t)table->count >= table->slot_count && !rehash(table)) return NONE;
    uint32_t *slot = slot_of(table, text, length);
    if (*slot) return *slot - 1;
    if (!grow(&table->bytes, &table->room, table->used + length, 1)) return NONE;
    if (!table->fixed && !grow(&table->ends, &table->ends_room, table->count + 1, sizeof *table->ends)) return NONE;
    memcpy(table->bytes + table->used, text, length);
    table->used += length;
    if (!table->fixed) table->ends[table->count] = table->used;
    *slot = ++table->count;
    return table->count - 1;
}

static uint32_t known_number(const struct table *table, const uint8_t *text, size_t length) {
    if (!table->slot_count) return NONE;
    uint32_t *slot = slot_of(table, text, length);
    return *slot ? *slot - 1 : NONE;
}

static void free_table(struct table *table) {
    free(table->bytes);
    free(table->ends);
    free(table->slots);
}

/* Trees. */

static uint8_t *applied(struct history *history, const uint8_t *base, size_t base_size, size_t delta_length, uint32_t *size) {
    const uint8_t *at = history->delta, *end = at + delta_length;
    uint64_t said, result, done = 0;
    if (!delta_size(&at, end, &said) || !delta_size(&at, end, &result) || said != base_size || result > LARGEST) return NULL;
    uint8_t *made = malloc(result + 1);
    if (!made) return NULL;
    while (at < end) {
        struct step step;
        if (!delta_step(&at, end, &step) || step.length > result - done) break;
        if (!step.insert && (step.from > base_size || step.length > base_size - step.from)) break;
        memcpy(made + done, step.insert ? step.insert : base + step.from, step.length);
        done += step.length;
    }
    *size = (uint32_t)result;
    if (at == end && done == result) return made;
    free(made);
    return NULL;
}

/* Makes one object from its base, which is in the cache, or as it is. */
static int unpack(struct history *history, size_t number, uint32_t object) {
    const struct pack *pack = history->packs[number];
    const struct entry *entry = &pack->entries[object];
    struct header header;
    uint8_t *made = NULL;
    uint32_t size = 0;
    if (!pack_header(pack, entry, &header, NULL) || header.size > LARGEST) return 0;
    if (entry->base == NONE) {
        made = malloc(header.size + 1);
        size = (uint32_t)header.size;
        if (made && !pack_inflate(pack, entry, &header, history->decompressor, made)) {
            free(made);
            made = NULL;
        }
    } else if (grow(&history->delta, &history->delta_room, header.size + 1, 1) &&
               pack_inflate(pack, entry, &header, history->decompressor, history->delta)) {
        uint32_t base = entry->base;
        made = applied(history, history->cache[number][base].data, history->cache[number][base].size, header.size, &size);
    }
    if (!made) return 0;
    history->cache[number][object] = (struct kept){made, size, history->turn};
    history->cached += size;
    history->made += size;
    return 1;
}

static void drop(struct history *history, size_t number, uint32_t object) {
    struct kept *kept = &history->cache[number][object];
    history->cached -= kept->size;
    free(kept->data);
    *kept = (struct kept){NULL, 0, 0};
}

static int packed_tree(struct history *history, size_t number, uint32_t object, struct tree *tree) {
    const struct pack *pack = history->packs[number];
    struct kept *cache = history->cache[number];
    if (pack->entries[object].kind != TREE) return 0;
    size_t length = 0;
    uint32_t next = object;
    for (; next != NONE && !cache[next].data; next = pack->entries[next].base) {
        if (!grow(&history->chain, &history->chain_room, length + 1, sizeof *history->chain)) return 0;
        history->chain[length++] = next;
    }
    if (next != NONE) cache[next].turn = history->turn;
    for (size_t i = length; i-- > 0;) {
        if (!unpack(history, number, history->chain[i])) return 0;
        if (i + 1 < length && history->cached > CACHED) drop(history, number, history->chain[i + 1]);
    }
    *tree = (struct tree){cache[object].data, cache[object].size};
    return 1;
}

static uint8_t *file_content(const char *path, size_t *size) {
    struct stat status;
    uint8_t *data = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return NULL;
    if (!fstat(file, &status) && S_ISREG(status.st_mode) && status.st_size > 0 && status.st_size <= LARGEST) {
        *size = (size_t)status.st_size;
        data = malloc(*size);
        if (data && read(file, data, *size) != (ssize_t)*size) {
            free(data);
            data = NULL;
        }
    }
    close(file);
    return data;
}

/* A file of its own: `tree`, its size, a zero byte and the tree, compressed. */
static int loose_tree(struct history *history, const uint8_t *id, struct tree *tree) {
    char path[LONGEST];
    size_t size = 0, length = 0;
    int at = snprintf(path, sizeof path - 2 * 32 - 3, "%s/%02x/", history->folder, id[0]);
    if (at < 0 || (size_t)at >= sizeof path - 2 * 32 - 3) return 0;
    for (uint32_t i = 1; i < history->hash; i++) at += sprintf(path + at, "%02x", id[i]);
    uint8_t *file = file_content(path, &size), *data = NULL;
    enum libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    for (size_t room = 1 << 14; file && result == LIBDEFLATE_INSUFFICIENT_SPACE && room <= LARGEST; room *= 4) {
        free(data);
        data = malloc(room);
        if (!data) break;
        result = libdeflate_zlib_decompress(history->decompressor, file, size, data, room, &length);
    }
    free(file);
    uint8_t *start = data && result == LIBDEFLATE_SUCCESS ? memchr(data, 0, length < 32 ? length : 32) : NULL;
    if (!start || memcmp(data, "tree ", 5) ||
        !grow(&history->transient, &history->transient_room, history->transient_count + 1, sizeof *history->transient)) {
        free(data);
        return 0;
    }
    history->transient[history->transient_count++] = data;
    history->loose += length;
    *tree = (struct tree){start + 1, length - (size_t)(start + 1 - data)};
    return 1;
}

static int tree_of(struct history *history, const uint8_t *id, struct tree *tree) {
    if (history->stopped || history->cached + history->loose > MOST) return 0;
    for (size_t i = 0; i < history->pack_count; i++) {
        size_t number = (history->latest + i) % history->pack_count;
        uint32_t object = pack_find(history->packs[number], id);
        if (object == NONE || !packed_tree(history, number, object, tree)) continue;
        history->latest = number;
        return 1;
    }
    return loose_tree(history, id, tree);
}

/* What was not used in so many turns, this one too. */
static void drop_all(struct history *history, uint32_t turns) {
    for (size_t i = 0; i < history->pack_count; i++) {
        const struct kept *cache = history->cache[i];
        for (uint32_t object = 0; object < history->packs[i]->count && cache; object++)
            if (cache[object].data && history->turn - cache[object].turn >= turns) drop(history, i, object);
    }
}

/* Between two commits: what was not used for long, so that the next ones find what they need. */
static void forget(struct history *history) {
    while (history->transient_count) free(history->transient[--history->transient_count]);
    history->loose = 0;
    if (history->made > TURN) {
        history->turn++;
        history->made = 0;
    }
    if (history->cached <= CACHED) return;
    for (uint32_t turns = CACHED / TURN; history->cached > CACHED - TURN; turns--) drop_all(history, turns);
}

/* Entries: a mode in octal digits, a space, a name, a zero byte, an id. */

struct item { const uint8_t *name, *id; size_t length; uint32_t mode; };

/* 1: there is one; 0: the end; -1: not a tree. */
static int next_item(const struct history *history, struct tree *left, struct item *item) {
    const uint8_t *at = left->data, *end = at + left->size;
    if (!left->size) return 0;
    if (*at == ' ') return -1;
    for (item->mode = 0; at < end && *at != ' '; at++) {
        if (*at < '0' || *at > '7' || item->mode >> 20) return -1;
        item->mode = item->mode << 3 | (uint32_t)(*at - '0');
    }
    if (at == end) return -1;
    item->name = ++at;
    at = memchr(at, 0, (size_t)(end - at));
    if (!at || at == item->name || (size_t)(end - at) <= history->hash) return -1;
    item->length = (size_t)(at - item->name);
    item->id = at + 1;
    at += 1 + history->hash;
    *left = (struct tree){at, (size_t)(end - at)};
    switch (item->mode & 0170000) {    /* as git's canon_mode */
    case 0100000: item->mode = item->mode & 0100 ? 0100755 : 0100644; break;
    case 0120000: case 0040000: item->mode &= 0170000; break;
    default: item->mode = 0160000;
    }
    return 1;
}

static int is_folder(const struct item *item) { return (item->mode & 0170000) == 040000; }

/* Folders sort as if their names ended with a slash. */
static int compared(const struct item *one, const struct item *other) {
    size_t common = one->length < other->length ? one->length : other->length;
    int order = memcmp(one->name, other->name, common);
    if (order) return order;
    uint8_t a = one->length > common ? one->name[common] : is_folder(one) ? '/' : 0;
    uint8_t b = other->length > common ? other->name[common] : is_folder(other) ? '/' : 0;
    return (a > b) - (a < b);
}

static int same_name(const struct item *one, const struct item *other) {
    return one->length == other->length && !memcmp(one->name, other->name, one->length);
}

static int remember(struct history *history, const struct item *item, const char *path, size_t length) {
    uint32_t object = NONE;
    if ((item->mode & 0170000) != 0160000 && (object = number_of(&history->ids, item->id, history->hash)) == NONE) return 0;
    if (history->marking) return 1;
    uint32_t number = number_of(&history->paths, (const uint8_t *)path, length);
    if (number == NONE || history->record_count >= RECORDS) return 0;
    if (!grow(&history->records, &history->record_room, history->record_count + 1, sizeof *history->records)) return 0;
    history->records[history->record_count++] = (struct record){history->commits, object, number};
    return 1;
}

/* Passes over the entries at the beginning of both that are the same: nearly all are. */
static void pass_over(const struct history *history, struct tree *one, struct tree *other) {
    while (one->size > history->hash) {
        const uint8_t *zero = memchr(one->data, 0, one->size - history->hash);
        size_t length = zero ? (size_t)(zero - one->data) + 1 + history->hash : SIZE_MAX;
        if (length > one->size || length > other->size || memcmp(one->data, other->data, length)) return;
        *one = (struct tree){one->data + length, one->size - length};
        *other = (struct tree){other->data + length, other->size - length};
    }
}

/* A parent's entries: `item` is the next one, if it was read. */
struct parent { struct tree left; struct item item; int state; };

enum { AT_AN_END = 0, READ = 1, NOT_READ = 2 };

/* Whether a parent has something under the name of `item`; -1: it is no tree. */
static int has_name(const struct history *history, struct parent *parent, const struct item *item) {
    while (parent->state == NOT_READ ||
           (parent->state == READ && compared(&parent->item, item) < 0 && !same_name(&parent->item, item))) {
        parent->state = next_item(history, &parent->left, &parent->item);
        if (parent->state < 0) return -1;
    }
    return parent->state == READ && same_name(&parent->item, item);
}

/* Everything in `tree` that is in none of the parents under the same name. */
static int compare(struct history *history, struct tree tree, const struct tree *trees, size_t count, char *path,
                   size_t length, int depth) {
    struct parent parents[PARENTS];
    struct item item;
    int more;
    if (depth > DEEPEST) return 0;
    for (size_t i = 0; i < count; i++) {
        parents[i].left = trees[i];
        parents[i].state = NOT_READ;
    }
    for (;;) {
        if (count == 1 && parents[0].state == NOT_READ) pass_over(history, &tree, &parents[0].left);
        if ((more = next_item(history, &tree, &item)) <= 0) return more == 0;
        struct tree inner, before[PARENTS];
        const uint8_t *folders[PARENTS];
        size_t folder_count = 0;
        int is_new = 1;
        for (size_t i = 0; i < count; i++) {
            struct parent *parent = &parents[i];
            int has = has_name(history, parent, &item);
            if (has < 0) return 0;
            if (!has) continue;
            parent->state = NOT_READ;
            if (parent->item.mode == item.mode && !memcmp(parent->item.id, item.id, history->hash)) is_new = 0;
            else if (is_folder(&parent->item)) folders[folder_count++] = parent->item.id;
        }
        if (!is_new) continue;
        if (item.length >= LONGEST - length - 1) return 0;
        memcpy(path + length, item.name, item.length);
        uint32_t known = history->ids.count;
        if (!remember(history, &item, path, length + item.length)) return 0;
        if (!is_folder(&item) || (history->marking && history->ids.count == known)) continue;    /* or marked before */
        if (!tree_of(history, item.id, &inner)) return 0;
        for (size_t i = 0; i < folder_count; i++)
            if (!tree_of(history, folders[i], &before[i])) return 0;
        path[length + item.length] = '/';
        if (!compare(history, inner, before, folder_count, path, length + item.length + 1, depth + 1)) return 0;
    }
}

/* What Python calls. */

void history_close(struct history *history) {
    if (!history) return;
    drop_all(history, 0);
    for (size_t i = 0; i < history->pack_count; i++) free(history->cache[i]);
    free(history->cache);
    free(history->transient);
    free(history->delta);
    free(history->chain);
    free(history->records);
    free(history->folder);
    free_table(&history->ids);
    free_table(&history->paths);
    if (history->decompressor) libdeflate_free_decompressor(history->decompressor);
    free(history);
}

/* Whatever is read, gives up soon. */
void history_stop(struct history *history) { history->stopped = 1; }

/* Of objects in `packs`, which stay the caller's, and in `folder`. */
struct history *history_open(struct pack *const *packs, size_t count, const char *folder, uint32_t hash) {
    struct history *history = calloc(1, sizeof *history);
    if (!history || (!key && getrandom(&key, sizeof key, 0) != sizeof key)) {
        free(history);
        return NULL;
    }
    history->packs = packs;
    history->hash = history->ids.fixed = hash;
    history->folder = strdup(folder);
    history->decompressor = libdeflate_alloc_decompressor();
    history->cache = calloc(count + 1, sizeof *history->cache);
    int whole = history->folder && history->decompressor && history->cache && hash <= 32;
    for (; whole && history->pack_count < count; history->pack_count++) {
        struct kept *cache = calloc(packs[history->pack_count]->count + 1u, sizeof *cache);
        history->cache[history->pack_count] = cache;
        whole = cache && packs[history->pack_count]->hash == hash;
        if (!cache) break;
    }
    if (whole) return history;
    history_close(history);
    return NULL;
}

/* Commits, one after the other: how many parents (a byte), the ids of its tree and of their trees. 0: not all was there. */
int history_read(struct history *history, const uint8_t *commits, size_t size) {
    char path[LONGEST];
    struct tree tree, parents[PARENTS];
    const uint8_t *end = commits + size;
    while (commits < end) {
        size_t count = *commits++;
        if (count > PARENTS || (size_t)(end - commits) < (count + 1) * history->hash) return 0;
        const uint8_t *id = commits;
        commits += (count + 1) * history->hash;
        int is_new = number_of(&history->ids, id, history->hash) != NONE;
        if (!is_new) return 0;
        for (size_t i = 0; i < count; i++)
            if (!memcmp(id, id + (i + 1) * history->hash, history->hash)) is_new = 0;
        if (is_new) {
            if (!tree_of(history, id, &tree)) return 0;
            for (size_t i = 0; i < count; i++)
                if (!tree_of(history, id + (i + 1) * history->hash, &parents[i])) return 0;
            if (!compare(history, tree, parents, count, path, 0, 0)) return 0;
        }
        forget(history);
        history->commits++;
    }
    return 1;
}

/* Remembers what stands in the `trees` of tips: before any commit is read, so that theirs are the first numbers. Each
   is compared with the one before, as they have most in common. */
int history_mark(struct history *history, const uint8_t *trees, size_t count) {
    char path[LONGEST];
    struct tree tree, before;
    int whole = 1;
    history->marking = 1;
    for (size_t i = 0; i < count && whole; i++) {
        const uint8_t *id = trees + i * history->hash;
        whole = number_of(&history->ids, id, history->hash) != NONE && tree_of(history, id, &tree) &&
                (!i || tree_of(history, id - history->hash, &before)) &&
                compare(history, tree, &before, i ? 1 : 0, path, 0, 0);
        forget(history);
    }
    history->marking = 0;
    history->marked = history->ids.count;
    return whole;
}

int history_marked(const struct history *history, uint32_t id) { return id < history->marked; }

uint32_t history_paths(const struct history *history, const uint8_t **bytes, const uint64_t **ends) {
    *bytes = history->paths.bytes;
    *ends = history->paths.ends;
    return history->paths.count;
}

uint32_t history_id(const struct history *history, const uint8_t *id) {
    return known_number(&history->ids, id, history->hash);
}

const uint8_t *history_ids(const struct history *history, uint32_t *count) {
    *count = history->ids.count;
    return history->ids.bytes;
}

/* Records whose object, or whose path, is among `wanted` (numbers, sorted): commit, object, path each; in order. */
size_t history_select(const struct history *history, const uint32_t *wanted, size_t count, int by_path, struct record *found) {
    size_t number = 0;
    uint32_t last = by_path ? history->paths.count : history->ids.count;
    uint8_t *flags = calloc(last + 1u, 1);
    if (!flags) return 0;
    for (size_t i = 0; i < count; i++)
        if (wanted[i] < last) flags[wanted[i]] = 1;
    for (size_t i = 0; i < history->record_count; i++) {
        uint32_t key = by_path ? history->records[i].path : history->records[i].object;
        if (key == NONE || !flags[key]) continue;
        if (found) found[number] = history->records[i];
        number++;
    }
    free(flags);
    return number;
}

/* Objects of a pack that stand in no commit, commits among them; returns how many. */
uint32_t history_strangers(const struct history *history, const struct pack *pack, uint32_t *objects) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pack->count; i++)
        if (known_number(&history->ids, pack_name(pack, i), history->hash) == NONE)
            objects[count++] = i;
    return count;
}

/* Ids that stand in a commit and are in no pack: their numbers; returns how many. */
uint32_t history_elsewhere(struct history *history, uint32_t *numbers) {
    uint32_t count = 0;
    for (uint32_t number = 0; number < history->ids.count; number++) {
        const uint8_t *id = history->ids.bytes + (size_t)number * history->hash;
        size_t tried = 0;
        while (tried < history->pack_count && pack_find(history->packs[history->latest], id) == NONE) {
            history->latest = (history->latest + 1) % history->pack_count;
            tried++;
        }
        if (tried == history->pack_count) numbers[count++] = number;
    }
    return count;
}
