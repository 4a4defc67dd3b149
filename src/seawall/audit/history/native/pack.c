/* Opens a pack: its index, and which object is made from which. See pack.h. */

#include "pack.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define AHEAD 16                 /* objects: what is needed after so many more is fetched from memory meanwhile */

static uint32_t big32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The pack's index: names, offsets. */

const uint8_t *pack_name(const struct pack *pack, uint32_t object) {
    return pack->index + 8 + 1024 + (size_t)object * pack->hash;
}

static uint64_t offset_of(const struct pack *pack, uint32_t object) {
    const uint8_t *offsets = pack->index + 8 + 1024 + (size_t)pack->count * (pack->hash + 4);
    uint32_t offset = big32(offsets + (size_t)object * 4);
    if (!(offset & 0x80000000u)) return offset;
    const uint8_t *large = offsets + (size_t)pack->count * 4;
    size_t room = (size_t)(pack->index + pack->index_size - 2 * pack->hash - large) / 8;
    if ((offset & 0x7fffffffu) >= room) return 0;
    large += (size_t)(offset & 0x7fffffffu) * 8;
    return (uint64_t)big32(large) << 32 | big32(large + 4);
}

static uint32_t beginning(const uint8_t *name) { return (uint32_t)name[0] << 8 | name[1]; }

uint32_t pack_find(const struct pack *pack, const uint8_t *name) {
    uint32_t two = beginning(name), low = two ? pack->ends[two - 1] : 0, high = pack->ends[two];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(pack_name(pack, middle), name, pack->hash);
        if (!order) return middle;
        if (order < 0) low = middle + 1; else high = middle;
    }
    return NONE;
}

/* How many names begin with two bytes or with lesser ones. The index tells it of one byte, which leaves much to search. */
static void count_names(struct pack *pack) {
    for (uint32_t i = 0; i < pack->count; i++) pack->ends[beginning(pack_name(pack, i))]++;
    for (uint32_t two = 1; two < 1 << 16; two++) pack->ends[two] += pack->ends[two - 1];
}

/* The object at an offset, sought from one behind it, its place, to the front: a base stands near what is made from it. */
static uint32_t find_offset(const struct pack *pack, uint64_t offset, uint32_t place) {
    uint32_t low = 0, high = place;
    for (uint32_t step = 1; step <= high; step *= 2) {
        if (pack->by_offset[place - step].offset <= offset) {
            low = place - step;
            break;
        }
        high = place - step;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t there = pack->by_offset[middle].offset;
        if (there == offset) return pack->by_offset[middle].object;
        if (there < offset) low = middle + 1; else high = middle;
    }
    return NONE;
}

/* By offset, two bytes of it at a time, the lowest first; what is in order of the lower ones stays so. 0: no memory. */
static int sort(struct place **places, uint32_t count) {
    struct place *sorted = malloc((count ? count : 1) * sizeof *sorted);
    if (!sorted) return 0;
    for (unsigned shift = 0; shift < 64; shift += 16) {
        uint32_t ends[1 << 16] = {0}, end = 0;
        for (uint32_t i = 0; i < count; i++) ends[(*places)[i].offset >> shift & 0xffff]++;
        if (count && ends[(*places)[0].offset >> shift & 0xffff] == count) continue;
        for (uint32_t i = 0; i < 1 << 16; i++) end += ends[i], ends[i] = end;
        for (uint32_t i = count; i-- > 0;) sorted[--ends[(*places)[i].offset >> shift & 0xffff]] = (*places)[i];
        struct place *before = *places;
        *places = sorted;
        sorted = before;
    }
    free(sorted);
    return 1;
}

/* Opening a pack. */

static const uint8_t *map_file(const char *path, size_t *size) {
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return NULL;
    void *data = MAP_FAILED;
    if (!fstat(file, &status) && S_ISREG(status.st_mode) && status.st_size > 0) {
        *size = (size_t)status.st_size;
        data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    close(file);
    return data == MAP_FAILED ? NULL : data;
}

/* Whether the index is of version 2 and of this very pack, as many objects are in it, and it ends with the pack's checksum;
   and how long names are. */
static int understood(struct pack *pack) {
    if (pack->size < 12 + 20 || memcmp(pack->data, "PACK", 4) || big32(pack->data + 4) != 2) return 0;
    if (pack->index_size < 8 + 1024 || memcmp(pack->index, "\377tOc\0\0\0\2", 8)) return 0;
    pack->count = big32(pack->index + 8 + 4 * 255);
    if (pack->count == NONE || big32(pack->data + 8) != pack->count) return 0;
    for (pack->hash = 20; pack->hash <= 32; pack->hash += 12) {
        size_t least = 8 + 1024 + (size_t)pack->count * (pack->hash + 8) + 2 * pack->hash;
        if (pack->index_size < least || pack->size < 12 + pack->hash) continue;
        const uint8_t *checksum = pack->index + pack->index_size - 2 * pack->hash;
        if (!memcmp(checksum, pack->data + pack->size - pack->hash, pack->hash)) return 1;
    }
    return 0;
}

int pack_header(const struct pack *pack, const struct entry *entry, struct header *header) {
    uint64_t at = entry->offset, end = entry->end;
    if (at >= end) return 0;
    uint8_t byte = pack->data[at++];
    header->kind = byte >> 4 & 7;
    header->size = byte & 15;
    header->base = NULL;
    header->back = 0;
    for (unsigned shift = 4; byte & 128; shift += 7) {
        if (at >= end || shift > 53) return 0;
        byte = pack->data[at++];
        header->size |= (uint64_t)(byte & 127) << shift;
    }
    if (header->kind == REF_DELTA) {
        if (end - at < pack->hash) return 0;
        header->base = pack->data + at;
        at += pack->hash;
    } else if (header->kind == OFS_DELTA) {
        do {
            if (at >= end || header->back >> 50) return 0;
            byte = pack->data[at++];
            header->back = (header->back << 7) + (byte & 127) + (byte & 128 ? 1 : 0);
        } while (byte & 128);
    } else if (header->kind < COMMIT || header->kind > TAG) {
        return 0;
    }
    header->at = at;
    return 1;
}

/* All of what is compressed, to `out`; 0 where it is not what it is said to be. */
int pack_inflate(const struct pack *pack, const struct entry *entry, const struct header *header,
                 struct libdeflate_decompressor *decompressor, uint8_t *out) {
    const uint8_t *compressed = pack->data + header->at;
    size_t size = entry->end - header->at;
    return libdeflate_zlib_decompress(decompressor, compressed, size, out, header->size, NULL) == LIBDEFLATE_SUCCESS;
}

/* What each object is made from, in the order of the pack, or NONE; weights, and kinds of those that are made from nothing. */
static void find_bases(const struct pack *pack, uint32_t *bases) {
    for (uint32_t i = pack->count; i-- > 0;) {
        struct entry *entry = &pack->entries[pack->by_offset[i].object];
        struct header header;
        if (i >= AHEAD) {
            __builtin_prefetch(&pack->entries[pack->by_offset[i - AHEAD].object], 1);
            __builtin_prefetch(pack->data + pack->by_offset[i - AHEAD].offset);
        }
        entry->weight = entry->end - entry->offset;
        bases[i] = NONE;
        if (!pack_header(pack, entry, &header)) continue;
        if (header.kind <= TAG) entry->kind = header.kind;
        if (header.base) bases[i] = pack_find(pack, header.base);
        if (header.back && header.back < entry->offset) bases[i] = find_offset(pack, entry->offset - header.back, i);
    }
}

/* Who is made from whom; kinds and weights; every object once, bases first, in `order`. */
static void relate(struct pack *pack, uint32_t *order) {
    struct entry *entries = pack->entries;
    uint32_t known = 0;
    find_bases(pack, order);
    for (uint32_t i = pack->count; i-- > 0;) {
        uint32_t object = pack->by_offset[i].object, base = order[i];
        if (i >= AHEAD) {
            __builtin_prefetch(&entries[pack->by_offset[i - AHEAD].object], 1);
            if (order[i - AHEAD] != NONE) __builtin_prefetch(&entries[order[i - AHEAD]], 1);
        }
        if (base == NONE || base == object) continue;
        entries[object].base = base;
        entries[object].sibling = entries[base].child;
        entries[base].child = object;
    }
    for (uint32_t i = 0; i < pack->count; i++) {
        uint32_t object = pack->by_offset[i].object;
        if (i + AHEAD < pack->count) __builtin_prefetch(&entries[pack->by_offset[i + AHEAD].object]);
        if (!entries[object].kind || entries[object].base != NONE) continue;
        if (entries[object].kind != TREE) pack->families[pack->family_count++] = object;
        order[known++] = object;
    }
    for (uint32_t i = 0; i < known; i++)
        for (uint32_t child = entries[order[i]].child; child != NONE; child = entries[child].sibling) {
            entries[child].kind = entries[order[i]].kind;
            order[known++] = child;
        }
    while (known-- > 0) {
        uint32_t object = order[known], base = entries[object].base;
        if (base == NONE) continue;
        entries[base].weight += entries[object].weight;
        uint32_t heavy = entries[base].heavy;
        if (heavy == NONE || entries[object].weight > entries[heavy].weight) entries[base].heavy = object;
    }
}

void pack_close(struct pack *pack) {
    if (!pack) return;
    if (pack->data) munmap((void *)pack->data, pack->size);
    if (pack->index) munmap((void *)pack->index, pack->index_size);
    free(pack->ends);
    free(pack->entries);
    free(pack->by_offset);
    free(pack->families);
    free(pack);
}

/* The pack and its index, or NULL where they are not as they should be. */
struct pack *pack_open(const char *path, const char *index) {
    struct pack *pack = calloc(1, sizeof *pack);
    uint32_t *order = NULL;
    if (!pack) return NULL;
    pack->data = map_file(path, &pack->size);
    pack->index = map_file(index, &pack->index_size);
    if (!pack->data || !pack->index || !understood(pack)) goto failed;
    size_t count = pack->count ? pack->count : 1;
    pack->ends = calloc(1 << 16, sizeof *pack->ends);
    pack->entries = malloc(count * sizeof *pack->entries);
    pack->by_offset = malloc(count * sizeof *pack->by_offset);
    pack->families = malloc(count * sizeof *pack->families);
    order = malloc(count * sizeof *order);
    if (!pack->ends || !pack->entries || !pack->by_offset || !pack->families || !order) goto failed;
    count_names(pack);
    for (uint32_t i = 0; i < pack->count; i++) {
        pack->entries[i] = (struct entry){offset_of(pack, i), 0, 0, NONE, NONE, NONE, NONE, 0};
        pack->by_offset[i] = (struct place){pack->entries[i].offset, i};
    }
    if (!sort(&pack->by_offset, pack->count)) goto failed;
    uint64_t end = pack->size - pack->hash;
    for (uint32_t i = pack->count; i-- > 0;) {
        struct entry *entry = &pack->entries[pack->by_offset[i].object];
        if (i >= AHEAD) __builtin_prefetch(&pack->entries[pack->by_offset[i - AHEAD].object], 1);
        if (entry->offset < 12 || entry->offset > end) goto failed;
        entry->end = end;
        end = entry->offset;
    }
    relate(pack, order);
    free(order);
    return pack;
failed:
    free(order);
    pack_close(pack);
    return NULL;
}

uint32_t pack_count(const struct pack *pack) { return pack->count; }
uint32_t pack_hash(const struct pack *pack) { return pack->hash; }
uint32_t pack_families(const struct pack *pack) { return pack->family_count; }
const uint8_t *pack_names(const struct pack *pack) { return pack_name(pack, 0); }
uint8_t pack_kind(const struct pack *pack, uint32_t object) { return pack->entries[object].kind; }

/* The objects whose base is not here, or that cannot be read; returns how many. */
uint32_t pack_unknown(const struct pack *pack, uint32_t *objects) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pack->count; i++)
        if (!pack->entries[i].kind) objects[count++] = i;
    return count;
}

/* Where parts of families of at least so many bytes begin, and how many bytes each has; returns how many there are. */
uint32_t pack_parts(const struct pack *pack, uint64_t least, uint32_t *firsts, uint64_t *weights) {
    uint32_t parts = 0;
    uint64_t weight = 0;
    for (uint32_t i = 0, first = 0; i < pack->family_count; i++) {
        weight += pack->entries[pack->families[i]].weight;
        if (weight < least && i + 1 < pack->family_count) continue;
        firsts[parts] = first;
        weights[parts++] = weight;
        first = i + 1;
        weight = 0;
    }
    return parts;
}

/* Which of `count` names, one after the other, are not here: their numbers; returns how many. */
uint32_t pack_lacking(const struct pack *pack, const uint8_t *names, uint32_t count, uint32_t *numbers) {
    uint32_t lacking = 0;
    for (uint32_t i = 0; i < count; i++)
        if (pack_find(pack, names + (size_t)i * pack->hash) == NONE) numbers[lacking++] = i;
    return lacking;
}
