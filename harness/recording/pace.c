// SPDX-License-Identifier: Apache-2.0
// A replay's time. See pace.h.
#include "harness/recording/pace.h"

#include "src/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int pace_init(struct pace *p, double speed, uint64_t from_ns, struct error *err)
{
    *p = (struct pace){
        .speed = speed, .from_ns = from_ns, .began_ns = clock_now_ns()};
    p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return p->fd < 0 ? error_errno(err, errno, "can't make an eventfd") : 0;
}

void pace_free(struct pace *p)
{
    close(p->fd);
}

// When it is, by our clock, that the recorded time is ns.
static uint64_t due(const struct pace *p, uint64_t ns)
{
    if (p->speed <= 0 || ns <= p->from_ns)
        return 0;
    double span = (double)(ns - p->from_ns) / p->speed;
    return span < 9e18 ? clock_after(p->began_ns, (uint64_t)span) : CLOCK_NEVER;
}

int pace_until(struct pace *p, uint64_t ns, struct error *err)
{
    uint64_t until = due(p, ns);
    for (;;) {
        if (atomic_exchange(&p->interrupted, false))
            return error_set(err, -EINTR, "interrupted");
        uint64_t now = clock_now_ns();
        if (now >= until)
            return 0;
        struct timespec left = {(time_t)((until - now) / NS_PER_S),
                                (long)((until - now) % NS_PER_S)};
        struct pollfd fd = {p->fd, POLLIN, 0};
        uint64_t count;
        if (ppoll(&fd, 1, &left, NULL) > 0)
            (void)!read(p->fd, &count, sizeof(count));
    }
}

void pace_interrupt(struct pace *p)
{
    int saved = errno;
    uint64_t one = 1;
    atomic_store(&p->interrupted, true);
    (void)!write(p->fd, &one, sizeof(one));
    errno = saved;
}
