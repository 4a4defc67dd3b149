/* See trees.h. */

#include "trees.h"

#include "table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CACHED
#define CACHED (48u << 20)       /* bytes of trees that are kept from one commit to the next */
#endif
#define TURN (CACHED / 4)        /* bytes of trees that are made in one turn: see forget() */
#define LARGEST (32u << 20)      /* bytes of a tree */
#define MOST (512u << 20)        /* bytes of trees for one commit */
#define LONGEST 4096             /* bytes of a path of the system's */

static uint8_t *applied(struct trees *trees, const uint8_t *base, size_t base_size, size_t delta_length, uint32_t *size) {
    const uint8_t *at = trees->delta, *end = at + delta_length;
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
static int unpack(struct trees *trees, size_t number, uint32_t object) {
    const struct pack *pack = trees->packs[number];
    const struct entry *entry = &pack->entries[object];
    struct header header;
    uint8_t *made = NULL;
    uint32_t size = 0;
    if (!pack_header(pack, entry, &header) || header.size > LARGEST) return 0;
    if (entry->base == NONE) {
        made = malloc(header.size + 1);
        size = (uint32_t)header.size;
        if (made && !pack_inflate(pack, entry, &header, trees->decompressor, made)) {
            free(made);
            made = NULL;
        }
    } else if (grow(&trees->delta, &trees->delta_room, header.size + 1, 1) &&
               pack_inflate(pack, entry, &header, trees->decompressor, trees->delta)) {
        uint32_t base = entry->base;
        made = applied(trees, trees->cache[number][base].data, trees->cache[number][base].size, header.size, &size);
    }
    if (!made) return 0;
    trees->cache[number][object] = (struct kept){made, size, trees->turn};
    trees->cached += size;
    trees->made += size;
    return 1;
}

static void drop(struct trees *trees, size_t number, uint32_t object) {
    struct kept *kept = &trees->cache[number][object];
    trees->cached -= kept->size;
    free(kept->data);
    *kept = (struct kept){NULL, 0, 0};
}

static int packed_tree(struct trees *trees, size_t number, uint32_t object, struct tree *tree) {
    const struct pack *pack = trees->packs[number];
    struct kept *cache = trees->cache[number];
    if (pack->entries[object].kind != TREE) return 0;
    size_t length = 0;
    uint32_t next = object;
    for (; next != NONE && !cache[next].data; next = pack->entries[next].base) {
        if (!grow(&trees->chain, &trees->chain_room, length + 1, sizeof *trees->chain)) return 0;
        trees->chain[length++] = next;
    }
    if (next != NONE) cache[next].turn = trees->turn;
    for (size_t i = length; i-- > 0;) {
        if (!unpack(trees, number, trees->chain[i])) return 0;
        if (i + 1 < length && trees->cached > CACHED) drop(trees, number, trees->chain[i + 1]);
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
static int loose_tree(struct trees *trees, const uint8_t *id, struct tree *tree) {
    char path[LONGEST];
    size_t size = 0, length = 0;
    int at = snprintf(path, sizeof path - 2 * 32 - 3, "%s/%02x/", trees->folder, id[0]);
    if (at < 0 || (size_t)at >= sizeof path - 2 * 32 - 3) return 0;
    for (uint32_t i = 1; i < trees->hash; i++) at += sprintf(path + at, "%02x", id[i]);
    uint8_t *file = file_content(path, &size), *data = NULL;
    enum libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    for (size_t room = 1 << 14; file && result == LIBDEFLATE_INSUFFICIENT_SPACE && room <= LARGEST; room *= 4) {
        free(data);
        data = malloc(room);
        if (!data) break;
        result = libdeflate_zlib_decompress(trees->decompressor, file, size, data, room, &length);
    }
    free(file);
    uint8_t *start = data && result == LIBDEFLATE_SUCCESS ? memchr(data, 0, length < 32 ? length : 32) : NULL;
    if (!start || memcmp(data, "tree ", 5) ||
        !grow(&trees->transient, &trees->transient_room, trees->transient_count + 1, sizeof *trees->transient)) {
        free(data);
        return 0;
    }
    trees->transient[trees->transient_count++] = data;
    trees->loose += length;
    *tree = (struct tree){start + 1, length - (size_t)(start + 1 - data)};
    return 1;
}

int tree_of(struct trees *trees, const uint8_t *id, struct tree *tree) {
    if (trees->stopped || trees->cached + trees->loose > MOST) return 0;
    for (size_t i = 0; i < trees->pack_count; i++) {
        size_t number = (trees->latest + i) % trees->pack_count;
        uint32_t object = pack_find(trees->packs[number], id);
        if (object == NONE || !packed_tree(trees, number, object, tree)) continue;
        trees->latest = number;
        return 1;
    }
    return loose_tree(trees, id, tree);
}

/* What was not used in so many turns, this one too. */
static void drop_all(struct trees *trees, uint32_t turns) {
    for (size_t i = 0; i < trees->pack_count; i++) {
        const struct kept *cache = trees->cache[i];
        for (uint32_t object = 0; object < trees->packs[i]->count; object++)
            if (cache[object].data && trees->turn - cache[object].turn >= turns) drop(trees, i, object);
    }
}

/* Between two commits: what was not used for long, so that the next ones find what they need. */
void forget(struct trees *trees) {
    while (trees->transient_count) free(trees->transient[--trees->transient_count]);
    trees->loose = 0;
    if (trees->made > TURN) {
        trees->turn++;
        trees->made = 0;
    }
    if (trees->cached <= CACHED) return;
    for (uint32_t turns = CACHED / TURN; trees->cached > CACHED - TURN; turns--) drop_all(trees, turns);
}

int trees_open(struct trees *trees, struct pack *const *packs, size_t count, const char *folder, uint32_t hash) {
    trees->packs = packs;
    trees->hash = hash;
    trees->folder = strdup(folder);
    trees->decompressor = libdeflate_alloc_decompressor();
    trees->cache = calloc(count + 1, sizeof *trees->cache);
    if (!trees->folder || !trees->decompressor || !trees->cache || hash > 32) return 0;
    for (; trees->pack_count < count; trees->pack_count++) {
        const struct pack *pack = packs[trees->pack_count];
        struct kept *cache = pack->hash == hash ? calloc(pack->count + 1u, sizeof *cache) : NULL;
        if (!cache) return 0;
        trees->cache[trees->pack_count] = cache;
    }
    return 1;
}

void trees_close(struct trees *trees) {
    drop_all(trees, 0);
    while (trees->transient_count) free(trees->transient[--trees->transient_count]);
    for (size_t i = 0; i < trees->pack_count; i++) free(trees->cache[i]);
    free(trees->cache);
    free(trees->transient);
    free(trees->delta);
    free(trees->chain);
    free(trees->folder);
    if (trees->decompressor) libdeflate_free_decompressor(trees->decompressor);
}
