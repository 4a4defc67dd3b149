/* What each commit brings in: compares trees as git's diff-tree does, and remembers object, path and commit.

   Where a tree is not there or not as it should be, nothing is guessed: git is asked for everything instead. */

#include "table.h"
#include "trees.h"

#include <stdlib.h>
#include <string.h>

#define RECORDS (1u << 25)
#define DEEPEST 200              /* folders in folders */
#define PARENTS 32               /* of a merge */
#define LONGEST 4096             /* bytes of a path */

struct record { uint32_t commit, object, path; };

struct history {
    struct trees trees;
    uint32_t hash;
    struct table ids, paths;
    struct record *records;
    size_t record_count, record_room;
    int marking;                 /* tips are read: paths and commits do not count */
    uint32_t marked;             /* the ids before this one stand in a tip */
    uint32_t commits;
};

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
        if (!tree_of(&history->trees, item.id, &inner)) return 0;
        for (size_t i = 0; i < folder_count; i++)
            if (!tree_of(&history->trees, folders[i], &before[i])) return 0;
        path[length + item.length] = '/';
        if (!compare(history, inner, before, folder_count, path, length + item.length + 1, depth + 1)) return 0;
    }
}

/* What Python calls. */

void history_close(struct history *history) {
    if (!history) return;
    trees_close(&history->trees);
    free(history->records);
    free_table(&history->ids);
    free_table(&history->paths);
    free(history);
}

/* Whatever is read, gives up soon. */
void history_stop(struct history *history) { history->trees.stopped = 1; }

/* Of objects in `packs`, which stay the caller's, and in `folder`. */
struct history *history_open(struct pack *const *packs, size_t count, const char *folder, uint32_t hash) {
    struct history *history = calloc(1, sizeof *history);
    if (!history) return NULL;
    history->hash = history->ids.fixed = hash;
    if (trees_open(&history->trees, packs, count, folder, hash) && table_key()) return history;
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
            if (!tree_of(&history->trees, id, &tree)) return 0;
            for (size_t i = 0; i < count; i++)
                if (!tree_of(&history->trees, id + (i + 1) * history->hash, &parents[i])) return 0;
            if (!compare(history, tree, parents, count, path, 0, 0)) return 0;
        }
        forget(&history->trees);
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
        whole = number_of(&history->ids, id, history->hash) != NONE && tree_of(&history->trees, id, &tree) &&
                (!i || tree_of(&history->trees, id - history->hash, &before)) &&
                compare(history, tree, &before, i ? 1 : 0, path, 0, 0);
        forget(&history->trees);
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
    struct trees *trees = &history->trees;
    uint32_t count = 0;
    for (uint32_t number = 0; number < history->ids.count; number++) {
        const uint8_t *id = history->ids.bytes + (size_t)number * history->hash;
        size_t tried = 0;
        while (tried < trees->pack_count && pack_find(trees->packs[trees->latest], id) == NONE) {
            trees->latest = (trees->latest + 1) % trees->pack_count;
            tried++;
        }
        if (tried == trees->pack_count) numbers[count++] = number;
    }
    return count;
}
