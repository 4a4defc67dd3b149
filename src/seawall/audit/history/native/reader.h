/* What the parts of the reader share: see reader.c. */

#ifndef SEAWALL_READER_H
#define SEAWALL_READER_H

#include "pack.h"

#define LARGEST (32u << 20)      /* bytes of an object: larger ones, and what is made from them, are left to git */
#define HELD (96u << 20)         /* bytes of bases that wait for what is made from them */
#define AROUND 128               /* bytes at least that are handed out on each side of a change */

struct span { uint32_t from, to; };

/* What of an object is to be searched: `length` bytes from `from`, which stand at `at` in the text; `more` come after. */
struct window { uint32_t object, from, at, length, more; };

/* Where a match ends; `number` is what it is of. For `reach` see follow.c. */
struct position { uint32_t object, at, reach, number; };

struct frame {
    uint8_t *data;
    uint32_t size, object, next;
};

struct reader {
    struct {                     /* what Python sees */
        const uint8_t *text;
        const struct window *windows;
        const uint32_t *wrapped; /* objects that may have something in them that is not text */
        const uint32_t *left;    /* objects that could not be gone through */
        const struct position *followed;
        uint64_t text_length, window_count, wrapped_count, left_count, followed_count;
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
    struct position *followed;
    size_t followed_room;
    struct span *changes;
    size_t change_count, change_room;
    uint8_t *delta;
    size_t delta_room;
    int failed;                  /* no memory */
};

int reader_room(void **array, size_t *room, size_t count, size_t size);
void reader_leave(struct reader *reader, uint32_t object);
void reader_leave_family(struct reader *reader, uint32_t top);
void reader_publish(struct reader *reader);
int reader_wrapped(const uint8_t *data, size_t size);
const uint8_t *delta_of(struct reader *reader, uint32_t object, size_t *size);
uint8_t *patched(struct reader *reader, uint32_t object, const uint8_t *base, size_t base_size, uint32_t *size);

/* Room for one more than `count` in an array of the reader's. */
#define ROOM(reader, array, available, count) \
    (reader_room((void **)&(reader)->array, &(reader)->available, (count), sizeof *(reader)->array) || \
     ((reader)->failed = 1, 0))

#endif
