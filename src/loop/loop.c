// SPDX-License-Identifier: Apache-2.0
// The event loop. See loop.h.
//
// Between epoll_wait and the callback a source may be removed, and another one
// added with the same descriptor or in the same memory. So epoll is given a
// number that is never used again, and what has no source by that number any
// more is dropped.
#include "src/loop/loop.h"

#include "src/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

// Taken from the kernel at a time; what is left comes with the next call.
#define EVENTS_MAX 16

struct loop {
    int fd; // of epoll
    pthread_t thread;
    bool has_thread;
    struct guard_seat seat;  // the thread's
    struct loop_source wake; // an eventfd that ends the thread

    // Guards what follows. Never held while a callback runs.
    pthread_mutex_t lock;
    pthread_cond_t passed;       // a callback has returned
    struct loop_source *sources; // a handful, or some hundred connections
    uint64_t last_id, calling;   // calling: whose callback runs, 0: none
    bool quit;
};

// ---- The thread ------------------------------------------------------------

static struct loop_source *find(struct loop *loop, uint64_t id)
{
    struct loop_source *s = loop->sources;
    while (s && s->id != id)
        s = s->next;
    return s;
}

// The caller holds the lock, and holds it again afterwards.
static void call(struct loop *loop, const struct epoll_event *event)
{
    struct loop_source *s = find(loop, event->data.u64);
    if (!s)
        return;
    void (*ready)(void *, uint32_t) = s->ready;
    void *owner = s->owner;
    loop->calling = s->id;
    pthread_mutex_unlock(&loop->lock);
    // It may free s.
    ready(owner, event->events);
    pthread_mutex_lock(&loop->lock);
    loop->calling = 0;
    pthread_cond_broadcast(&loop->passed);
}

static void *run(void *arg)
{
    struct loop *loop = arg;
    struct epoll_event events[EVENTS_MAX];
    guard_enter(&loop->seat);
    pthread_mutex_lock(&loop->lock);
    while (!loop->quit) {
        pthread_mutex_unlock(&loop->lock);
        int n = epoll_wait(loop->fd, events, EVENTS_MAX, -1);
        pthread_mutex_lock(&loop->lock);
        for (int i = 0; i < n && !loop->quit; i++)
            call(loop, &events[i]);
    }
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

// Its count stays: the thread ends at once, however often it looks.
static void woken(void *owner, uint32_t events)
{
    (void)owner, (void)events;
}

static int start_thread(struct loop *loop)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code)
        return -code;
    loop->has_thread = true;
    pthread_setname_np(loop->thread, "loop");
    return 0;
}

struct loop *loop_new(const struct guard_seat *seat, struct error *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    if (seat)
        loop->seat = *seat;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->passed, NULL);
    loop->wake = (struct loop_source){.fd = -1, .ready = woken};
    int code = 0;
    loop->fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->fd >= 0)
        loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake.fd < 0)
        code = error_errno(err, errno, "can't make an event loop");
    if (code == 0)
        code = loop_add(loop, &loop->wake, EPOLLIN, err);
    if (code == 0) {
        code = start_thread(loop);
        if (code < 0)
            error_errno(err, -code, "can't start the event loop's thread");
    }
    if (code == 0)
        return loop;
    loop_free(loop);
    return NULL;
}

void loop_free(struct loop *loop)
{
    const uint64_t one = 1;
    if (!loop)
        return;
    if (loop->has_thread) {
        pthread_mutex_lock(&loop->lock);
        loop->quit = true;
        pthread_mutex_unlock(&loop->lock);
        // An eventfd at 0 takes a 1.
        (void)!write(loop->wake.fd, &one, sizeof one);
        pthread_join(loop->thread, NULL);
    }
    if (loop->wake.fd >= 0)
        close(loop->wake.fd);
    if (loop->fd >= 0)
        close(loop->fd);
    pthread_cond_destroy(&loop->passed);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

// ---- Sources ---------------------------------------------------------------

int loop_add(struct loop *loop, struct loop_source *source, uint32_t events,
             struct error *err)
{
    pthread_mutex_lock(&loop->lock);
    struct epoll_event event = {
        .events = events,
        .data.u64 = loop->last_id + 1,
    };
    int code = source->id ? -EEXIST : 0;
    if (code == 0 && epoll_ctl(loop->fd, EPOLL_CTL_ADD, source->fd, &event) < 0)
        code = -errno;
    if (code == 0) {
        source->id = ++loop->last_id;
        source->next = loop->sources;
        loop->sources = source;
    }
    pthread_mutex_unlock(&loop->lock);
    return code < 0 ? error_errno(err, -code, "can't watch a descriptor") : 0;
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
    pthread_mutex_lock(&loop->lock);
    struct epoll_event event = {.events = events, .data.u64 = source->id};
    int code = source->id ? 0 : -ENOENT;
    if (code == 0 && epoll_ctl(loop->fd, EPOLL_CTL_MOD, source->fd, &event) < 0)
        code = -errno;
    pthread_mutex_unlock(&loop->lock);
    return code;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
    pthread_mutex_lock(&loop->lock);
    uint64_t id = source->id;
    if (id) {
        struct loop_source **at = &loop->sources;
        while (*at != source)
            at = &(*at)->next;
        *at = source->next;
        source->id = 0;
        epoll_ctl(loop->fd, EPOLL_CTL_DEL, source->fd, NULL);
    }
    bool inside = pthread_equal(pthread_self(), loop->thread);
    while (id && loop->calling == id && !inside)
        pthread_cond_wait(&loop->passed, &loop->lock);
    pthread_mutex_unlock(&loop->lock);
}

static void close_source(struct loop *loop, struct loop_source *source)
{
    // One that was never added has nothing of the loop's.
    if (!source->ready || source->fd < 0)
        return;
    loop_remove(loop, source);
    close(source->fd);
    source->fd = -1;
}

// A descriptor of the loop's own making.
static int open_source(struct loop *loop, struct loop_source *source, int fd,
                       struct error *err)
{
    source->fd = fd;
    if (fd < 0)
        return error_errno(err, errno, "can't make an event");
    return loop_add(loop, source, EPOLLIN, err);
}

// The count of a timer or an event, which it takes; 0: another call did.
static uint64_t take_count(int fd)
{
    uint64_t count = 0;
    return read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

// ---- Timers ----------------------------------------------------------------

static void timer_ready(void *owner, uint32_t events)
{
    struct loop_timer *timer = owner;
    (void)events;
    // It may have been set anew since.
    if (take_count(timer->source.fd))
        timer->fired(timer->owner);
}

int loop_timer_add(struct loop *loop, struct loop_timer *timer,
                   void (*fired)(void *owner), void *owner, struct error *err)
{
    *timer = (struct loop_timer){
        .source = {.ready = timer_ready, .owner = timer},
        .fired = fired,
        .owner = owner,
    };
    return open_source(
        loop, &timer->source,
        timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), err);
}

void loop_timer_set(struct loop_timer *timer, uint64_t ns)
{
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (ns != CLOCK_NEVER) {
        // 0 would switch it off, and that time has passed anyway.
        ns = ns ? ns : 1;
        when.it_value.tv_sec = (time_t)(ns / NS_PER_S);
        when.it_value.tv_nsec = (long)(ns % NS_PER_S);
    }
    timerfd_settime(timer->source.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_timer_remove(struct loop *loop, struct loop_timer *timer)
{
    close_source(loop, &timer->source);
}

// ---- Events ----------------------------------------------------------------

static void event_ready(void *owner, uint32_t events)
{
    struct loop_event *event = owner;
    (void)events;
    if (take_count(event->source.fd))
        event->happened(event->owner);
}

int loop_event_add(struct loop *loop, struct loop_event *event,
                   void (*happened)(void *owner), void *owner,
                   struct error *err)
{
    *event = (struct loop_event){
        .source = {.ready = event_ready, .owner = event},
        .happened = happened,
        .owner = owner,
    };
    return open_source(loop, &event->source,
                       eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), err);
}

void loop_event_signal(struct loop_event *event)
{
    const uint64_t one = 1;
    // A count that is full is a signal that waits already.
    (void)!write(event->source.fd, &one, sizeof one);
}

void loop_event_remove(struct loop *loop, struct loop_event *event)
{
    close_source(loop, &event->source);
}
