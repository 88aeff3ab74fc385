// SPDX-License-Identifier: Apache-2.0
// See guest.h. Starts the command with the state that its job describes.
#include "harness/rig/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

// The command's ends of its streams, and ours; -1 where it has none.
struct ends {
    int theirs[3];
    int *ours;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int make_pipe(struct ends *ends, int fd, struct error *err)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return error_errno(err, errno, "making the command's pipes");
    ends->theirs[fd] = fd == 0 ? p[0] : p[1];
    ends->ours[fd] = fd == 0 ? p[1] : p[0];
    // Ours alone: each end of a pipe is an open file of its own.
    fcntl(ends->ours[fd], F_SETFL, O_NONBLOCK);
    return 0;
}

// What a command of the exact rig writes stays here until its end.
static int make_file(struct ends *ends, int fd, struct error *err)
{
    char path[32];
    int file = memfd_create("stream", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    int again = file < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (again < 0)
        return error_errno(err, errno, "making the command's streams");
    ends->theirs[fd] = file;
    ends->ours[fd] = again;
    return 0;
}

static int make_pty(struct command *command, const struct termios *termios,
                    struct error *err)
{
    command->pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    int unlocked = 0;
    if (command->pty < 0 || ioctl(command->pty, TIOCSPTLCK, &unlocked) < 0 ||
        (command->tty = ioctl(command->pty, TIOCGPTPEER,
                              O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
        tcsetattr(command->tty, TCSANOW, termios) < 0)
        return error_errno(err, errno, "making the command's terminal");
    return 0;
}

static int make_ends(struct ends *ends, struct command *command,
                     const struct job *job, struct error *err)
{
    int rc = 0;
    for (int fd = 0; rc == 0 && fd <= 2; fd++) {
        switch (job->state.fds[fd]) {
        case JOB_FD_CLOSED:
            break;
        case JOB_FD_FILE:
            rc = make_file(ends, fd, err);
            break;
        case JOB_FD_STREAM:
            rc = make_pipe(ends, fd, err);
            break;
        case JOB_FD_AS_STDOUT:
            ends->theirs[fd] = fcntl(ends->theirs[1], F_DUPFD_CLOEXEC, 3);
            break;
        case JOB_FD_TTY:
            if (command->pty < 0)
                rc = make_pty(command, &job->state.termios, err);
            if (rc == 0)
                ends->theirs[fd] = fcntl(command->tty, F_DUPFD_CLOEXEC, 3);
            break;
        }
    }
    return rc;
}

int guest_add_streams(struct relay *relay, struct command *command,
                      struct error *err)
{
    int *ours = command->ours;
    static const enum stream_id outputs[] = {
        [1] = STREAM_STDOUT,
        [2] = STREAM_STDERR,
    };
    int rc = 0;
    for (int fd = 1; fd <= 2; fd++) {
        if (ours[fd] >= 0)
            relay_add_source(relay, outputs[fd], ours[fd]);
        ours[fd] = -1;
    }
    if (ours[0] >= 0)
        rc = relay_add_sink(relay, STREAM_STDIN, ours[0], SINK_NONBLOCK);
    if (rc == 0)
        ours[0] = -1;
    if (rc == 0 && command->pty >= 0) {
        int in = fcntl(command->pty, F_DUPFD_CLOEXEC, 3);
        int out = fcntl(command->pty, F_DUPFD_CLOEXEC, 3);
        relay_add_source(relay, STREAM_TTY, out);
        rc = relay_add_sink(relay, STREAM_TTY, in, SINK_NONBLOCK);
    }
    return rc < 0 ? error_set(err, rc, "no memory for the command's streams")
                  : 0;
}

// In the child. Returns only when it can't enter its directory.
static int become(const struct ends *ends, const struct command *command,
                  const struct job *job, struct error *err)
{
    setsid();
    if (command->tty >= 0)
        ioctl(command->tty, TIOCSCTTY, 0);
    for (int fd = 0; fd <= 2; fd++) {
        if (ends->theirs[fd] >= 0)
            dup2(ends->theirs[fd], fd);
        else
            close(fd);
    }
    if (job->state.exact && open("/dev/null", O_RDONLY) != 0)
        return error_errno(err, errno, "closing the command's input");
    FILE *score = fopen("/proc/self/oom_score_adj", "we");
    if (score) {
        fputs("0", score);
        fclose(score);
    }
    job_state_apply(&job->state);
    if (chdir(job->cwd) < 0)
        return error_errno(err, errno, "%s has no directory %s",
                           job->state.plain ? "the guest" : "the rig",
                           job->cwd);
    environ = job->env.items;
    execvp(job->args.items[0], job->args.items);
    bool missing = errno == ENOENT;
    dprintf(2, "%s: %s: %s\n",
            job->state.plain ? "toyvmm-test exec" : "toyvmm-rig",
            job->args.items[0], strerror(errno));
    _exit(missing ? 127 : 126);
}

// 0 once the child runs its program or has ended on its own.
static int await_start(int failure, struct error *err)
{
    struct error why;
    ssize_t n;
    while ((n = read(failure, &why, sizeof(why))) < 0 && errno == EINTR)
        ;
    return n > 0 ? error_set(err, -ENOENT, "%s", why.text) : 0;
}

int guest_start_command(struct command *command, const struct job *job,
                        struct error *err)
{
    *command = (struct command){.pty = -1, .tty = -1, .ours = {-1, -1, -1}};
    struct ends ends = {{-1, -1, -1}, command->ours};
    int failure[2] = {-1, -1};
    int rc = make_ends(&ends, command, job, err);
    if (rc == 0 && pipe2(failure, O_CLOEXEC) < 0)
        rc = error_errno(err, errno, "starting the command");
    if (rc < 0)
        return rc;
    command->pid = fork();
    if (command->pid == 0) {
        struct error why = {{0}};
        become(&ends, command, job, &why);
        _exit(write(failure[1], &why, sizeof(why)) < 0);
    }
    int cause = errno;
    close(failure[1]);
    for (int fd = 0; fd <= 2; fd++)
        close_fd(&ends.theirs[fd]);
    if (command->pid < 0)
        rc = error_errno(err, cause, "starting the command");
    if (rc == 0)
        rc = await_start(failure[0], err);
    close(failure[0]);
    return rc;
}
