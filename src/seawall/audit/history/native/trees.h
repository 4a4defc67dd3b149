/* Trees, from packs and from loose files. Those that were needed lately are kept. */

#ifndef SEAWALL_TREES_H
#define SEAWALL_TREES_H

#include "pack.h"

struct tree { const uint8_t *data; size_t size; };

/* A tree that is kept, or no data; in which turn it was used last: see forget(). */
struct kept { uint8_t *data; uint32_t size, turn; };

struct trees {
    struct pack *const *packs;
    size_t pack_count, latest;   /* the pack that had what was asked for last: it has the next one as well */
    uint32_t hash;
    char *folder;                /* of loose objects */
    struct libdeflate_decompressor *decompressor;
    struct kept **cache;         /* by pack, by object */
    uint32_t turn;
    uint64_t cached, made, loose; /* bytes: of packed trees; made in this turn; of loose ones, of this commit alone */
    volatile int stopped;        /* by another thread */
    uint8_t **transient;         /* of this commit alone */
    size_t transient_count, transient_room;
    uint8_t *delta;
    size_t delta_room;
    uint32_t *chain;             /* an object, its base, the base's base … */
    size_t chain_room;
};

/* Of objects in `packs`, which stay the caller's, and in `folder`. Whatever it returns, it is to be closed; 0: no memory. */
int trees_open(struct trees *trees, struct pack *const *packs, size_t count, const char *folder, uint32_t hash);
void trees_close(struct trees *trees);

/* One tree, there until forget(). 0: it is not there, or not as it should be. */
int tree_of(struct trees *trees, const uint8_t *id, struct tree *tree);
void forget(struct trees *trees);

#endif
