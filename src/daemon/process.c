// SPDX-License-Identifier: Apache-2.0
// See process.h.
#include "src/daemon/process.h"

#include "src/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// In the child, after fork: everything up to exec. Returns only on failure.
static int become(const struct process_spec *spec, pid_t parent,
                  struct error *err)
{
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(spec->out, 1) < 0 ||
        dup2(spec->err, 2) < 0)
        return error_errno(err, errno, "preparing %s", spec->argv[0]);
    // What somebody else left open without care is not the program's. (Before
    // Linux 5.11 it is.)
    (void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (size_t i = 0; i < spec->nkeep; i++)
        if (fcntl(spec->keep[i], F_SETFD, 0) < 0)
            return error_errno(err, errno, "preparing %s", spec->argv[0]);
    int rc = spec->setup ? spec->setup(spec->setup_arg, err) : 0;
    if (rc < 0)
        return rc;
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // After setup: a change of credentials clears it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        return -ESRCH;
    // exec's prototype lacks a const that it keeps.
    char *const *argv;
    memcpy(&argv, &spec->argv, sizeof(argv));
    execvp(argv[0], argv);
    return error_errno(err, errno, "starting %s", spec->argv[0]);
}

pid_t process_spawn(const struct process_spec *spec, struct error *err)
{
    int failure[2]; // carries the child's error; closed by its exec
    if (pipe2(failure, O_CLOEXEC) < 0)
        return error_errno(err, errno, "starting %s", spec->argv[0]);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        struct error why = {{0}};
        become(spec, parent, &why);
        ssize_t ignored = write(failure[1], &why, sizeof(why));
        _exit(ignored < 0 ? 126 : 127);
    }
    int fork_errno = errno;
    close(failure[1]);
    struct error why;
    ssize_t n = pid < 0 ? 0 : read(failure[0], &why, sizeof(why));
    close(failure[0]);
    if (pid < 0)
        return error_errno(err, fork_errno, "starting %s", spec->argv[0]);
    if (n <= 0)
        return pid;
    waitpid(pid, NULL, 0);
    return error_set(err, -ENOEXEC, "%s", why.text);
}

void process_kill(pid_t *pid)
{
    process_kill_by(0, pid);
}

void process_kill_by(int handle, pid_t *pid)
{
    if (*pid <= 0)
        return;
    long failed = handle > 0
                      ? syscall(SYS_pidfd_send_signal, handle, SIGKILL, NULL, 0)
                      : kill(*pid, SIGKILL);
    if (failed && errno != ESRCH)
        return;
    while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *pid = 0;
}

void process_end(pid_t *pid, uint64_t wait_ns)
{
    if (*pid <= 0)
        return;
    // Before Linux 5.3 nothing tells of its end; then it has no time for it.
    int fd = (int)syscall(SYS_pidfd_open, *pid, 0);
    struct pollfd waits = {.fd = fd, .events = POLLIN};
    if (fd >= 0 && kill(*pid, SIGTERM) == 0)
        while (poll(&waits, 1, (int)(wait_ns / NS_PER_MS)) < 0 &&
               errno == EINTR)
            ;
    if (fd >= 0)
        close(fd);
    process_kill(pid);
}

// Reads fd to its end.
static int read_all(int fd, const char *name, size_t max, uint8_t **bytes,
                    size_t *len, struct error *err)
{
    size_t size = 65536, used = 0;
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size < max)
        size = (size_t)st.st_size + 1;
    uint8_t *buf = malloc(size);
    while (buf) {
        if (used == size) {
            uint8_t *more = realloc(buf, size *= 2);
            if (!more)
                break;
            buf = more;
        }
        ssize_t n = read(fd, buf + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0) {
            *bytes = buf;
            *len = used;
            return 0;
        }
        int rc = n < 0 ? error_errno(err, errno, "reading %s", name) : 0;
        used += n < 0 ? 0 : (size_t)n;
        if (rc == 0 && used > max)
            rc = error_set(err, -EFBIG, "%s is larger than %zu bytes", name,
                           max);
        if (rc < 0) {
            free(buf);
            return rc;
        }
    }
    free(buf);
    return error_set(err, -ENOMEM, "no memory for %s", name);
}

int file_read(const char *path, size_t max, uint8_t **bytes, size_t *len,
              struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, errno, "opening %s", path);
    int rc = read_all(fd, path, max, bytes, len, err);
    close(fd);
    return rc;
}

int process_capture(const char *const *argv, size_t max, uint8_t **bytes,
                    size_t *len, struct error *err)
{
    int out[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        return error_errno(err, errno, "running %s", argv[0]);
    struct process_spec spec = {.argv = argv, .out = out[1], .err = 2};
    pid_t pid = process_spawn(&spec, err);
    close(out[1]);
    int rc = pid;
    if (pid > 0)
        rc = read_all(out[0], argv[0], max, bytes, len, err);
    close(out[0]);
    int status = 0;
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status != 0 && rc == 0) {
        free(*bytes);
        *bytes = NULL;
        rc = error_set(err, -EIO, "%s failed", argv[0]);
    }
    return rc;
}

int program_find(const char *name, char *found, size_t size)
{
    if (strchr(name, '/')) {
        int n = snprintf(found, size, "%s", name);
        return n >= 0 && (size_t)n < size && !access(found, X_OK) ? 0 : -ENOENT;
    }
    const char *dir = getenv("PATH");
    if (!dir)
        dir = "/usr/bin:/bin";
    while (*dir) {
        size_t len = strcspn(dir, ":");
        int n = snprintf(found, size, "%.*s/%s", (int)len, dir, name);
        struct stat st;
        if (len > 0 && n > 0 && (size_t)n < size && !access(found, X_OK) &&
            !stat(found, &st) && S_ISREG(st.st_mode))
            return 0;
        dir += len + (dir[len] == ':');
    }
    return -ENOENT;
}
