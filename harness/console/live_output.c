// SPDX-License-Identifier: Apache-2.0
// What the guest sends, on its way to the reader: bytes of all ports and events
// in one order. live.h says what happens when the reader falls behind.
#include "harness/console/live.h"
#include "src/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int output_init(struct output *q, struct error *err)
{
    *q = (struct output){.max = OUTPUT_MAX, .cap = OUTPUT_FIRST};
    q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q->fd < 0) {
        return error_errno(err, errno, "can't make an eventfd");
    }
    q->ring = malloc(q->cap * sizeof *q->ring);
    if (!q->ring) {
        close(q->fd);
        return error_set(err, -ENOMEM, "out of memory");
    }
    pthread_mutex_init(&q->lock, NULL);
    return 0;
}

void output_free(struct output *q)
{
    close(q->fd);
    free(q->ring);
    pthread_mutex_destroy(&q->lock);
}

// Async-signal-safe. The counter can't overflow: the reader resets it.
static void wake(const struct output *q)
{
    int saved = errno;
    uint64_t one = 1;
    ssize_t n = write(q->fd, &one, sizeof one);
    (void)n;
    errno = saved;
}

static struct output_entry *entry(struct output *q, size_t index)
{
    return &q->ring[(q->head + index) % q->cap];
}

static bool grow(struct output *q)
{
    size_t cap = q->cap * 2;
    struct output_entry *ring = malloc(cap * sizeof *ring);
    if (!ring) {
        return false;
    }
    for (size_t i = 0; i < q->count; i++) {
        ring[i] = *entry(q, i);
    }
    free(q->ring);
    q->ring = ring;
    q->cap = cap;
    q->head = 0;
    return true;
}

// Under the lock. The times in the queue ascend, and none lies before a moment
// that the reader was told nothing had come until.
static void put(struct output *q, struct output_entry e)
{
    uint64_t least = q->count ? entry(q, q->count - 1)->ns : 0;
    least = q->quiet_ns > least ? q->quiet_ns : least;
    e.ns = e.ns > least ? e.ns : least;
    q->count++;
    *entry(q, q->count - 1) = e;
}

bool output_bytes(struct output *q, unsigned port, const uint8_t *bytes,
                  size_t n, uint64_t ns)
{
    if (port >= TOYVMM_PORTS) {
        return true;
    }
    pthread_mutex_lock(&q->lock);
    for (size_t i = 0; i < n; i++) {
        if (q->count == q->cap && !grow(q)) {
            q->dropped++;
        } else {
            put(q, (struct output_entry){ns, bytes[i], (uint8_t)port, 0});
        }
    }
    q->enough = q->enough || q->count >= q->max;
    bool enough = q->enough;
    bool waits = q->waiting == WAIT_ANY;
    q->waiting = waits ? WAIT_NOTHING : q->waiting;
    pthread_mutex_unlock(&q->lock);
    if (waits) {
        wake(q);
    }
    return !enough;
}

bool output_has_room(struct output *q)
{
    pthread_mutex_lock(&q->lock);
    bool room = q->enough && q->count <= q->max / 2;
    q->enough = q->enough && !room;
    pthread_mutex_unlock(&q->lock);
    return room;
}

// No more than OUTPUT_EVENTS of them wait.
void output_event(struct output *q, const struct toyvmm_event *event)
{
    pthread_mutex_lock(&q->lock);
    // A guest may say "userspace" for ever; the last slot is kept for the event
    // that ends the machine (toyvmm.h: from RESET on).
    unsigned waiting = (uint16_t)(q->events_put - q->events_taken);
    bool ends = event->kind >= TOYVMM_EVENT_RESET;
    if (waiting < OUTPUT_EVENTS - (ends ? 0 : 1) &&
        (q->count < q->cap || grow(q))) {
        uint16_t slot = q->events_put++ % OUTPUT_EVENTS;
        q->events[slot] = *event;
        put(q, (struct output_entry){event->ns, 0, OUTPUT_EVENT, slot});
    }
    bool waits = q->waiting != WAIT_NOTHING;
    q->waiting = WAIT_NOTHING;
    pthread_mutex_unlock(&q->lock);
    if (waits) {
        wake(q);
    }
}

void output_interrupt(struct output *q)
{
    atomic_store(&q->interrupted, true);
    wake(q);
}

static void take(struct output *q, size_t n)
{
    q->head = (q->head + n) % q->cap;
    q->count -= n;
}

// Under the lock, with something in the queue that is due.
static void take_batch(struct output *q, struct console_batch *out,
                       uint64_t deadline_ns)
{
    const struct output_entry *first = entry(q, 0);
    out->now_ns = first->ns;
    if (first->port == OUTPUT_EVENT) {
        out->kind = CONSOLE_EVENT;
        out->event = q->events[first->slot];
        q->events_taken++;
        take(q, 1);
        return;
    }
    out->kind = CONSOLE_BYTES;
    out->port = first->port;
    size_t n = 0;
    for (; n < q->count && n < CONSOLE_BATCH; n++) {
        const struct output_entry *e = entry(q, n);
        if (e->port != out->port || e->ns > deadline_ns) {
            break;
        }
        if (n == 0 || e->ns != out->now_ns) {
            out->stamps[out->nstamps++] = (struct stamp){(uint32_t)n, e->ns};
            out->now_ns = e->ns;
        }
        out->bytes[n] = e->byte;
    }
    out->len = n;
    take(q, n);
}

// Sleeps until something of the kind comes, or the time does.
static void sleep_until(struct output *q, enum output_wait what,
                        uint64_t until_ns)
{
    q->waiting = what;
    pthread_mutex_unlock(&q->lock);
    uint64_t now = clock_now_ns();
    uint64_t left = until_ns > now ? until_ns - now : 0;
    struct timespec t = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
    struct pollfd fd = {q->fd, POLLIN, 0};
    // EINTR: the caller looks again what time it is.
    if (ppoll(&fd, 1, until_ns == CLOCK_NEVER ? NULL : &t, NULL) > 0) {
        uint64_t count;
        ssize_t n = read(q->fd, &count, sizeof count);
        (void)n;
    }
    pthread_mutex_lock(&q->lock);
    q->waiting = WAIT_NOTHING;
}

int output_read(struct output *q, struct console_batch *out,
                uint64_t deadline_ns, struct error *err)
{
    out->kind = CONSOLE_TIMEOUT; // the arrays are large: not all is cleared
    out->len = 0;
    out->nstamps = 0;
    bool slept = false;
    int code = 0;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        if (atomic_exchange(&q->interrupted, false)) {
            code = error_set(err, -EINTR, "interrupted");
            break;
        }
        if (q->count == 0) {
            uint64_t now = clock_now_ns();
            if (now >= deadline_ns) {
                // A byte whose stamp was taken but which is not here yet must
                // not contradict this.
                out->now_ns = now;
                q->quiet_ns = now;
                break;
            }
            sleep_until(q, WAIT_ANY, deadline_ns);
            slept = true;
            continue;
        }
        // What is queued but too late for the deadline has not come.
        const struct output_entry *first = entry(q, 0);
        if (first->ns > deadline_ns) {
            out->now_ns = deadline_ns;
            break;
        }
        if (slept && first->port != OUTPUT_EVENT) {
            slept = false;
            uint64_t until = clock_after(clock_now_ns(), OUTPUT_GATHER_NS);
            sleep_until(q, WAIT_EVENT,
                        until < deadline_ns ? until : deadline_ns);
            continue;
        }
        take_batch(q, out, deadline_ns);
        break;
    }
    pthread_mutex_unlock(&q->lock);
    return code;
}
