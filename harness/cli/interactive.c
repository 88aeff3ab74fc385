// SPDX-License-Identifier: Apache-2.0
// A guest's console on the user's terminal. See interactive.h.
//
// Two processes: the child runs the machine, the parent does nothing but wait
// and put the terminal back. So neither a crash nor a kill of the machine
// leaves the user with a raw terminal.
#include "harness/cli/interactive.h"

#include "harness/cli/cli.h"
#include "harness/cli/learning.h"
#include "harness/console/console.h"
#include "src/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_A 1

// What the thread that reads the terminal shares with the one that writes it.
struct session {
    struct console *console;
    const struct learning *learning;
    int wake[2]; // a byte here ends the reading thread
    atomic_bool left;
    atomic_uint port; // that the terminal is connected to
};

static void put(const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(STDOUT_FILENO, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void say(const char *text)
{
    put(text, strlen(text));
}

static void help(const struct session *s)
{
    struct winsize w;
    char size[160] = "";
    if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &w) && w.ws_col)
        snprintf(size, sizeof(size),
                 "A serial line has no window size; in the guest:\r\n"
                 "  stty rows %u cols %u\r\n",
                 w.ws_row, w.ws_col);
    say("\r\nCtrl-A x  end the machine and leave\r\n"
        "Ctrl-A h  this help\r\n"
        "Ctrl-A 0, 1, 2, 3, 4  go to ttyS0, ttyS1, ..., hvc0\r\n"
        "Ctrl-A Ctrl-A  type a Ctrl-A\r\n");
    if (s->learning->socket >= 0)
        say("Ctrl-A l  the scenario expects the last line that was "
            "printed\r\n");
    say(size);
}

static void type(struct session *s, const char *bytes, size_t len)
{
    unsigned port = atomic_load(&s->port);
    learning_typed(s->learning, port, bytes, len);
    console_write(s->console, port, bytes, len, NULL);
}

static void change_port(struct session *s, unsigned port)
{
    char text[16];
    snprintf(text, sizeof(text), "\r\n[%s]\r\n", port_name(port));
    atomic_store(&s->port, port);
    say(text);
}

// One key after Ctrl-A. False: the user leaves.
static bool command(struct session *s, char key)
{
    switch (key) {
    case 'x':
    case 'X':
        return false;
    case 'h':
    case 'H':
    case '?':
        help(s);
        return true;
    case 'l':
    case 'L':
        if (s->learning->socket < 0)
            say("\r\n[nothing is learnt: --learn FILE.tc does that]\r\n");
        learning_expect(s->learning, atomic_load(&s->port));
        return true;
    case CTRL_A:
        type(s, "\x01", 1);
        return true;
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
        change_port(s, (unsigned)(key - '0'));
        return true;
    default:
        say("\r\n[Ctrl-A h helps]\r\n");
        return true;
    }
}

// Splits what was typed into commands and input for the guest.
static bool typed(struct session *s, const char *bytes, size_t len,
                  bool *prefix)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if (*prefix) {
            *prefix = false;
            from = i + 1;
            if (!command(s, bytes[i]))
                return false;
        } else if (bytes[i] == CTRL_A) {
            type(s, bytes + from, i - from);
            *prefix = true;
            from = i + 1;
        }
    }
    if (from < len)
        type(s, bytes + from, len - from);
    return true;
}

static void *read_terminal(void *owner)
{
    struct session *s = owner;
    bool prefix = false;
    bool terminal = isatty(STDIN_FILENO);
    char bytes[256];
    for (;;) {
        struct pollfd fds[] = {{s->wake[0], POLLIN, 0},
                               {STDIN_FILENO, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[0].revents)
            return NULL;
        if (!fds[1].revents)
            continue;
        ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        // The end of a pipe is not the end of the session; a terminal that
        // hung up is.
        if (n <= 0 && !terminal)
            return NULL;
        if (n <= 0 || !typed(s, bytes, (size_t)n, &prefix))
            break;
    }
    atomic_store(&s->left, true);
    console_interrupt(s->console);
    return NULL;
}

// Copies the guest's output until it ends or the user leaves.
static void copy_output(struct session *s)
{
    struct console_batch *b = malloc(sizeof(*b));
    struct error err;
    while (b && !console_read(s->console, b, CLOCK_NEVER, &err)) {
        learning_batch(s->learning, b);
        if (b->kind == CONSOLE_BYTES && b->port == atomic_load(&s->port))
            put((const char *)b->bytes, b->len);
        if (b->kind == CONSOLE_EVENT && toyvmm_event_is_end(b->event.kind)) {
            say("\r\n[the guest's machine ended: ");
            say(toyvmm_event_name(b->event.kind));
            say("]\r\n");
            break;
        }
    }
    if (atomic_load(&s->left))
        say("\r\n[left]\r\n");
    free(b);
}

// SIGTERM and SIGHUP end the machine like Ctrl-A x: a thread waits for them.
static void *await_signal(void *owner)
{
    struct session *s = owner;
    sigset_t set;
    int n;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigwait(&set, &n);
    atomic_store(&s->left, true);
    console_interrupt(s->console);
    return NULL;
}

static int converse(struct session *s, struct error *err)
{
    pthread_t reader, signals;
    if (pipe2(s->wake, O_CLOEXEC))
        return error_errno(err, errno, "no pipe");
    if (pthread_create(&reader, NULL, read_terminal, s))
        return error_set(err, -EAGAIN, "no thread");
    bool listening = !pthread_create(&signals, NULL, await_signal, s);
    copy_output(s);
    (void)!write(s->wake[1], "", 1);
    pthread_join(reader, NULL);
    if (listening) {
        // Not cancelled: that sends a signal which wants room in the user's
        // queue. This one doesn't, and it is what the thread waits for.
        pthread_kill(signals, SIGHUP);
        pthread_join(signals, NULL);
    }
    return 0;
}

// The child: machine and conversation.
static int run_machine(const struct guest *guest,
                       const struct learning *learning, bool no_sandbox,
                       struct error *err)
{
    struct live_console *lc = live_console_new(err);
    if (!lc)
        return EXIT_UNABLE;
    struct toyvmm_config config = guest_config(guest);
    config.sink = live_console_sink(lc);
    config.no_sandbox = no_sandbox;
    struct toyvmm *vm = toyvmm_create(&config, NULL, err);
    struct session s = {.console = live_console_base(lc), .learning = learning};
    if (vm)
        live_console_attach(lc, vm);
    int code = EXIT_UNABLE;
    if (vm)
        learning_started(learning);
    if (vm && !toyvmm_start(vm, err) && !converse(&s, err))
        code = EXIT_PASSED;
    if (vm)
        toyvmm_destroy(vm);
    console_close(live_console_base(lc));
    return code;
}

static void make_raw(const struct termios *before)
{
    struct termios raw = *before;
    cfmakeraw(&raw);

    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

// The parent's whole work: signals go to the child, its status comes back.
static int attend(pid_t child, const sigset_t *set)
{
    for (;;) {
        int status;
        siginfo_t info;
        int n = sigwaitinfo(set, &info);
        if (n == SIGCHLD && waitpid(child, &status, WNOHANG) == child)
            return status;
        if (n == SIGTERM || n == SIGHUP || n == SIGINT)
            kill(child, SIGTERM);
    }
}

static int exit_code_of(int status, struct error *err)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    error_set(err, -EIO, "the machine's process died of SIG%s",
              sigabbrev_np(WTERMSIG(status)));
    return EXIT_FAILED;
}

// Forks the machine's process. Its end is the caller's to wait for.
static pid_t start_machine(const struct guest *guest,
                           const struct learning *learning, bool no_sandbox,
                           const struct termios *before, struct error *err)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILED);
    if (before)
        make_raw(before);
    int code = run_machine(guest, learning, no_sandbox, err);
    if (*err->text)
        fprintf(stderr, "toyvmm-test: %s\r\n", err->text);
    _exit(code);
}

static int converse_until_end(const struct guest *guest,
                              const struct learning *learning, bool no_sandbox,
                              const sigset_t *set, struct error *err)
{
    struct termios before;
    bool terminal = !tcgetattr(STDIN_FILENO, &before);
    pid_t child = start_machine(guest, learning, no_sandbox,
                                terminal ? &before : NULL, err);
    if (child < 0)
        return error_errno(err, errno, "no process"), EXIT_UNABLE;
    int status = attend(child, set);
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    return exit_code_of(status, err);
}

int interactive_run(const struct guest *guest, const char *accelerator,
                    bool no_sandbox, const struct lesson *lesson,
                    struct error *err)
{
    sigset_t set, old;
    struct learning learning = {.socket = -1};
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    printf("[%s on %s; Ctrl-A x leaves, Ctrl-A h helps%s%s]\n", guest->name,
           accelerator, lesson ? "; to be learnt: " : "",
           lesson ? lesson->path : "");
    fflush(NULL);
    if (lesson && learning_begin(&learning, lesson->path, lesson->header, err))
        return EXIT_UNABLE;
    int exit_code = converse_until_end(guest, &learning, no_sandbox, &set, err);
    if (lesson) {
        struct error why = {""};
        int learnt = learning_end(&learning, &why);
        if (*why.text)
            fprintf(stderr, "toyvmm-test: %s\n", why.text);
        exit_code = exit_code ? exit_code : learnt;
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    return exit_code;
}
