/* Strings, each once, by number. */

#ifndef SEAWALL_TABLE_H
#define SEAWALL_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table {
    uint32_t fixed;              /* bytes of each, where all have as many: then there are no `ends` */
    uint8_t *bytes;
    size_t used, room, ends_room;
    uint64_t *ends;              /* where in `bytes` each ends */
    uint32_t count;
    uint32_t *slots, slot_count; /* numbers and one, 0: free */
};

/* Room for `needed` things of a `size` in an array that grows; 0: no memory. */
int grow(void *array, size_t *room, size_t needed, size_t size);

/* Before the first table is filled. 0: the system gave no key. */
int table_key(void);
uint32_t number_of(struct table *table, const uint8_t *text, size_t length);
uint32_t known_number(const struct table *table, const uint8_t *text, size_t length);
void free_table(struct table *table);

#endif
