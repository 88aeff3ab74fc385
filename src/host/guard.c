// SPDX-License-Identifier: Apache-2.0
// See guard.h. The thread polls what its sandboxes tell by, each thread's own
// descriptor, which hangs up when that thread is gone; and an event that says
// that there is one more, or that it shall end. It takes no lock of the
// machine's but in `caught`, and holds none of its own there: a thread that is
// caught may hold any.
#include "src/host/guard.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct watched {
    struct guard_thread who;
    int fd;
};

struct guard {
    struct guard_hooks hooks;
    pthread_t thread;
    int wake; // an eventfd

    // Guards what follows.
    pthread_mutex_t lock;
    struct sandbox *lists[SANDBOX_THREADS]; // each made when it is needed
    struct watched *watched;                // order has no meaning
    size_t count, most;
    bool ends;

    struct pollfd *fds; // the guard's thread's: those that it waits for
};

static void wake(struct guard *guard)
{
    const uint64_t one = 1;
    // A count that is full is a signal that waits already.
    (void)!write(guard->wake, &one, sizeof one);
}

// ---- The guard's thread -----------------------------------------------------

// Everything that is watched, and the event behind it. False: it shall end.
static bool gather(struct guard *guard, size_t *count)
{
    pthread_mutex_lock(&guard->lock);
    bool ends = guard->ends;
    for (size_t i = 0; i < guard->count; i++)
        guard->fds[i] = (struct pollfd){guard->watched[i].fd, POLLIN, 0};
    guard->fds[guard->count] = (struct pollfd){guard->wake, POLLIN, 0};
    *count = guard->count;
    pthread_mutex_unlock(&guard->lock);
    return !ends;
}

// One descriptor has something to say: a call, or that its thread is gone.
static void look(struct guard *guard, const struct pollfd *fd)
{
    struct sandbox_call call;
    struct guard_thread who = {.name = ""};
    pthread_mutex_lock(&guard->lock);
    size_t i = 0;
    while (i < guard->count && guard->watched[i].fd != fd->fd)
        i++;
    if (i < guard->count)
        who = guard->watched[i].who;
    bool told = fd->revents & POLLIN && sandbox_caught(fd->fd, &call);
    if (!told && i < guard->count && fd->revents & ~POLLIN) {
        close(fd->fd);
        guard->watched[i] = guard->watched[--guard->count];
    }
    pthread_mutex_unlock(&guard->lock);
    if (told) {
        // In this order: what the thread does next is no other end.
        guard->hooks.caught(guard->hooks.owner, &who, call.text);
        sandbox_refuse(fd->fd, &call);
    }
}

static void *watch(void *arg)
{
    struct guard *guard = arg;
    struct pollfd *fds = guard->fds;
    size_t count;
    uint64_t n;
    while (gather(guard, &count)) {
        if (poll(fds, count + 1, -1) < 0)
            continue;
        if (fds[count].revents)
            (void)!read(guard->wake, &n, sizeof n);
        for (size_t i = 0; i < count; i++)
            if (fds[i].revents)
                look(guard, &fds[i]);
    }
    return NULL;
}

// ---- Beginning and end ------------------------------------------------------

static int start_thread(struct guard *guard)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = pthread_create(&guard->thread, NULL, watch, guard);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code == 0)
        pthread_setname_np(guard->thread, "guard");
    return code;
}

static void take_apart(struct guard *guard)
{
    for (size_t i = 0; i < guard->count; i++)
        close(guard->watched[i].fd);
    for (size_t i = 0; i < SANDBOX_THREADS; i++)
        sandbox_free(guard->lists[i]);
    if (guard->wake >= 0)
        close(guard->wake);
    pthread_mutex_destroy(&guard->lock);
    free(guard->watched);
    free(guard->fds);
    free(guard);
}

struct guard *guard_new(const struct guard_hooks *hooks, size_t most,
                        struct error *err)
{
    struct guard *guard = calloc(1, sizeof *guard);
    if (!guard) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    guard->hooks = *hooks;
    guard->most = most;
    guard->watched = calloc(most, sizeof *guard->watched);
    guard->fds = calloc(most + 1, sizeof *guard->fds);
    guard->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&guard->lock, NULL);
    int code = guard->wake < 0                ? errno
               : guard->watched && guard->fds ? start_thread(guard)
                                              : ENOMEM;
    if (code == 0)
        return guard;
    take_apart(guard);
    error_errno(err, code, "can't start the guard of the sandbox");
    return NULL;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    pthread_mutex_lock(&guard->lock);
    guard->ends = true;
    pthread_mutex_unlock(&guard->lock);
    wake(guard);
    pthread_join(guard->thread, NULL);
    take_apart(guard);
}

// ---- Entering ---------------------------------------------------------------

// The caller holds the lock. From here on a call of this thread may wait.
static int enter(struct guard *guard, const struct guard_thread *who)
{
    struct error err;
    struct sandbox **list = &guard->lists[who->kind];
    if (guard->count == guard->most)
        return -ENOSPC;
    if (!*list && !(*list = sandbox_new(who->kind, &err)))
        return -ENOMEM;
    int fd = sandbox_enter(*list);
    if (fd >= 0)
        guard->watched[guard->count++] =
            (struct watched){.who = *who, .fd = fd};
    return fd >= 0 || fd == SANDBOX_UNWATCHED ? 0 : fd;
}

void guard_enter(const struct guard_seat *seat)
{
    if (!seat || !seat->guard)
        return;
    struct guard *guard = seat->guard;
    pthread_mutex_lock(&guard->lock);
    int code = enter(guard, &seat->who);
    pthread_mutex_unlock(&guard->lock);
    wake(guard);
    if (code < 0)
        guard->hooks.refused(guard->hooks.owner, &seat->who, -code);
    else if (guard->hooks.entered)
        guard->hooks.entered(guard->hooks.owner, &seat->who);
}
