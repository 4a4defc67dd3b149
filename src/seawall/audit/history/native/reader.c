/* Reads packs: what is new in each object, and what of it goes on in others.

   A pack holds most objects as differences from others, their bases. Only the lines around a difference have to be
   searched: what is copied was searched in the base. Nothing here knows what is searched for; ../sieve.py does. */

#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define ENOUGH (1u << 20)        /* bytes of text that are handed out at once */
/* What is handed out around a change, besides its lines: */
#define LINES_BEFORE 2
#define LINES_AFTER 6
#define LONGEST 4096             /* bytes of a line on each side at least, whatever is asked for: see ../../secrets/partly.py */

enum { ON_THE_WAY = 1, WANTED = 2 };

/* Room for one more than `count` of `size` bytes each. */
int reader_room(void **array, size_t *room, size_t count, size_t size) {
    if (count < *room) return 1;
    size_t more = *room + *room / 2 + 256;
    if (more <= count) more = count + 1;
    void *larger = realloc(*array, more * size);
    if (!larger) return 0;
    *array = larger;
    *room = more;
    return 1;
}

void reader_leave(struct reader *reader, uint32_t object) {
    if (ROOM(reader, left, left_room, reader->out.left_count)) reader->left[reader->out.left_count++] = object;
}

static void leave_wrapped(struct reader *reader, uint32_t object) {
    if (ROOM(reader, wrapped, wrapped_room, reader->out.wrapped_count))
        reader->wrapped[reader->out.wrapped_count++] = object;
}

/* The object and all that is made from it. */
void reader_leave_family(struct reader *reader, uint32_t top) {
    const struct entry *entries = reader->pack->entries;
    uint32_t object = top;
    for (;;) {
        reader_leave(reader, object);
        if (entries[object].child != NONE) {
            object = entries[object].child;
            continue;
        }
        while (object != top && entries[object].sibling == NONE) object = entries[object].base;
        if (object == top) return;
        object = entries[object].sibling;
    }
}

/* Where the line begins that the byte before `at` is in, or `longest` bytes before. */
static uint32_t line_before(const struct reader *reader, const uint8_t *data, uint32_t at) {
    uint32_t limit = at > reader->longest ? at - reader->longest : 0;
    const uint8_t *newline = memrchr(data + limit, '\n', at - limit);
    return newline ? (uint32_t)(newline - data) + 1 : limit;
}

/* Where the line ends that the byte at `at` is in, with its newline. */
static uint32_t line_after(const struct reader *reader, const uint8_t *data, uint32_t size, uint32_t at) {
    uint32_t limit = size - at > reader->longest ? at + reader->longest : size;
    const uint8_t *newline = memchr(data + at, '\n', limit - at);
    return newline ? (uint32_t)(newline - data) + 1 : limit;
}

/* Where the lines begin that are handed out before a change at `change`; not farther back than to `known`. */
static uint32_t first_line(const struct reader *reader, const uint8_t *data, uint32_t change, uint32_t known) {
    uint32_t low = line_before(reader, data, change);
    for (int lines = 0; low > known && (lines < LINES_BEFORE || change - low < AROUND) && change - low < reader->longest; lines++)
        low = line_before(reader, data, low - 1);
    return low;
}

/* Where those end that are handed out after one. */
static uint32_t last_line(const struct reader *reader, const uint8_t *data, uint32_t size, uint32_t change) {
    uint32_t high = line_after(reader, data, size, change);
    for (int lines = 0; high < size && (lines < LINES_AFTER || high - change < AROUND) && high - change < reader->longest; lines++)
        high = line_after(reader, data, size, high);
    return high;
}

/* A newline stands before each window: a match over two of them is one too many at worst. */
static void hand_out(struct reader *reader, uint32_t object, struct span span, const uint8_t *data, uint32_t size) {
    uint32_t length = span.to - span.from;
    size_t at = reader->out.text_length;
    if (!length || !ROOM(reader, text, text_room, at + length + 1)) return;
    if (!ROOM(reader, windows, window_room, reader->out.window_count)) return;
    reader->text[at++] = '\n';
    memcpy(reader->text + at, data + span.from, length);
    reader->windows[reader->out.window_count++] = (struct window){object, span.from, (uint32_t)at, length, size - span.to};
    reader->out.text_length = at + length;
}

/* However many changes there are, no byte is looked at more than a few times. */
static void look_at_changes(struct reader *reader, uint32_t object, const uint8_t *data, uint32_t size) {
    struct span pending = {0, 0};
    uint32_t last = 0;           /* where the last change in `pending` ends; what is to follow it is not yet in there */
    for (size_t i = 0; i < reader->change_count; i++) {
        struct span change = reader->changes[i];
        if (i && change.from > pending.to) pending.to = last_line(reader, data, size, last);
        uint32_t low = change.from > pending.to ? first_line(reader, data, change.from, pending.to) : pending.to;
        if (low > pending.to) {
            hand_out(reader, object, pending, data, size);
            pending = (struct span){low, change.to};
        } else if (!i) {
            pending.from = low;
        }
        last = change.to;
    }
    if (reader->change_count) pending.to = last_line(reader, data, size, last);
    hand_out(reader, object, pending, data, size);
}

static void look(struct reader *reader, uint32_t object, const uint8_t *data, uint32_t size, int whole) {
    if (reader->wanted) {
        if (reader->wanted[object] & WANTED) hand_out(reader, object, (struct span){0, size}, data, size);
        return;
    }
    reader->out.objects++;
    reader->out.bytes += size;
    if (reader_wrapped(data, size)) leave_wrapped(reader, object);
    if (whole) {
        hand_out(reader, object, (struct span){0, size}, data, size);
        return;
    }
    look_at_changes(reader, object, data, size);
}

static void keep(struct reader *reader, uint32_t object, uint8_t *data, uint32_t size) {
    if (!ROOM(reader, frames, frame_room, reader->depth)) {
        free(data);
        return;
    }
    reader->frames[reader->depth++] = (struct frame){data, size, object, reader->pack->entries[object].child};
    reader->held += size;
}

static void drop(struct reader *reader) {
    struct frame *frame = &reader->frames[--reader->depth];
    reader->held -= frame->size;
    free(frame->data);
}

static void read_first(struct reader *reader, uint32_t object) {
    const struct entry *entry = &reader->pack->entries[object];
    struct header header;
    uint8_t *data = NULL;
    if (pack_header(reader->pack, entry, &header) && header.kind <= TAG && header.size <= LARGEST)
        data = malloc(header.size + 1);
    if (!data || !pack_inflate(reader->pack, entry, &header, reader->decompressor, data)) {
        free(data);
        reader_leave_family(reader, object);
        return;
    }
    look(reader, object, data, (uint32_t)header.size, 1);
    keep(reader, object, data, (uint32_t)header.size);
}

static int asked_for(const struct reader *reader, uint32_t object) {
    return !reader->wanted || reader->wanted[object];
}

/* What is next made from the last base; the heavy one comes last and takes the base's place. */
static void read_next(struct reader *reader) {
    const struct entry *entries = reader->pack->entries;
    struct frame *frame = &reader->frames[reader->depth - 1];
    uint32_t heavy = entries[frame->object].heavy, object = frame->next;
    while (object != NONE && (object == heavy || !asked_for(reader, object))) object = entries[object].sibling;
    if (heavy != NONE && !asked_for(reader, heavy)) heavy = NONE;
    int last = object == NONE;
    if (last && heavy == NONE) {
        drop(reader);
        return;
    }
    if (last) object = heavy; else frame->next = entries[object].sibling;
    uint32_t size;
    uint8_t *data = patched(reader, object, frame->data, frame->size, &size);
    if (last) drop(reader);
    if (!data) {
        reader_leave_family(reader, object);
        return;
    }
    look(reader, object, data, size, 0);
    keep(reader, object, data, size);
}

/* For what is in `pack`. What a match depends on stands in `longest` bytes to each side of it at most. */
struct reader *reader_open(const struct pack *pack, uint32_t longest) {
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->pack = pack;
    reader->longest = longest < LONGEST ? LONGEST : longest;
    reader->decompressor = libdeflate_alloc_decompressor();
    if (reader->decompressor) return reader;
    free(reader);
    return NULL;
}

void reader_close(struct reader *reader) {
    while (reader->depth) drop(reader);
    libdeflate_free_decompressor(reader->decompressor);
    free(reader->frames);
    free(reader->text);
    free(reader->windows);
    free(reader->wanted);
    free(reader->wanted_families);
    free(reader->wrapped);
    free(reader->left);
    free(reader->followed);
    free(reader->changes);
    free(reader->delta);
    free(reader);
}

static void begin(struct reader *reader) {
    while (reader->depth) drop(reader);
    free(reader->wanted);
    reader->wanted = NULL;
}

/* To read families from `first` up to `last`. */
void reader_begin(struct reader *reader, uint32_t first, uint32_t last) {
    begin(reader);
    reader->next_family = reader->pack->families + first;
    reader->last_family = reader->pack->families + last;
}

/* To hand out `objects` as they are, whole. Ended by reader_begin. */
int reader_want(struct reader *reader, const uint32_t *objects, size_t count) {
    const struct entry *entries = reader->pack->entries;
    begin(reader);
    free(reader->wanted_families);
    reader->next_family = reader->last_family = NULL;
    reader->wanted = calloc(reader->pack->count ? reader->pack->count : 1, 1);
    reader->wanted_families = malloc((count ? count : 1) * sizeof *reader->wanted_families);
    if (!reader->wanted || !reader->wanted_families) return -1;
    uint32_t *last = reader->wanted_families;
    for (size_t i = 0; i < count; i++) {
        uint32_t object = objects[i];
        while (entries[object].base != NONE && !reader->wanted[object]) {
            reader->wanted[object] = ON_THE_WAY;
            object = entries[object].base;
        }
        if (entries[object].base == NONE && !reader->wanted[object]) {
            reader->wanted[object] = ON_THE_WAY;
            *last++ = object;
        }
        reader->wanted[objects[i]] |= WANTED;
    }
    reader->next_family = reader->wanted_families;
    reader->last_family = last;
    return 0;
}

void reader_publish(struct reader *reader) {
    reader->out.text = reader->text;
    reader->out.windows = reader->windows;
    reader->out.wrapped = reader->wrapped;
    reader->out.left = reader->left;
    reader->out.followed = reader->followed;
}

/* Goes on until there is enough text; 1 while there is something, 0 at the end, -1 where memory is not enough. */
int reader_next(struct reader *reader) {
    reader->out.text_length = reader->out.window_count = reader->out.wrapped_count = reader->out.left_count = 0;
    while (reader->out.text_length < ENOUGH && !reader->failed) {
        if (reader->depth) read_next(reader);
        else if (reader->next_family < reader->last_family)
            read_first(reader, *reader->next_family++);
        else break;
    }
    reader_publish(reader);
    if (reader->failed) return -1;
    return reader->out.text_length > 0 || reader->out.wrapped_count > 0 || reader->out.left_count > 0;
}
