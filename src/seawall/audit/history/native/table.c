/* See table.h. */

#include "table.h"

#include "pack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int grow(void *array, size_t *room, size_t needed, size_t size) {
    if (needed <= *room) return 1;
    size_t more = *room + *room / 2 + 64;
    if (more < needed) more = needed;
    void *larger = realloc(*(void **)array, more * size);
    if (!larger) return 0;
    *(void **)array = larger;
    *room = more;
    return 1;
}

/* With a key that nobody knows: who makes a repository cannot choose names that all have one place in the table. */
static uint64_t key;

int table_key(void) { return key || getrandom(&key, sizeof key, 0) == sizeof key; }

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
uint32_t number_of(struct table *table, const uint8_t *text, size_t length) {
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

uint32_t known_number(const struct table *table, const uint8_t *text, size_t length) {
    if (!table->slot_count) return NONE;
    uint32_t *slot = slot_of(table, text, length);
    return *slot ? *slot - 1 : NONE;
}

void free_table(struct table *table) {
    free(table->bytes);
    free(table->ends);
    free(table->slots);
}
