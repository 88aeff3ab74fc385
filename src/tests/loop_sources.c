// SPDX-License-Identifier: Apache-2.0
// The event loop: what is ready is called, what was removed is not, from which
// thread ever.
#include "src/base/clock.h"
#include "src/loop/loop.h"
#include "src/tests/guard_fixture.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

// A pipe on a loop, and what its callback saw.
struct fixture {
    struct guard_log guard;
    struct loop *loop;
    int pipe[2];
    struct loop_source source;
    struct loop_timer timer;
    struct loop_event event;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned calls; // and what follows, under lock
    uint32_t events;
    uint64_t at_ns;
    pthread_t thread;
    bool hold, removes;
};

static void note(struct fixture *f, uint32_t events)
{
    pthread_mutex_lock(&f->lock);
    f->calls++;
    f->events = events;
    f->at_ns = clock_now_ns();
    f->thread = pthread_self();
    pthread_cond_broadcast(&f->changed);
    while (f->hold)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

static void ready(void *owner, uint32_t events)
{
    struct fixture *f = owner;
    char byte;
    if (events & EPOLLIN)
        cr_assert_eq(read(f->pipe[0], &byte, 1), 1);
    if (f->removes)
        loop_remove(f->loop, &f->source);
    note(f, events);
}

static void happened(void *owner)
{
    note(owner, 0);
}

static void set_up(struct fixture *f)
{
    struct error err = {""};
    memset(f, 0, sizeof *f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    cr_assert_eq(pipe(f->pipe), 0);
    guard_log_begin(&f->guard, NULL);
    const struct guard_seat seat =
        guard_log_seat(&f->guard, SANDBOX_LOOP, "the network");
    f->loop = loop_new(&seat, &err);
    cr_assert_not_null(f->loop, "%s", err.text);
    f->source =
        (struct loop_source){.fd = f->pipe[0], .ready = ready, .owner = f};
    cr_assert_eq(loop_timer_add(f->loop, &f->timer, happened, f, &err), 0);
    cr_assert_eq(loop_event_add(f->loop, &f->event, happened, f, &err), 0);
}

static void tear_down(struct fixture *f)
{
    loop_timer_remove(f->loop, &f->timer);
    loop_event_remove(f->loop, &f->event);
    loop_remove(f->loop, &f->source);
    loop_free(f->loop);
    guard_log_end_well(&f->guard);
    close(f->pipe[0]);
    close(f->pipe[1]);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

// What the callbacks saw when there were that many of them.
struct seen {
    unsigned calls;
    uint32_t events;
    uint64_t at_ns;
    pthread_t thread;
};

static struct seen wait_for(struct fixture *f, unsigned calls)
{
    pthread_mutex_lock(&f->lock);
    while (f->calls < calls)
        pthread_cond_wait(&f->changed, &f->lock);
    struct seen seen = {f->calls, f->events, f->at_ns, f->thread};
    pthread_mutex_unlock(&f->lock);
    return seen;
}

static void put(struct fixture *f)
{
    cr_assert_eq(write(f->pipe[1], "x", 1), 1);
}

static void hold(struct fixture *f)
{
    pthread_mutex_lock(&f->lock);
    f->hold = true;
    pthread_mutex_unlock(&f->lock);
}

static void let_go(struct fixture *f)
{
    pthread_mutex_lock(&f->lock);
    f->hold = false;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

Test(loop, descriptors)
{
    struct fixture f;
    struct error err = {""};
    set_up(&f);
    cr_assert_eq(loop_change(f.loop, &f.source, EPOLLIN), -ENOENT);
    cr_assert_eq(loop_add(f.loop, &f.source, EPOLLIN, &err), 0);
    cr_assert_eq(loop_add(f.loop, &f.source, EPOLLIN, &err), -EEXIST);
    put(&f);
    cr_assert_eq(wait_for(&f, 1).events, (uint32_t)EPOLLIN);
    cr_assert_not(pthread_equal(wait_for(&f, 1).thread, pthread_self()));
    // What nobody asks for is not told.
    cr_assert_eq(loop_change(f.loop, &f.source, 0), 0);
    put(&f);
    loop_event_signal(&f.event);
    cr_assert_eq(wait_for(&f, 2).events, 0U);
    cr_assert_eq(loop_change(f.loop, &f.source, EPOLLIN), 0);
    cr_assert_eq(wait_for(&f, 3).events, (uint32_t)EPOLLIN);
    // Removed, it may be added again.
    loop_remove(f.loop, &f.source);
    loop_remove(f.loop, &f.source);
    put(&f);
    loop_event_signal(&f.event);
    cr_assert_eq(wait_for(&f, 4).events, 0U);
    cr_assert_eq(loop_add(f.loop, &f.source, EPOLLIN, &err), 0);
    wait_for(&f, 5);
    tear_down(&f);
}

Test(loop, what_cant_be_watched)
{
    struct loop_source bad = {.fd = -1, .ready = ready};
    struct error err = {""};
    struct fixture f;
    set_up(&f);
    cr_assert_eq(loop_add(f.loop, &bad, EPOLLIN, &err), -EBADF);
    cr_assert_str_eq(err.text, "can't watch a descriptor: Bad file descriptor");
    tear_down(&f);
}

Test(loop, timers)
{
    struct fixture f;
    set_up(&f);
    uint64_t at = clock_now_ns() + 5 * NS_PER_MS;
    loop_timer_set(&f.timer, at);
    cr_assert_geq(wait_for(&f, 1).at_ns, at);
    // One that is over fires at once; one that was taken back never.
    loop_timer_set(&f.timer, 0);
    wait_for(&f, 2);
    loop_timer_set(&f.timer, clock_now_ns() + 3600 * NS_PER_S);
    loop_timer_set(&f.timer, CLOCK_NEVER);
    loop_timer_set(&f.timer, clock_now_ns());
    wait_for(&f, 3);
    tear_down(&f);
}

Test(loop, signals_are_counted_once)
{
    struct fixture f;
    set_up(&f);
    hold(&f);
    loop_event_signal(&f.event);
    wait_for(&f, 1);
    for (int i = 0; i < 100; i++)
        loop_event_signal(&f.event);
    let_go(&f);
    wait_for(&f, 2);
    cr_assert_eq(wait_for(&f, 0).calls, 2U);
    tear_down(&f);
}

static void *let_go_later(void *arg)
{
    struct fixture *f = arg;
    const struct timespec a_while = {0, 20 * 1000 * 1000};
    nanosleep(&a_while, NULL);
    pthread_mutex_lock(&f->lock);
    f->calls += 100;
    pthread_mutex_unlock(&f->lock);
    let_go(f);
    return NULL;
}

// Who removes a source may free what its callback uses.
Test(loop, removal_waits_for_the_callback)
{
    struct fixture f;
    struct error err = {""};
    pthread_t other;
    set_up(&f);
    hold(&f);
    cr_assert_eq(loop_add(f.loop, &f.source, EPOLLIN, &err), 0);
    put(&f);
    wait_for(&f, 1);
    cr_assert_eq(pthread_create(&other, NULL, let_go_later, &f), 0);
    loop_remove(f.loop, &f.source);
    cr_assert_eq(wait_for(&f, 0).calls, 101U);
    pthread_join(other, NULL);
    tear_down(&f);
}

Test(loop, a_callback_removes_itself)
{
    struct fixture f;
    struct error err = {""};
    set_up(&f);
    f.removes = true;
    cr_assert_eq(loop_add(f.loop, &f.source, EPOLLIN, &err), 0);
    put(&f);
    put(&f);
    wait_for(&f, 1);
    loop_event_signal(&f.event);
    cr_assert_eq(wait_for(&f, 2).events, 0U);
    tear_down(&f);
}

// A loop with nothing to do uses no processor.
Test(loop, sleeps)
{
    struct fixture f;
    clockid_t clock;
    const struct timespec a_while = {0, 50 * 1000 * 1000};
    set_up(&f);
    loop_event_signal(&f.event);
    cr_assert_eq(pthread_getcpuclockid(wait_for(&f, 1).thread, &clock), 0);
    nanosleep(&a_while, NULL);
    uint64_t before = clock_cpu_ns(clock);
    nanosleep(&a_while, NULL);
    cr_assert_eq(clock_cpu_ns(clock), before);
    tear_down(&f);
}

// ---- Many threads ----------------------------------------------------------

#define THREADS 4
#define ROUNDS  200

static atomic_uint total;

static void count(void *owner)
{
    (void)owner;
    atomic_fetch_add(&total, 1);
}

// Adds, fires and removes sources of its own.
static void *busy(void *arg)
{
    struct loop *loop = arg;
    struct error err = {""};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct loop_timer *timer = calloc(1, sizeof *timer);
        struct loop_event *event = calloc(1, sizeof *event);
        cr_assert(timer && event);
        cr_assert_eq(loop_timer_add(loop, timer, count, NULL, &err), 0);
        cr_assert_eq(loop_event_add(loop, event, count, NULL, &err), 0);
        loop_timer_set(timer, clock_now_ns() + i * NS_PER_US);
        loop_event_signal(event);
        loop_event_remove(loop, event);
        loop_timer_remove(loop, timer);
        free(timer);
        free(event);
    }
    return NULL;
}

Test(loop, many_threads)
{
    struct error err = {""};
    pthread_t threads[THREADS];
    struct loop *loop = loop_new(NULL, &err);
    cr_assert_not_null(loop);
    for (unsigned i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, busy, loop), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    loop_free(loop);
    cr_assert_leq(atomic_load(&total), 2U * THREADS * ROUNDS);
}
