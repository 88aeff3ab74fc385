// SPDX-License-Identifier: Apache-2.0
// What is typed, on its way to the guest: a bounded queue for each port.
#include "harness/console/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_FIRST ((size_t)256)

int input_init(struct input *in, struct error *err)
{
    memset(in->port, 0, sizeof in->port);
    int code = pthread_mutex_init(&in->lock, NULL);
    return code ? error_errno(err, code, "can't make a lock") : 0;
}

void input_free(struct input *in)
{
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        free(in->port[i].ring);
    }
    pthread_mutex_destroy(&in->lock);
}

// Copies the oldest n bytes of a ring.
static void peek(const uint8_t *ring, size_t cap, size_t head, uint8_t *to,
                 size_t n)
{
    size_t first = cap - head < n ? cap - head : n;
    memcpy(to, ring + head, first);
    memcpy(to + first, ring, n - first);
}

static int grow(struct input *in, unsigned port, size_t need)
{
    size_t cap = in->port[port].cap ? in->port[port].cap : INPUT_FIRST;
    while (cap < need) {
        cap *= 2;
    }
    if (cap == in->port[port].cap) {
        return 0;
    }
    uint8_t *ring = malloc(cap);
    if (!ring) {
        return -ENOMEM;
    }
    if (in->port[port].count) {
        peek(in->port[port].ring, in->port[port].cap, in->port[port].head, ring,
             in->port[port].count);
    }
    free(in->port[port].ring);
    in->port[port].ring = ring;
    in->port[port].cap = cap;
    in->port[port].head = 0;
    return 0;
}

int input_put(struct input *in, unsigned port, const uint8_t *bytes, size_t len,
              struct error *err)
{
    int code = 0;
    pthread_mutex_lock(&in->lock);
    size_t count = in->port[port].count;
    if (len > INPUT_MAX - count) {
        code = error_set(err, -ENOSPC,
                         "port %u: %zu bytes wait for the guest already, no "
                         "room for %zu more",
                         port, count, len);
    } else if (grow(in, port, count + len) < 0) {
        code = error_set(err, -ENOMEM, "out of memory for typed input");
    } else if (len) {
        size_t cap = in->port[port].cap;
        size_t tail = (in->port[port].head + count) % cap;
        size_t first = cap - tail < len ? cap - tail : len;
        memcpy(in->port[port].ring + tail, bytes, first);
        memcpy(in->port[port].ring, bytes + first, len - first);
        in->port[port].count += len;
    }
    pthread_mutex_unlock(&in->lock);
    return code;
}

int input_put_break(struct input *in, unsigned port, struct error *err)
{
    int code = 0;
    pthread_mutex_lock(&in->lock);
    unsigned n = in->port[port].nbreaks;
    if (n == INPUT_BREAKS) {
        code = error_set(err, -ENOSPC,
                         "port %u: %u breaks wait for the guest already, no "
                         "room for another",
                         port, n);
    } else {
        in->port[port].breaks[n] = in->port[port].taken + in->port[port].count;
        in->port[port].nbreaks++;
    }
    pthread_mutex_unlock(&in->lock);
    return code;
}

// How many bytes come before the next break. The caller holds the lock.
static size_t before_break(const struct input *in, unsigned port)
{
    return in->port[port].nbreaks
               ? (size_t)(in->port[port].breaks[0] - in->port[port].taken)
               : in->port[port].count;
}

static void drop_break(struct input *in, unsigned port)
{
    in->port[port].nbreaks--;
    memmove(in->port[port].breaks, in->port[port].breaks + 1,
            in->port[port].nbreaks * sizeof in->port[port].breaks[0]);
}

size_t input_take(struct input *in, unsigned port, uint8_t *bytes, size_t max)
{
    pthread_mutex_lock(&in->lock);
    size_t n = before_break(in, port);
    if (n == 0 && in->port[port].nbreaks) {
        drop_break(in, port);
        pthread_mutex_unlock(&in->lock);
        return TOYVMM_RX_BREAK;
    }
    n = n < max ? n : max;
    if (n) {
        peek(in->port[port].ring, in->port[port].cap, in->port[port].head,
             bytes, n);
        in->port[port].head = (in->port[port].head + n) % in->port[port].cap;
        in->port[port].count -= n;
        in->port[port].taken += n;
    }
    pthread_mutex_unlock(&in->lock);
    return n;
}

size_t input_count(struct input *in, unsigned port)
{
    pthread_mutex_lock(&in->lock);
    size_t n = in->port[port].count + in->port[port].nbreaks;
    pthread_mutex_unlock(&in->lock);
    return n;
}

void input_forget(struct input *in)
{
    pthread_mutex_lock(&in->lock);
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        in->port[i].count = 0;
        in->port[i].nbreaks = 0;
    }
    pthread_mutex_unlock(&in->lock);
}
