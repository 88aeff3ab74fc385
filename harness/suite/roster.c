// SPDX-License-Identifier: Apache-2.0
// Keeping the roster (roster.h).
#include "harness/suite/roster.h"

#include "src/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

int roster_open(struct roster *r, const char *dir, size_t ncases,
                struct error *err)
{
    char path[SUITE_PATH];
    suite_path(path, dir, SUITE_CLOCK);
    *r = (struct roster){.clock = -1,
                         .ncases = ncases,
                         .killed = calloc(ncases + 1, sizeof(*r->killed))};
    if (!r->killed)
        return error_set(err, -ENOMEM, "out of memory");
    // Open for writing as well, so that it never ends.
    if (mkfifo(path, 0600) ||
        (r->clock = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0)
        return error_errno(err, errno, "%s can't be made", path);
    return 0;
}

void roster_close(struct roster *r)
{
    for (size_t i = 0; i < r->count; i++)
        close(r->list[i].fd);
    if (r->clock >= 0)
        close(r->clock);
    free(r->list);
    free(r->killed);
    *r = (struct roster){.clock = -1};
}

size_t roster_poll(const struct roster *r, struct pollfd *fds, size_t max)
{
    size_t n = 0;
    fds[n++] = (struct pollfd){r->clock, POLLIN, 0};
    for (size_t i = 0; i < r->count && n < max; i++)
        fds[n++] = (struct pollfd){r->list[i].fd, POLLIN, 0};
    return n;
}

static void enter(struct roster *r, const struct notice *notice)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->list[i].pid == notice->pid) {
            r->list[i].end_ns = notice->end_ns;
            return;
        }
    }
    if (notice->index >= r->ncases)
        return;
    struct on_duty *more =
        reallocarray(r->list, r->count + 1, sizeof(*r->list));
    if (!more)
        return;
    r->list = more;
    int fd = pidfd_open((pid_t)notice->pid, 0);
    if (fd < 0) {
        r->ended++; // it has ended already
        return;
    }
    r->list[r->count++] = (struct on_duty){.index = (size_t)notice->index,
                                           .pid = (pid_t)notice->pid,
                                           .fd = fd,
                                           .end_ns = notice->end_ns};
}

static void leave(struct roster *r, int fd)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->list[i].fd != fd)
            continue;
        close(fd);
        r->list[i] = r->list[--r->count];
        r->ended++;
        return;
    }
}

void roster_take(struct roster *r, const struct pollfd *fds, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (fds[i].revents)
            leave(r, fds[i].fd);
    }
    struct notice notice;
    while (read(r->clock, &notice, sizeof(notice)) == sizeof(notice))
        enter(r, &notice);
}

uint64_t roster_wake_ns(const struct roster *r)
{
    uint64_t wake = CLOCK_NEVER;
    for (size_t i = 0; i < r->count; i++) {
        if (r->list[i].end_ns < wake)
            wake = r->list[i].end_ns;
    }
    return wake;
}

void roster_kill(struct roster *r, uint64_t now_ns)
{
    for (size_t i = 0; i < r->count; i++) {
        struct on_duty *w = &r->list[i];
        if (w->end_ns > now_ns)
            continue;
        pidfd_send_signal(w->fd, SIGKILL, NULL, 0);
        w->end_ns = CLOCK_NEVER;
        r->killed[w->index] = true;
    }
}
