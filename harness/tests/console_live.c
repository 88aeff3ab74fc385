// SPDX-License-Identifier: Apache-2.0
// Tests of the live backend without a machine: a thread plays the vCPU. Also to
// be run with -DTOYVMM_SANITIZE=thread.
#include "harness/console/live.h"
#include "harness/tests/console_util.h"
#include "src/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

static struct console_batch batch; // too large for a stack

static void put(struct live_console *lc, unsigned port, const char *text,
                uint64_t ns)
{
    struct toyvmm_sink sink = live_console_sink(lc);
    for (; *text; text++) {
        const uint8_t byte = (uint8_t)*text;
        sink.tx(sink.owner, port, &byte, 1, ns++);
    }
}

static void put_event(struct live_console *lc, enum toyvmm_event_kind kind,
                      uint64_t ns)
{
    struct toyvmm_sink sink = live_console_sink(lc);
    struct toyvmm_event e = {.kind = kind, .ns = ns};
    sink.event(sink.owner, &e);
}

static enum console_item read_one(struct live_console *lc, uint64_t deadline)
{
    struct error err = {""};
    int code = console_read(live_console_base(lc), &batch, deadline, &err);
    cr_assert_eq(code, 0, "%s", err.text);
    return batch.kind;
}

Test(console_live, bytes_ports_and_events_in_one_order)
{
    struct live_console *lc = live_fresh();
    put_event(lc, TOYVMM_EVENT_STARTED, 1);
    put(lc, 0, "ab", 10);
    put(lc, 1, "c", 12);
    put(lc, 0, "d", 13);
    put_event(lc, TOYVMM_EVENT_USERSPACE, 14);
    put(lc, 0, "e", 15);
    put(lc, TOYVMM_PORTS, "no such port", 16);
    put_event(lc, TOYVMM_EVENT_RESET, 20);

    cr_expect_eq(read_one(lc, 100), CONSOLE_EVENT);
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_STARTED);
    cr_expect_eq(batch.now_ns, 1);
    cr_expect_eq(read_one(lc, 100), CONSOLE_BYTES);
    cr_expect_eq(batch.len, 2);
    cr_expect_eq(batch.nstamps, 2);
    cr_expect_eq(batch.stamps[1].at, 1);
    cr_expect_eq(batch.stamps[1].ns, 11);
    cr_expect_eq(batch.now_ns, 11);
    cr_expect_eq(read_one(lc, 100), CONSOLE_BYTES);
    cr_expect_eq(batch.port, 1);
    cr_expect_eq(read_one(lc, 100), CONSOLE_BYTES);
    cr_expect_eq(batch.bytes[0], 'd');
    cr_expect_eq(read_one(lc, 100), CONSOLE_EVENT);
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_USERSPACE);
    // What was stamped after the deadline has not come by then.
    cr_expect_eq(read_one(lc, 14), CONSOLE_TIMEOUT);
    cr_expect_eq(batch.now_ns, 14);
    cr_expect_eq(read_one(lc, 15), CONSOLE_BYTES);
    cr_expect_eq(batch.bytes[0], 'e');
    cr_expect_eq(read_one(lc, 100), CONSOLE_EVENT);
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_RESET);
    cr_expect_eq(read_one(lc, 100), CONSOLE_TIMEOUT);
    console_close(live_console_base(lc));
}

Test(console_live, deadline_cuts_a_batch)
{
    struct live_console *lc = live_fresh();
    put(lc, 0, "abcd", 10);
    cr_expect_eq(read_one(lc, 11), CONSOLE_BYTES);
    cr_expect_eq(batch.len, 2);
    cr_expect_eq(read_one(lc, 11), CONSOLE_TIMEOUT);
    cr_expect_eq(read_one(lc, 99), CONSOLE_BYTES);
    cr_expect_eq(batch.len, 2);
    console_close(live_console_base(lc));
}

// A byte that was stamped but not queued when the reader was told "nothing":
// it is not allowed to have come before that.
Test(console_live, silence_that_was_told_stays_silence)
{
    struct live_console *lc = live_fresh();
    uint64_t before = clock_now_ns();
    cr_expect_eq(read_one(lc, before), CONSOLE_TIMEOUT);
    uint64_t told = batch.now_ns;
    cr_expect_geq(told, before);
    put(lc, 0, "late", before - 1000);
    cr_expect_eq(read_one(lc, CLOCK_NEVER), CONSOLE_BYTES);
    cr_expect_geq(batch.stamps[0].ns, told);
    console_close(live_console_base(lc));
}

// ---- A vCPU thread ---------------------------------------------------------

struct vcpu {
    struct live_console *lc;
    size_t bytes;
    pthread_t thread;
    pthread_mutex_t lock; // guards the rest
    pthread_cond_t changed;
    size_t rooms, waits;
};

static void room(void *machine)
{
    struct vcpu *v = machine;
    pthread_mutex_lock(&v->lock);
    v->rooms++;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
}

// As the machine does: a guest whose sink has enough waits for room.
static void *flood(void *arg)
{
    struct vcpu *v = arg;
    struct toyvmm_sink sink = live_console_sink(v->lc);
    for (size_t i = 0; i < v->bytes; i++) {
        const uint8_t byte = (uint8_t)i;
        pthread_mutex_lock(&v->lock);
        size_t rooms = v->rooms;
        pthread_mutex_unlock(&v->lock);
        if (sink.tx(sink.owner, i % 7 == 0, &byte, 1, clock_now_ns())) {
            continue;
        }
        pthread_mutex_lock(&v->lock);
        v->waits++;
        pthread_cond_broadcast(&v->changed);
        while (v->rooms == rooms) {
            pthread_cond_wait(&v->changed, &v->lock);
        }
        pthread_mutex_unlock(&v->lock);
    }
    put_event(v->lc, TOYVMM_EVENT_POWEROFF, clock_now_ns());
    return NULL;
}

static void start(struct vcpu *v, void *(*run)(void *))
{
    static const struct live_calls calls = {.room = room};
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    live_console_connect(v->lc, &calls, v);
    cr_assert_eq(pthread_create(&v->thread, NULL, run, v), 0);
}

Test(console_live, producer_thread, .timeout = 900)
{
    struct vcpu v = {.lc = live_fresh(), .bytes = 300000};
    start(&v, flood);
    size_t got[2] = {0, 0};
    uint64_t last_ns = 0;
    while (read_one(v.lc, CLOCK_NEVER) == CONSOLE_BYTES) {
        for (size_t i = 0; i < batch.len; i++) {
            // The k-th byte of a port says what it must be.
            size_t k = got[batch.port]++;
            size_t n = batch.port ? k * 7 : k + k / 6 + 1;
            cr_assert_eq(batch.bytes[i], (uint8_t)n, "port %u, byte %zu",
                         batch.port, k);
        }
        for (size_t i = 0; i < batch.nstamps; i++) {
            cr_assert_geq(batch.stamps[i].ns, last_ns);
            last_ns = batch.stamps[i].ns;
        }
        cr_assert_eq(batch.now_ns, last_ns);
    }
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_POWEROFF);
    cr_expect_eq(got[0] + got[1], v.bytes);
    pthread_join(v.thread, NULL);
    cr_expect_eq(live_console_dropped(v.lc), 0);
    console_close(live_console_base(v.lc));
}

// A reader that is slower than the guest: the guest waits, nothing is lost.
Test(console_live, back_pressure, .timeout = 900)
{
    struct vcpu v = {.lc = live_fresh(), .bytes = 100000};
    v.lc->output.max = OUTPUT_FIRST;
    start(&v, flood);
    // However the two are scheduled: nobody reads before the guest had to wait.
    pthread_mutex_lock(&v.lock);
    while (!v.waits)
        pthread_cond_wait(&v.changed, &v.lock);
    pthread_mutex_unlock(&v.lock);
    size_t got = 0;
    while (read_one(v.lc, CLOCK_NEVER) == CONSOLE_BYTES) {
        got += batch.len;
        cr_assert_leq(v.lc->output.cap, 2 * OUTPUT_FIRST);
    }
    pthread_join(v.thread, NULL);
    cr_expect_eq(got, v.bytes);
    cr_expect_gt(v.waits, 0);
    cr_expect_eq(live_console_dropped(v.lc), 0);
    console_close(live_console_base(v.lc));
}

// Nobody reads: the machine is told so, and whoever hands bytes on never waits,
// so that the one who should read can stop it. What was sent is all there.
Test(console_live, nobody_reads)
{
    enum { BYTES = 50000 };
    struct live_console *lc = live_fresh();
    struct toyvmm_sink sink = live_console_sink(lc);
    static uint8_t bytes[BYTES];
    lc->output.max = OUTPUT_FIRST;
    cr_expect(sink.tx(sink.owner, 0, bytes, OUTPUT_FIRST - 1, 1));
    cr_expect_not(sink.tx(sink.owner, 0, bytes, 1, 2));
    cr_expect_not(sink.tx(sink.owner, 0, bytes, BYTES - OUTPUT_FIRST, 3));
    put_event(lc, TOYVMM_EVENT_POWEROFF, 4);
    size_t got = 0;
    while (read_one(lc, 100) == CONSOLE_BYTES) {
        got += batch.len;
    }
    cr_expect_eq(got, BYTES);
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_POWEROFF);
    cr_expect_eq(live_console_dropped(lc), 0);
    cr_expect(sink.tx(sink.owner, 0, bytes, 1, 5), "it is read: go on");
    console_close(live_console_base(lc));
}

Test(console_live, endless_events_leave_room_for_the_last)
{
    struct live_console *lc = live_fresh();
    for (uint64_t i = 0; i < 1000; i++) {
        put_event(lc, TOYVMM_EVENT_USERSPACE, i);
    }
    put_event(lc, TOYVMM_EVENT_TRIPLE_FAULT, 2000);
    size_t n = 0;
    do {
        cr_assert_eq(read_one(lc, 3000), CONSOLE_EVENT);
        n++;
    } while (batch.event.kind == TOYVMM_EVENT_USERSPACE);
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_TRIPLE_FAULT);
    cr_expect_eq(n, OUTPUT_EVENTS);
    console_close(live_console_base(lc));
}

// ---- Interrupting ----------------------------------------------------------

static struct live_console *interrupted_by_signal;

static void on_signal(int number)
{
    (void)number;
    console_interrupt(live_console_base(interrupted_by_signal));
}

static void *send_signal(void *arg)
{
    struct vcpu *v = arg;
    // Whether the reader waits already does not matter.
    pthread_kill(v->thread, SIGUSR1);
    return NULL;
}

Test(console_live, interrupt, .timeout = 900)
{
    struct error err = {""};
    struct live_console *lc = live_fresh();
    struct console *c = live_console_base(lc);
    put(lc, 0, "x", 1);
    console_interrupt(c);
    cr_expect_eq(console_read(c, &batch, CLOCK_NEVER, &err), -EINTR);
    cr_expect_eq(read_one(lc, CLOCK_NEVER), CONSOLE_BYTES);

    interrupted_by_signal = lc;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    struct vcpu self = {.lc = lc, .thread = pthread_self()};
    pthread_t sender;
    cr_assert_eq(pthread_create(&sender, NULL, send_signal, &self), 0);
    cr_expect_eq(console_read(c, &batch, CLOCK_NEVER, &err), -EINTR);
    pthread_join(sender, NULL);
    console_close(c);
}
