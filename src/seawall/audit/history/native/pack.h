/* Git's packs as they lie on the disk (gitformat-pack(5)). Little-known words: a *family* is an object that is stored as it
   is, and all that are stored as differences from it or from one another.

   A pack may come from anybody: every length and offset is checked before it is used, and an object in which anything is
   amiss is left to git, which says what it is. The tests run this under the sanitizers on damaged packs. */

#ifndef SEAWALL_PACK_H
#define SEAWALL_PACK_H

#define _GNU_SOURCE
#include <libdeflate.h>
#include <stddef.h>
#include <stdint.h>

enum { COMMIT = 1, TREE = 2, BLOB = 3, TAG = 4, OFS_DELTA = 6, REF_DELTA = 7 };

#define NONE UINT32_MAX

struct entry {
    uint64_t offset, end;        /* in the pack */
    uint64_t weight;             /* bytes in the pack of it and of all that is made from it */
    uint32_t base;
    uint32_t child, sibling;     /* made from it; made from the same base */
    uint32_t heavy;              /* the child with the largest weight: its turn comes last, when the base is not needed any more */
    uint8_t kind;                /* 0: not known, as its base is not here */
};

struct place { uint64_t offset; uint32_t object; };

struct pack {
    const uint8_t *data, *index;
    size_t size, index_size;
    uint32_t count, hash;        /* objects; bytes of a name */
    uint32_t *ends;              /* by the first two bytes of a name: how many names are not greater than those */
    struct entry *entries;       /* in the order of their names */
    struct place *by_offset;     /* in the order of the pack */
    uint32_t *families;          /* objects with no base, but for trees, in the order of the pack */
    uint32_t family_count;
};

/* Where an object's content begins in the pack. */
struct header {
    uint64_t size;               /* of what is compressed */
    uint64_t at;                 /* where that begins */
    uint8_t kind;
    const uint8_t *base;         /* the name of what it is made from, or NULL */
    uint64_t back;               /* how far before it that is, or 0 */
};

/* One instruction of a delta: `length` bytes that are copied from `from` in the base, or, where `insert` is set, that
   stand there. */
struct step { uint64_t from, length; const uint8_t *insert; };

int delta_size(const uint8_t **at, const uint8_t *end, uint64_t *size);
int delta_step(const uint8_t **at, const uint8_t *end, struct step *step);
struct pack *pack_open(const char *path, const char *index);
void pack_close(struct pack *pack);
const uint8_t *pack_name(const struct pack *pack, uint32_t object);
uint32_t pack_find(const struct pack *pack, const uint8_t *name);
int pack_header(const struct pack *pack, const struct entry *entry, struct header *header);
int pack_inflate(const struct pack *pack, const struct entry *entry, const struct header *header,
                 struct libdeflate_decompressor *decompressor, uint8_t *out);

#endif
