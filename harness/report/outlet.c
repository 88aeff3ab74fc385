// SPDX-License-Identifier: Apache-2.0
// Bounded writing (outlet.h). The descriptor may be shared with other
// processes, so it is not made non-blocking: poll(2) says when a piece fits. A
// pipe that is writable takes PIPE_BUF bytes without blocking (POSIX.1-2017,
// write), a terminal at least a few hundred.
#include "harness/report/outlet.h"

#include "src/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define TERMINAL_PIECE 256

// How much at a time can't block once poll says so; 0: nothing ever blocks.
static size_t piece_of(int fd)
{
    struct stat st;
    if (fstat(fd, &st) || S_ISREG(st.st_mode))
        return 0;
    return S_ISCHR(st.st_mode) ? TERMINAL_PIECE : PIPE_BUF;
}

// Waits until a piece fits; false when that is not before the deadline.
static bool wait_for_room(int fd, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now = clock_now_ns();
        uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
        struct timespec t = {(time_t)(left / NS_PER_S),
                             (long)(left % NS_PER_S)};
        struct pollfd p = {fd, POLLOUT, 0};
        int n = ppoll(&p, 1, deadline_ns == CLOCK_NEVER ? NULL : &t, NULL);
        if (n > 0)
            return p.revents & POLLOUT;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

bool outlet_write(int fd, const void *bytes, size_t len, uint64_t deadline_ns)
{
    const char *p = bytes;
    size_t most = piece_of(fd);
    while (len) {
        if (most && !wait_for_room(fd, deadline_ns))
            return false;
        ssize_t n = write(fd, p, most && len > most ? most : len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}
