/* Reads packs: what is new in each object, and what of it goes on in others.

   A pack holds most objects as differences from others, their bases. Only the lines around a difference have to be
   searched: what is copied was searched in the base. Nothing here knows what is searched for; ../packed.py does. */

#include "pack.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST (32u << 20)      /* bytes of an object: larger ones, and what is made from them, are left to git */
#define HELD (96u << 20)         /* bytes of bases that wait for what is made from them */
#define ENOUGH (1u << 20)        /* bytes of text that are handed out at once */
#define POSITIONS 4096           /* in one object that are followed */
/* What is handed out around a change, besides its lines: */
#define LINES_BEFORE 2
#define LINES_AFTER 6
#define AROUND 128               /* bytes at least, on each side */

struct span { uint32_t from, to; };

/* What of an object is to be searched: `length` bytes from `from`, which stand at `at` in the text; `more` come after. */
struct window { uint32_t object, from, at, length, more; };

struct position { uint32_t object, at, reach; };

struct frame {
    uint8_t *data;
    uint32_t size, object, next;
};

enum { ON_THE_WAY = 1, WANTED = 2 };

struct reader {
    struct {                     /* what Python sees */
        const uint8_t *text;
        const struct window *windows;
        const uint32_t *wrapped; /* objects that may have something in them that is not text */
        const uint32_t *left;    /* objects that could not be gone through */
        uint64_t text_length, window_count, wrapped_count, left_count;
        uint64_t objects, bytes; /* that have been gone through */
    } out;
    const struct pack *pack;
    struct libdeflate_decompressor *decompressor;
    uint32_t longest;            /* bytes of a line to each side of what changes that are handed out */
    const uint32_t *next_family, *last_family;
    uint8_t *wanted;             /* by object: WANTED, or on the way to one; NULL while all are */
    uint32_t *wanted_families;
    uint64_t held;
    struct frame *frames;
    size_t depth, frame_room;
    uint8_t *text;
    size_t text_room;
    struct window *windows;
    size_t window_room;
    uint32_t *wrapped, *left;
    size_t wrapped_room, left_room;
    struct span *changes;
    size_t change_count, change_room;
    uint8_t *delta;
    size_t delta_room;
    int failed;                  /* no memory */
};

/* Room for one more than `count` of `size` bytes each. */
static int room(void **array, size_t *room, size_t count, size_t size) {
    if (count < *room) return 1;
    size_t more = *room + *room / 2 + 256;
    if (more <= count) more = count + 1;
    void *larger = realloc(*array, more * size);
    if (!larger) return 0;
    *array = larger;
    *room = more;
    return 1;
}

#define ROOM(reader, array, available, count) \
    (room((void **)&(reader)->array, &(reader)->available, (count), sizeof *(reader)->array) || ((reader)->failed = 1, 0))

static void leave(struct reader *reader, uint32_t object) {
    if (ROOM(reader, left, left_room, reader->out.left_count)) reader->left[reader->out.left_count++] = object;
}

static void leave_wrapped(struct reader *reader, uint32_t object) {
    if (ROOM(reader, wrapped, wrapped_room, reader->out.wrapped_count))
        reader->wrapped[reader->out.wrapped_count++] = object;
}

/* The object and all that is made from it. */
static void leave_family(struct reader *reader, uint32_t top) {
    const struct entry *entries = reader->pack->entries;
    uint32_t object = top;
    for (;;) {
        leave(reader, object);
        if (entries[object].child != NONE) {
            object = entries[object].child;
            continue;
        }
        while (object != top && entries[object].sibling == NONE) object = entries[object].base;
        if (object == top) return;
        object = entries[object].sibling;
    }
}

static int inflate(struct reader *reader, const struct entry *entry, const struct header *header, uint8_t *out) {
    return libdeflate_zlib_decompress(
        reader->decompressor, reader->pack->data + header->at, entry->end - header->at, out, header->size, NULL
    ) == LIBDEFLATE_SUCCESS;
}

/* The delta of `object`, which stays until the next one. */
static const uint8_t *delta_of(struct reader *reader, uint32_t object, size_t *size) {
    const struct entry *entry = &reader->pack->entries[object];
    struct header header;
    if (!pack_header(reader->pack, entry, &header) || header.kind <= TAG || header.size > LARGEST) return NULL;
    if (!ROOM(reader, delta, delta_room, header.size) || !inflate(reader, entry, &header, reader->delta)) return NULL;
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

static void changed(struct reader *reader, uint32_t from, uint32_t to) {
    struct span *last = reader->change_count ? &reader->changes[reader->change_count - 1] : NULL;
    if (last && from <= last->to) {
        if (to > last->to) last->to = to;
    } else if (ROOM(reader, changes, change_room, reader->change_count)) {
        reader->changes[reader->change_count++] = (struct span){from, to};
    }
}

/* What the delta makes of the base, and where it differs from it; NULL where the delta is damaged or too much. */
static uint8_t *patched(struct reader *reader, uint32_t object, const uint8_t *base, size_t base_size, uint32_t *size) {
    size_t length;
    uint64_t said, result;
    const uint8_t *at = delta_of(reader, object, &length), *end = at + length;
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

/* Whether `data` may have something wrapped in it: never less often than unwrap.py says so. */
static int is_base64(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '+' ||
           byte == '/' || byte == '-' || byte == '_';
}

static int starts_with_base64(const uint8_t *data, size_t size) {
    size_t first = 0, second = 0, at;
    while (first < size && is_base64(data[first])) first++;
    at = first;
    if (at < size && data[at] == '\r') at++;
    if (first < 4 || at >= size || data[at++] != '\n') return 0;
    while (at < size && is_base64(data[at])) at++, second++;
    while (at < size && data[at] == '=') at++;
    return second > 0 && (at == size || data[at] == '\r' || data[at] == '\n');
}

static int starts(const uint8_t *data, size_t size, const char *magic, size_t length) {
    return size >= length && !memcmp(data, magic, length);
}

static int wrapped(const uint8_t *data, size_t size) {
    size_t tail = size > 300 ? 300 : size;
    return starts(data, size, "PK\3\4", 4) || starts(data, size, "\x1f\x8b\x08", 3) || starts(data, size, "BZh", 3) ||
           starts(data, size, "\xfd" "7zXZ", 5) || starts(data, size, "\xff\xfe", 2) || starts(data, size, "\xfe\xff", 2) ||
           memchr(data, 0, size < 16 ? size : 16) || (size >= 262 && !memcmp(data + 257, "ustar", 5)) ||
           (size && data[0] == '{' && memmem(data + size - tail, tail, "\"nbformat\"", 10)) ||
           starts_with_base64(data, size);
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

/* The lines that change, and those around them that what is found may depend on. */
static struct span widened(const struct reader *reader, struct span change, const uint8_t *data, uint32_t size) {
    uint32_t low = line_before(reader, data, change.from), high = line_after(reader, data, size, change.to);
    for (int lines = 0; low && (lines < LINES_BEFORE || change.from - low < AROUND) && change.from - low < reader->longest; lines++)
        low = line_before(reader, data, low - 1);
    for (int lines = 0; high < size && (lines < LINES_AFTER || high - change.to < AROUND) && high - change.to < reader->longest; lines++)
        high = line_after(reader, data, size, high);
    return (struct span){low, high};
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

static void look(struct reader *reader, uint32_t object, const uint8_t *data, uint32_t size, int whole) {
    if (reader->wanted) {
        if (reader->wanted[object] & WANTED) hand_out(reader, object, (struct span){0, size}, data, size);
        return;
    }
    reader->out.objects++;
    reader->out.bytes += size;
    if (wrapped(data, size)) leave_wrapped(reader, object);
    if (whole) {
        hand_out(reader, object, (struct span){0, size}, data, size);
        return;
    }
    struct span pending = {0, 0};
    for (size_t i = 0; i < reader->change_count; i++) {
        struct span next = widened(reader, reader->changes[i], data, size);
        if (next.from <= pending.to) {
            if (next.to > pending.to) pending.to = next.to;
        } else {
            hand_out(reader, object, pending, data, size);
            pending = next;
        }
    }
    hand_out(reader, object, pending, data, size);
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
    if (!data || !inflate(reader, entry, &header, data)) {
        free(data);
        leave_family(reader, object);
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
        leave_family(reader, object);
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
    reader->longest = longest;
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
    free(reader->changes);
    free(reader->delta);
    free(reader);
}

/* To read families from `first` up to `last`. */
void reader_begin(struct reader *reader, uint32_t first, uint32_t last) {
    free(reader->wanted);
    reader->wanted = NULL;
    reader->next_family = reader->pack->families + first;
    reader->last_family = reader->pack->families + last;
}

/* To hand out `objects` as they are, whole. Ended by reader_begin. */
int reader_want(struct reader *reader, const uint32_t *objects, size_t count) {
    const struct entry *entries = reader->pack->entries;
    free(reader->wanted);
    free(reader->wanted_families);
    reader->wanted = calloc(reader->pack->count, 1);
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

static void publish(struct reader *reader) {
    reader->out.text = reader->text;
    reader->out.windows = reader->windows;
    reader->out.wrapped = reader->wrapped;
    reader->out.left = reader->left;
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
    publish(reader);
    if (reader->failed) return -1;
    return reader->out.text_length > 0 || reader->out.wrapped_count > 0 || reader->out.left_count > 0;
}

/* What goes on in others. */

struct list { struct position *items; size_t count, room; };

static int add(struct list *list, struct position position) {
    if (!room((void **)&list->items, &list->room, list->count, sizeof *list->items)) return 0;
    list->items[list->count++] = position;
    return 1;
}

/* The positions from `first` on, which are of one base, in what `object` makes of it, at the end of the list. A position
   with a reach is one for which nothing speaks as long as so many bytes from it on are the same. */
static int follow(struct reader *reader, struct list *list, size_t first, size_t count, uint32_t object) {
    size_t size, before = list->count;
    uint64_t base_size, result, done = 0;
    const uint8_t *at = delta_of(reader, object, &size), *end = at + size;
    if (!at || !delta_size(&at, end, &base_size) || !delta_size(&at, end, &result)) return 0;
    while (at < end) {
        struct step step;
        if (!delta_step(&at, end, &step) || step.length > LARGEST - done) return 0;
        for (size_t i = first; !step.insert && i < first + count; i++) {
            struct position old = list->items[i];
            if (old.at < step.from || old.at - step.from >= step.length) continue;
            uint64_t there = done + old.at - step.from, reach = old.reach, stop = old.at + reach;
            if (stop > step.from + step.length && !(stop > base_size && step.from + step.length == base_size && done + step.length == result))
                reach = 0;
            if (list->count - before >= POSITIONS || !add(list, (struct position){object, (uint32_t)there, (uint32_t)reach}))
                return 0;
        }
        done += step.length;
    }
    return 1;
}

/* Leaves every object in which something stands that was found at the `count` positions, or that may speak for one. The
   objects of the positions themselves are the caller's. */
int reader_follow(struct reader *reader, const struct position *found, size_t count) {
    const struct entry *entries = reader->pack->entries;
    struct list list = {NULL, 0, 0};
    reader->out.left_count = 0;
    for (size_t i = 0; i < count && !reader->failed; i++)
        if (!add(&list, found[i])) reader->failed = 1;
    while (list.count && !reader->failed) {
        uint32_t object = list.items[list.count - 1].object;
        size_t first = list.count;
        while (first && list.items[first - 1].object == object) first--;
        struct list these = {NULL, 0, 0};
        for (size_t i = first; i < list.count; i++)
            if (!add(&these, list.items[i])) reader->failed = 1;
        list.count = first;
        for (uint32_t child = entries[object].child; child != NONE && !reader->failed; child = entries[child].sibling) {
            size_t before = these.count;
            if (!follow(reader, &these, 0, before, child)) {
                leave_family(reader, child);
            } else {
                int speaks = 0;
                for (size_t i = before; i < these.count; i++) {
                    speaks |= !these.items[i].reach;
                    if (!add(&list, these.items[i])) reader->failed = 1;
                }
                if (speaks) leave(reader, child);
            }
            these.count = before;
        }
        free(these.items);
    }
    free(list.items);
    publish(reader);
    return reader->failed ? -1 : 0;
}
