// SPDX-License-Identifier: Apache-2.0
// The watchdog's thread (watchdog.h).
#include "harness/suite/watchdog.h"

#include "src/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *watch(void *owner)
{
    struct watchdog *w = owner;
    while (!atomic_load(&w->stopped)) {
        uint64_t at = atomic_load(&w->at_ns);
        uint64_t now = clock_now_ns();
        if (now >= at) {
            w->fire(w->owner);
            return NULL;
        }
        struct timespec left = {(time_t)((at - now) / NS_PER_S),
                                (long)((at - now) % NS_PER_S)};
        struct pollfd fd = {w->fd, POLLIN, 0};
        if (ppoll(&fd, 1, at == CLOCK_NEVER ? NULL : &left, NULL) > 0) {
            uint64_t count;
            (void)!read(w->fd, &count, sizeof(count));
        }
    }
    return NULL;
}

static int start_thread(struct watchdog *w, struct error *err)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&w->thread, NULL, watch, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? error_errno(err, code, "can't start a thread") : 0;
}

int watchdog_start(struct watchdog *w, uint64_t at_ns,
                   void (*fire)(void *owner), void *owner, struct error *err)
{
    *w = (struct watchdog){.fire = fire, .owner = owner};
    atomic_store(&w->at_ns, at_ns);
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0)
        return error_errno(err, errno, "can't make an eventfd");
    int code = start_thread(w, err);
    if (code)
        close(w->fd);
    return code;
}

static void wake(struct watchdog *w)
{
    uint64_t one = 1;
    (void)!write(w->fd, &one, sizeof(one));
}

void watchdog_set(struct watchdog *w, uint64_t at_ns)
{
    int saved = errno;
    atomic_store(&w->at_ns, at_ns);
    wake(w);
    errno = saved;
}

static void end_thread(struct watchdog *w)
{
    atomic_store(&w->stopped, true);
    wake(w);
    pthread_join(w->thread, NULL);
}

// Its time stays as it is, and may be changed meanwhile.
int watchdog_renew(struct watchdog *w, struct error *err)
{
    end_thread(w);
    atomic_store(&w->stopped, false);
    int code = start_thread(w, err);
    atomic_store(&w->stopped, code != 0);
    return code;
}

void watchdog_stop(struct watchdog *w)
{
    if (!atomic_load(&w->stopped))
        end_thread(w);
    close(w->fd);
}
