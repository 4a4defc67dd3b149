/* Deltas: what they make of a base, and where that differs from it (gitformat-pack(5), "Deltified representation"). */

#include "reader.h"

#include <stdlib.h>
#include <string.h>

/* The delta of `object`, which stays until the next one. */
const uint8_t *delta_of(struct reader *reader, uint32_t object, size_t *size) {
    const struct entry *entry = &reader->pack->entries[object];
    struct header header;
    if (!pack_header(reader->pack, entry, &header) || header.kind <= TAG || header.size > LARGEST) return NULL;
    if (!ROOM(reader, delta, delta_room, header.size) || !pack_inflate(reader->pack, entry, &header, reader->decompressor, reader->delta)) return NULL;
    *size = header.size;
    return reader->delta;
}

int delta_size(const uint8_t **at, const uint8_t *end, uint64_t *size) {
    *size = 0;
    for (unsigned shift = 0; shift < 56; shift += 7) {
        if (*at == end) return 0;
        uint8_t byte = *(*at)++;
        *size |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) return 1;
    }
    return 0;
}

int delta_step(const uint8_t **at, const uint8_t *end, struct step *step) {
    uint8_t code = *(*at)++;
    *step = (struct step){0, 0, NULL};
    if (!code) return 0;
    if (!(code & 128)) {
        if (end - *at < code) return 0;
        step->insert = *at;
        step->length = code;
        *at += code;
        return 1;
    }
    for (unsigned bit = 0; bit < 7; bit++) {
        if (!(code >> bit & 1)) continue;
        if (*at == end) return 0;
        uint64_t byte = *(*at)++;
        if (bit < 4) step->from |= byte << 8 * bit; else step->length |= byte << 8 * (bit - 4);
    }
    if (!step->length) step->length = 0x10000;
    return 1;
}

/* What is handed out around two that are so near to each other touches. */
static void changed(struct reader *reader, uint32_t from, uint32_t to) {
    struct span *last = reader->change_count ? &reader->changes[reader->change_count - 1] : NULL;
    if (last && from <= last->to + AROUND) {
        if (to > last->to) last->to = to;
    } else if (ROOM(reader, changes, change_room, reader->change_count)) {
        reader->changes[reader->change_count++] = (struct span){from, to};
    }
}

/* What the delta makes of the base, and where it differs from it; NULL where the delta is damaged or too much. */
uint8_t *patched(struct reader *reader, uint32_t object, const uint8_t *base, size_t base_size, uint32_t *size) {
    size_t length;
    uint64_t said, result;
    const uint8_t *at = delta_of(reader, object, &length), *end = at ? at + length : NULL;
    if (!at || !delta_size(&at, end, &said) || !delta_size(&at, end, &result)) return NULL;
    if (said != base_size || result > LARGEST || reader->held + result > HELD) return NULL;
    uint8_t *made = malloc(result + 1);
    uint64_t done = 0, expected = 0;
    int told = 0;                /* that there is a difference right before */
    if (!made) return NULL;
    reader->change_count = 0;
    while (at < end) {
        struct step step;
        if (!delta_step(&at, end, &step) || step.length > result - done) goto damaged;
        if (step.insert) {
            memcpy(made + done, step.insert, step.length);
            changed(reader, (uint32_t)done, (uint32_t)(done + step.length));
            told = 1;
        } else {
            if (step.from > base_size || step.length > base_size - step.from) goto damaged;
            memcpy(made + done, base + step.from, step.length);
            if (!told && step.from != expected) changed(reader, (uint32_t)done, (uint32_t)done);
            expected = step.from + step.length;
            told = 0;
        }
        done += step.length;
    }
    if (done != result) goto damaged;
    if (!told && expected != base_size) changed(reader, (uint32_t)done, (uint32_t)done);
    *size = (uint32_t)result;
    return made;
damaged:
    free(made);
    return NULL;
}
