// SPDX-License-Identifier: Apache-2.0
// See vhost_served.h.
#include "src/tests/vhost_served.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint8_t served_pattern(size_t i)
{
    return (uint8_t)(i / 512 * 7 + i % 251 + 1);
}

struct descriptor {
    uint64_t address;
    uint32_t len;
    uint16_t flags, next;
};

static struct descriptor descriptor_of(const struct end *end,
                                       const struct end_ring *r, unsigned i)
{
    struct descriptor d;
    memcpy(&d, (uint8_t *)end_at(end, r->at.descriptors) + i * sizeof d,
           sizeof d);
    return d;
}

static uint8_t obey(struct served *s, const struct blk_header *h, uint8_t *data,
                    uint32_t len)
{
    uint64_t offset = h->sector * 512;
    struct blk_range range;
    switch (h->type) {
    case BLK_T_IN:
    case BLK_T_OUT:
        cr_assert(offset + len <= s->size && len % 512 == 0);
        s->writes += h->type == BLK_T_OUT;
        memcpy(h->type == BLK_T_IN ? data : s->bytes + offset,
               h->type == BLK_T_IN ? s->bytes + offset : data, len);
        return BLK_S_OK;
    case BLK_T_FLUSH:
        s->flushes++;
        return BLK_S_OK;
    case BLK_T_DISCARD:
    case BLK_T_WRITE_ZEROES:
        memcpy(&range, data, sizeof range);
        cr_assert_eq(len, sizeof range);
        cr_assert_leq(range.sectors, s->says.max_write_zeroes_sectors);
        cr_assert_leq((range.sector + range.sectors) * 512, s->size);
        if (s->refuses_zeros)
            return BLK_S_UNSUPP;
        memset(s->bytes + range.sector * 512, 0, range.sectors * 512);
        return BLK_S_OK;
    default:
        return BLK_S_UNSUPP;
    }
}

static bool serve(struct end *end, struct end_ring *r)
{
    struct served *s = end->kind->owner;
    uint8_t *driver = end_at(end, r->at.available);
    uint8_t *used = end_at(end, r->at.used);
    uint16_t index =
        __atomic_load_n((uint16_t *)(void *)(driver + 2), __ATOMIC_ACQUIRE);
    if (s->lie == DIES)
        return false;
    if (r->next == index || s->lie == SWALLOWS)
        return true;
    struct descriptor first = descriptor_of(end, r, 0);
    struct descriptor data = descriptor_of(end, r, 1);
    struct descriptor last = data.flags & 1 ? descriptor_of(end, r, 2) : data;
    struct blk_header header;
    memcpy(&header, end->memory + first.address, sizeof header);
    uint32_t len = data.flags & 1 ? data.len : 0;
    uint8_t status = obey(s, &header, end->memory + data.address, len);
    if (s->lie != NO_RESULT)
        end->memory[last.address] = s->lie == ODD_RESULT ? 9
                                    : s->lie == FAILS    ? BLK_S_IOERR
                                                         : status;
    const uint32_t element[2] = {s->lie == WRONG_ID, len + 1};
    memcpy(used + 4 + 8 * (r->next % r->number), element, sizeof element);
    r->next++;
    __atomic_store_n((uint16_t *)(void *)(used + 2),
                     (uint16_t)(r->next + (s->lie == WRONG_INDEX)),
                     __ATOMIC_RELEASE);
    const uint64_t one = 1;
    (void)!write(r->call, &one, sizeof one);
    return true;
}

static void config(const struct end *end, uint8_t *bytes, size_t len)
{
    const struct served *s = end->kind->owner;
    cr_assert_eq(len, BLK_CONFIG_LEN);
    memcpy(bytes, &s->says, len);
}

void served_start(struct served *s, size_t size, enum disk_lie lie)
{
    int socket;
    struct error err = {""};
    *s = (struct served){
        .kind = {.features = BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_DISCARD |
                             BLK_F_WRITE_ZEROES,
                 .config = config,
                 .serve = serve,
                 .owner = s},
        .lie = lie,
        .says = {.capacity = size / 512,
                 .blk_size = 512,
                 .max_discard_sectors = 8,
                 .max_write_zeroes_sectors = 8},
        .bytes = malloc(size),
        .size = size,
        .backend = {.name = "the server", .log = -1},
    };
    for (size_t i = 0; i < size; i++)
        s->bytes[i] = served_pattern(i);
    end_start_as(&s->end, &s->kind, HONEST, 0, &socket);
    cr_assert_eq(
        vhost_front_open(&s->backend.front, socket, 1, 60 * NS_PER_S, &err), 0,
        "%s", err.text);
}

void served_stop(struct served *s)
{
    vhost_backend_end(&s->backend);
    end_join(&s->end);
}

void served_free(struct served *s)
{
    free(s->bytes);
}
