// SPDX-License-Identifier: Apache-2.0
// See poll_set.h. A descriptor that was closed leaves epoll by itself, and its
// number may be another's already: so what epoll is asked for is said again in
// each round, and its own answer decides between "change" and "add".
#include "src/net/poll_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64

struct poll_entry {
    uint64_t round; // in which it was wanted last; 0: never
    bool watched;
    uint32_t ready;
};

int poll_set_open(struct poll_set *set, struct error *err)
{
    *set = (struct poll_set){.fd = epoll_create1(EPOLL_CLOEXEC)};
    if (set->fd < 0)
        return error_errno(err, errno, "can't watch sockets");
    return 0;
}

void poll_set_close(struct poll_set *set)
{
    if (set->fd >= 0)
        close(set->fd);
    free(set->entries);
    *set = (struct poll_set){.fd = -1};
}

static struct poll_entry *entry_of(struct poll_set *set, int fd)
{
    size_t at = (size_t)fd;
    if (at < set->room)
        return &set->entries[at];
    size_t room = at + 64;
    struct poll_entry *more =
        reallocarray(set->entries, room, sizeof *set->entries);
    if (!more)
        return NULL;
    memset(more + set->room, 0, (room - set->room) * sizeof *more);
    set->entries = more;
    set->room = room;
    return &more[at];
}

void poll_set_begin(struct poll_set *set)
{
    set->round++;
}

void poll_set_want(struct poll_set *set, int fd, uint32_t events)
{
    struct poll_entry *e = fd >= 0 ? entry_of(set, fd) : NULL;
    if (!e)
        return;
    struct epoll_event event = {.events = events, .data.fd = fd};
    int code = epoll_ctl(set->fd, EPOLL_CTL_MOD, fd, &event);
    if (code < 0 && errno == ENOENT)
        code = epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event);
    set->count += !e->watched && code == 0;
    set->count -= e->watched && code < 0;
    e->watched = code == 0;
    e->round = set->round;
}

void poll_set_end(struct poll_set *set)
{
    for (size_t fd = 0; fd < set->room; fd++) {
        struct poll_entry *e = &set->entries[fd];
        if (!e->watched || e->round == set->round)
            continue;
        epoll_ctl(set->fd, EPOLL_CTL_DEL, (int)fd, NULL);
        e->watched = false;
        e->ready = 0;
        set->count--;
    }
}

void poll_set_look(struct poll_set *set)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(set->fd, events, EVENTS_MAX, 0);
    // It is level-triggered: more than that is told the next time.
    for (int i = 0; i < n; i++) {
        struct poll_entry *e = entry_of(set, events[i].data.fd);
        if (e && e->watched)
            e->ready = events[i].events;
    }
}

uint32_t poll_set_ready(struct poll_set *set, int fd)
{
    if (fd < 0 || (size_t)fd >= set->room)
        return 0;
    uint32_t ready = set->entries[fd].ready;
    set->entries[fd].ready = 0;
    return ready;
}
