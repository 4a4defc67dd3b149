/* Which objects have in them what was found in others that they are made from. See reader.c. */

#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define POSITIONS 4096           /* in one object that go on in one that is made from it */
#define MOST (1u << 20)          /* positions of an object, its base, the base's base …, at a time */

struct list { struct position *items; size_t count, room; };

/* An object on the way down, its positions, and what is next made from it. */
struct level { uint32_t object, child; size_t first, last; };

struct way {
    struct reader *reader;
    const struct position *found;
    size_t found_count;
    uint8_t *leads;              /* by object: something was found in it, or in what is made from it */
    struct list list;
    struct level *levels;
    size_t depth, room;
};

static int add(struct list *list, struct position position) {
    if (!reader_room((void **)&list->items, &list->room, list->count, sizeof *list->items)) return 0;
    list->items[list->count++] = position;
    return 1;
}

/* The first of the positions that is not before `at`. */
static size_t search(const struct list *list, size_t first, size_t last, uint64_t at) {
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (list->items[middle].at < at) first = middle + 1; else last = middle;
    }
    return first;
}

/* The base's positions, which are in order, in what `object` makes of it, at the end of the list. A position with a
   reach is one for which nothing speaks as long as so many bytes from it on are the same. 0: they cannot be told. */
static int follow(struct reader *reader, struct list *list, const struct level *base, uint32_t object) {
    size_t size, before = list->count;
    uint64_t base_size, result, done = 0;
    const uint8_t *at = delta_of(reader, object, &size), *end = at ? at + size : NULL;
    if (!at || !delta_size(&at, end, &base_size) || !delta_size(&at, end, &result)) return 0;
    while (at < end) {
        struct step step;
        if (!delta_step(&at, end, &step) || step.length > LARGEST - done) return 0;
        uint64_t stop = step.from + step.length;
        int ends = stop == base_size && done + step.length == result;
        for (size_t i = step.insert ? base->last : search(list, base->first, base->last, step.from); i < base->last; i++) {
            struct position old = list->items[i];
            if (old.at >= stop) break;
            uint32_t reach = ends || (uint64_t)old.at + old.reach <= stop ? old.reach : 0;
            uint32_t there = (uint32_t)(done + old.at - step.from);
            if (list->count - before >= POSITIONS || !add(list, (struct position){object, there, reach, old.number})) return 0;
        }
        done += step.length;
    }
    return 1;
}

static int compare(const void *one, const void *other) {
    const struct position *a = one, *b = other;
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    return (a->reach > b->reach) - (a->reach < b->reach);
}

/* Takes in what was found in `object` itself. Of several of one number in one place it is the one that asks for most that counts. */
static int take_in(struct way *way, uint32_t object, size_t first) {
    size_t low = 0, high = way->found_count, last = first;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (way->found[middle].object < object) low = middle + 1; else high = middle;
    }
    if (low == way->found_count || way->found[low].object != object) return 1;
    for (; low < way->found_count && way->found[low].object == object; low++)
        if (!add(&way->list, way->found[low])) return 0;
    struct position *items = way->list.items;
    qsort(items + first, way->list.count - first, sizeof *items, compare);
    for (size_t i = first; i < way->list.count; i++) {
        if (last == first || items[last - 1].at != items[i].at || items[last - 1].number != items[i].number)
            items[last++] = items[i];
        else if (items[last - 1].reach) items[last - 1] = items[i];
    }
    way->list.count = last;
    return 1;
}

static int enter(struct way *way, uint32_t object, size_t first) {
    if (!take_in(way, object, first)) return 0;
    if (!reader_room((void **)&way->levels, &way->room, way->depth, sizeof *way->levels)) return 0;
    uint32_t child = way->reader->pack->entries[object].child;
    way->levels[way->depth++] = (struct level){object, child, first, way->list.count};
    return 1;
}

static int into(struct way *way, const struct level *base, uint32_t object) {
    struct reader *reader = way->reader;
    size_t before = way->list.count;
    int any = base->first < base->last, all = any && way->list.items[base->last - 1].at == NONE;
    if (all || (any && (before > MOST || !follow(reader, &way->list, base, object)))) {
        way->list.count = before;
        reader_leave_family(reader, object);
        return 1;
    }
    for (size_t i = before; i < way->list.count; i++) {
        if (way->list.items[i].reach) continue;
        if (!ROOM(reader, followed, followed_room, reader->out.followed_count)) return 0;
        reader->followed[reader->out.followed_count++] = way->list.items[i];
    }
    if (before == way->list.count && !way->leads[object]) return 1;
    return enter(way, object, before);
}

/* From `top` through all that is made from it: each object once, whatever was found in its bases and in itself. */
static int down(struct way *way, uint32_t top) {
    if (!enter(way, top, 0)) return 0;
    while (way->depth) {
        struct level *level = &way->levels[way->depth - 1];
        uint32_t child = level->child;
        if (child == NONE) {
            way->list.count = level->first;
            way->depth--;
            continue;
        }
        level->child = way->reader->pack->entries[child].sibling;
        struct level base = *level;
        if ((base.first < base.last || way->leads[child]) && !into(way, &base, child)) return 0;
    }
    return 1;
}

/* Where in other objects that stands which was found at the `count` positions, or what may speak for one; objects that
   cannot be told are left, as are all that are made from one in which NONE is a position. The positions are in the order
   of their objects. */
int reader_follow(struct reader *reader, const struct position *found, size_t count) {
    const struct entry *entries = reader->pack->entries;
    struct way way = {.reader = reader, .found = found, .found_count = count};
    int done = 1;
    reader->out.left_count = reader->out.followed_count = 0;
    if (count) done = (way.leads = calloc(reader->pack->count, 1)) != NULL;
    for (size_t i = 0; done && i < count; i++)
        for (uint32_t object = found[i].object; object != NONE && !way.leads[object]; object = entries[object].base)
            way.leads[object] = 1;
    for (size_t i = 0; done && i < count; i++) {
        if (i && found[i].object == found[i - 1].object) continue;
        uint32_t top = found[i].object;
        while (entries[top].base != NONE && way.leads[top] != 2) way.leads[top] = 2, top = entries[top].base;
        if (way.leads[top] == 2) continue;
        way.leads[top] = 2;
        done = down(&way, top);
    }
    free(way.leads);
    free(way.list.items);
    free(way.levels);
    reader_publish(reader);
    return done && !reader->failed ? 0 : -1;
}
