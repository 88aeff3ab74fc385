// SPDX-License-Identifier: Apache-2.0
// See streams.h.
#include "harness/rig/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void streams_fill_gaps(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

// A descriptor to write to what fd is, and how. O_NONBLOCK belongs to the
// open file, which other processes share: so pipes and terminals are opened
// anew where the system lets us.
static int open_output(int fd, enum sink_mode *mode)
{
    struct stat st;
    *mode = SINK_FILE;
    if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
        *mode = SINK_SOCKET;
    bool pipe_like = S_ISFIFO(st.st_mode) || isatty(fd);
    if (pipe_like) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        int again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        *mode = again < 0 ? SINK_PIECES : SINK_NONBLOCK;
        if (again >= 0)
            return again;
    }
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int add_output(struct relay *relay, enum stream_id stream, int fd)
{
    enum sink_mode mode;
    int out = open_output(fd, &mode);
    if (out < 0)
        return -errno;
    int rc = relay_add_sink(relay, stream, out, mode);
    if (rc < 0)
        close(out);
    return rc;
}

static bool is_stream(const struct job_state *state, int fd)
{
    return state->fds[fd] == JOB_FD_STREAM || state->fds[fd] == JOB_FD_FILE;
}

int streams_add_outputs(struct relay *relay, const struct job_state *state,
                        const struct terminal *terminal)
{
    int rc = 0;
    if (is_stream(state, 1))
        rc = add_output(relay, STREAM_STDOUT, 1);
    if (rc == 0 && is_stream(state, 2))
        rc = add_output(relay, STREAM_STDERR, 2);
    if (rc == 0 && terminal->fd >= 0)
        rc = add_output(relay, STREAM_TTY, terminal->fd);
    // The relay's copy is the last one: when the command closes its stdout,
    // the reader sees the end. stderr stays for our own messages.
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (rc == 0 && is_stream(state, 1) && null >= 0)
        dup2(null, 1);
    if (null >= 0)
        close(null);
    return rc;
}

void streams_add_input(struct relay *relay, const struct job_state *state)
{
    enum stream_id stream = STREAM_STDIN;
    if (state->fds[0] == JOB_FD_TTY)
        stream = STREAM_TTY;
    int fd = state->fds[0] == JOB_FD_CLOSED ? -1 : fcntl(0, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        relay_add_source(relay, stream, fd);
}

const char *streams_failed(const struct relay *relay, int *cause)
{
    static const char *const names[STREAM_COUNT] = {
        [STREAM_STDOUT] = "standard output",
        [STREAM_STDERR] = "standard error",
    };
    for (int i = 0; i < STREAM_COUNT; i++) {
        *cause = relay->sinks[i].failure;
        if (names[i] && *cause && *cause != EPIPE && *cause != ECONNRESET)
            return names[i];
    }
    return NULL;
}
