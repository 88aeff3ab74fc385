// SPDX-License-Identifier: Apache-2.0
// See terminal.h.
#include "harness/rig/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

void terminal_open(struct terminal *terminal)
{
    *terminal = (struct terminal){.fd = -1, .guard_pipe = -1};
    for (int fd = 0; fd <= 2 && terminal->fd < 0; fd++)
        if (tcgetattr(fd, &terminal->saved) == 0)
            terminal->fd = fd;
    // In `toyvmm-rig ... | less`, less counts on the terminal's newlines.
    terminal->keep_output = !isatty(1);
}

// Waits for the launcher's end. A byte says that it has restored the terminal
// itself; end of file says that it was killed.
static void guard(const struct terminal *terminal, int from)
{
    setpgid(0, 0);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_IGN);
    int fds[] = {terminal->fd, from};
    int tty = fcntl(fds[0], F_DUPFD, 10);
    int pipe_end = fcntl(fds[1], F_DUPFD, 10);
    if (tty < 0 || pipe_end < 0)
        _exit(1);
    dup2(tty, 0);
    dup2(pipe_end, 1);
    close_range(2, ~0u, 0);
    char byte;
    ssize_t n;
    while ((n = read(1, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (n == 0)
        tcsetattr(0, TCSANOW, &terminal->saved);
    _exit(0);
}

static void start_guard(struct terminal *terminal)
{
    int ends[2];
    if (terminal->guard > 0 || pipe2(ends, O_CLOEXEC) < 0)
        return;
    terminal->guard = fork();
    if (terminal->guard == 0) {
        close(ends[1]);
        guard(terminal, ends[0]);
    }
    close(ends[0]);
    terminal->guard_pipe = ends[1];
}

void terminal_raw(struct terminal *terminal)
{
    if (terminal->fd < 0)
        return;
    start_guard(terminal);
    struct termios raw = terminal->saved;
    cfmakeraw(&raw);
    if (terminal->keep_output)
        raw.c_oflag = terminal->saved.c_oflag;
    terminal->raw = tcsetattr(terminal->fd, TCSADRAIN, &raw) == 0;
}

void terminal_restore(struct terminal *terminal)
{
    if (terminal->raw) {
        // Also from the background: stopping here would help nobody.
        void (*old)(int) = signal(SIGTTOU, SIG_IGN);
        tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
        signal(SIGTTOU, old);
    }
    terminal->raw = false;
    if (terminal->guard > 0) {
        ssize_t done = write(terminal->guard_pipe, "", 1);
        if (done == 1)
            waitpid(terminal->guard, NULL, 0);
        close(terminal->guard_pipe);
    }
    terminal->guard = 0;
}

struct frame_winsize terminal_size(const struct terminal *terminal)
{
    struct winsize w = {0};
    if (terminal->fd >= 0)
        ioctl(terminal->fd, TIOCGWINSZ, &w);
    return (struct frame_winsize){
        .rows = w.ws_row,
        .cols = w.ws_col,
        .xpixel = w.ws_xpixel,
        .ypixel = w.ws_ypixel,
    };
}
