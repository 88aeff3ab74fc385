// SPDX-License-Identifier: Apache-2.0
// The process that learns. See learning.h.
#include "harness/cli/learning.h"

#include "harness/cli/cli.h"
#include "harness/cli/new_file.h"
#include "harness/learn/learn.h"
#include "harness/report/output.h"
#include "harness/scenario/scenario.h"
#include "src/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum message_kind {
    MESSAGE_STARTED,
    MESSAGE_PRINTED, // stamps, then bytes
    MESSAGE_TYPED,   // bytes
    MESSAGE_EXPECT,
    MESSAGE_ENDED,
};

// What goes through the socket, one at a time: a head, stamps, bytes. One
// program sends it to itself.
struct head {
    uint32_t kind;
    uint32_t port;
    uint32_t nstamps;
    uint32_t len;
    uint32_t end; // enum learn_end
    uint64_t ns;
};

#define MESSAGE_MAX                                                            \
    (sizeof(struct head) + CONSOLE_BATCH * sizeof(struct stamp) + CONSOLE_BATCH)

// ---- Its end of the socket --------------------------------------------------

struct student {
    int socket;
    struct learn *learn; // NULL: the machine has not started
    uint64_t last_ns;    // what came last was then
    bool ended;
    char why[sizeof(((struct error *)0)->text)]; // no learner could be made
};

static void say_expected(const char *line)
{
    if (line)
        printf("\r\n[expected: %s]\r\n", line);
    else
        printf("\r\n[there is no line to expect since the last one that was "
               "typed]\r\n");
    fflush(stdout);
}

static void take(struct student *s, const struct head *h,
                 const struct stamp *stamps, const uint8_t *bytes)
{
    struct error err = {""};
    if (h->ns > s->last_ns)
        s->last_ns = h->ns;
    if (h->kind == MESSAGE_STARTED && !s->learn) {
        s->learn = learn_new(h->ns, &err);
        snprintf(s->why, sizeof(s->why), "%s", err.text);
    }
    if (!s->learn || s->ended)
        return;
    switch ((enum message_kind)h->kind) {
    case MESSAGE_STARTED:
        break;
    case MESSAGE_PRINTED:
        learn_output(s->learn, h->port, bytes, h->len, stamps, h->nstamps);
        break;
    case MESSAGE_TYPED:
        learn_typed(s->learn, h->port, bytes, h->len, h->ns);
        break;
    case MESSAGE_EXPECT:
        say_expected(learn_expect(s->learn, h->port));
        break;
    case MESSAGE_ENDED:
        learn_end(s->learn, (enum learn_end)h->end, h->ns);
        s->ended = true;
        break;
    }
}

// The machine's process is confined and handles a guest's bytes: what it sends
// is looked at.
static bool is_sound(const struct head *h, size_t len)
{
    bool stamped = h->kind == MESSAGE_PRINTED && h->len;
    return h->nstamps <= CONSOLE_BATCH && h->len <= CONSOLE_BATCH &&
           h->kind <= MESSAGE_ENDED && h->end <= LEARN_TRIPLE_FAULT &&
           stamped == (h->nstamps > 0) &&
           len == sizeof(*h) + h->nstamps * sizeof(struct stamp) + h->len;
}

static void listen_to(struct student *s)
{
    struct head head;
    struct stamp *stamps = calloc(CONSOLE_BATCH, sizeof(*stamps));
    uint8_t *message = malloc(MESSAGE_MAX);
    while (stamps && message) {
        ssize_t n = recv(s->socket, message, MESSAGE_MAX, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < (ssize_t)sizeof(head))
            break;
        memcpy(&head, message, sizeof(head));
        if (!is_sound(&head, (size_t)n))
            break;
        const uint8_t *at = message + sizeof(head);
        memcpy(stamps, at, head.nstamps * sizeof(*stamps));
        take(s, &head, stamps, at + head.nstamps * sizeof(*stamps));
    }
    // What was typed may have been a password.
    if (message)
        explicit_bzero(message, MESSAGE_MAX);
    free(message);
    free(stamps);
    if (s->learn && !s->ended)
        learn_end(s->learn, LEARN_LEFT, s->last_ns);
}

// ---- Writing ----------------------------------------------------------------

// As --check would, with values for what --set must give.
static int check(const char *path, const char *text,
                 const struct learn_summary *told, struct error *err)
{
    struct override *sets = calloc(told->nsecrets + 1, sizeof(*sets));
    struct diagnostics diags = {.count = 0};
    struct scenario *s = NULL;
    if (!sets)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < told->nsecrets; i++)
        sets[i] = (struct override){told->secrets[i], "x"};
    int code = scenario_parse(path, text, strlen(text), sets, told->nsecrets,
                              &s, &diags, err);
    if (code == -EINVAL && diags.count)
        error_set(err, code, "line %u: %s", diags.list[0].pos.line,
                  diags.list[0].message);
    diagnostics_free(&diags);
    scenario_free(s);
    free(sets);
    return code;
}

// path, or where a file has come there meanwhile a name beside it: the session
// can't be had again.
static int write_beside(const char *path, const char *text, mode_t mode,
                        char where[PATH_MAX], struct error *err)
{
    struct error why = {""};
    int code = -EEXIST;
    int stem = (int)(strlen(path) - strlen(".tc"));
    for (int i = 1; code == -EEXIST && i < 10; i++) {
        if (i == 1)
            snprintf(where, PATH_MAX, "%s", path);
        else
            snprintf(where, PATH_MAX, "%.*s-%d.tc", stem, path, i);
        code = new_file_write(where, text, mode, false, &why);
    }
    return code ? error_set(err, code, "%s", why.text) : 0;
}

static void tell(const char *path, const struct learn_summary *told)
{
    printf("[learnt %zu step%s; to run %s: toyvmm-test", told->steps,
           told->steps == 1 ? "" : "s", told->steps == 1 ? "it" : "them");
    for (size_t i = 0; i < told->nsecrets; i++)
        printf(" --set %s=...", told->secrets[i]);
    printf(" %s]\n", path);
    if (told->nsecrets)
        printf("[what was typed unseen is not in it: --set gives it]\n");
    if (told->nallowed)
        printf("[the kernel has reported trouble: `allow` in it says which]\n");
    if (told->has_password)
        printf("[it holds a password; only you can read it]\n");
}

static int write_learnt(const struct student *s, const char *path,
                        const char *header, struct error *err)
{
    struct learn_summary told;
    char where[PATH_MAX];
    char *text = s->learn ? learn_scenario(s->learn, header, &told, err) : NULL;
    if (!text)
        return s->learn || *s->why ? EXIT_UNABLE : EXIT_PASSED;
    int exit_code = EXIT_PASSED;
    if (!told.steps)
        printf("[nothing was typed or printed: %s is not written]\n", path);
    else if (write_beside(path, text, told.has_password ? 0600 : 0666, where,
                          err))
        exit_code = EXIT_UNABLE;
    else if (*err->text || check(where, text, &told, err)) {
        printf("[learnt, but not as a scenario: %s]\n", where);
        exit_code = EXIT_FAILED;
    } else
        tell(where, &told);
    explicit_bzero(text, strlen(text));
    free(text);
    return exit_code;
}

_Noreturn static void learn(int socket, const char *path, const char *header)
{
    struct student s = {.socket = socket};
    struct error err = {""};
    // Its terminal may be gone.
    signal(SIGPIPE, SIG_IGN);
    listen_to(&s);
    int exit_code = write_learnt(&s, path, header, &err);
    if (exit_code)
        fprintf(stderr, "toyvmm-test: --learn: %s\n",
                *s.why ? s.why : err.text);
    learn_free(s.learn);
    fflush(stdout);
    _exit(exit_code);
}

// ---- The others' ------------------------------------------------------------

int learning_check(const char *path, struct error *err)
{
    struct stat st;
    if (!lstat(path, &st))
        return error_set(err, -EEXIST,
                         "--learn: %s is there already: remove it, or name "
                         "another file",
                         path);
    int code = output_check(path, err);
    return code ? error_prefix(err, code, "--learn") : 0;
}

int learning_begin(struct learning *g, const char *path, const char *header,
                   struct error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return error_errno(err, errno, "--learn: no socket");
    fflush(NULL);
    g->pid = fork();
    if (!g->pid) {
        close(ends[1]);
        learn(ends[0], path, header);
    }
    int code = errno;
    close(ends[0]);
    g->socket = ends[1];
    if (g->pid > 0)
        return 0;
    close(ends[1]);
    return error_errno(err, code, "--learn: no process");
}

int learning_end(struct learning *g, struct error *err)
{
    int status = 0;
    close(g->socket);
    g->socket = -1;
    while (waitpid(g->pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_errno(err, errno, "--learn"), EXIT_UNABLE;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    error_set(err, -EIO,
              "--learn: the process that learns died of SIG%s: "
              "nothing is written",
              sigabbrev_np(WTERMSIG(status)));
    return EXIT_FAILED;
}

// A process that is gone is told of by learning_end.
static void put(const struct learning *g, const struct head *head,
                const struct stamp *stamps, const void *bytes)
{
    uint8_t message[MESSAGE_MAX];
    uint8_t *at = message;
    if (g->socket < 0)
        return;
    at = mempcpy(at, head, sizeof(*head));
    if (head->nstamps)
        at = mempcpy(at, stamps, head->nstamps * sizeof(*stamps));
    if (head->len)
        at = mempcpy(at, bytes, head->len);
    while (send(g->socket, message, (size_t)(at - message), MSG_NOSIGNAL) < 0 &&
           errno == EINTR)
        ;
}

void learning_started(const struct learning *g)
{
    struct head head = {.kind = MESSAGE_STARTED, .ns = clock_now_ns()};
    put(g, &head, NULL, NULL);
}

static void put_event(const struct learning *g, const struct toyvmm_event *e)
{
    static const enum learn_end ends[] = {
        [TOYVMM_EVENT_RESET] = LEARN_RESET,
        [TOYVMM_EVENT_POWEROFF] = LEARN_POWEROFF,
        [TOYVMM_EVENT_HALT] = LEARN_HALT,
        [TOYVMM_EVENT_TRIPLE_FAULT] = LEARN_TRIPLE_FAULT,
        [TOYVMM_EVENT_INTERNAL_ERROR] = LEARN_LEFT,
        [TOYVMM_EVENT_STOPPED] = LEARN_LEFT,
    };
    if (!toyvmm_event_is_end(e->kind))
        return;
    struct head head = {
        .kind = MESSAGE_ENDED, .end = ends[e->kind], .ns = e->ns};
    put(g, &head, NULL, NULL);
}

void learning_batch(const struct learning *g, const struct console_batch *b)
{
    struct head head = {.kind = MESSAGE_PRINTED,
                        .port = b->port,
                        .nstamps = (uint32_t)b->nstamps,
                        .len = (uint32_t)b->len,
                        .ns = b->now_ns};
    if (b->kind == CONSOLE_BYTES)
        put(g, &head, b->stamps, b->bytes);
    else if (b->kind == CONSOLE_EVENT)
        put_event(g, &b->event);
}

void learning_typed(const struct learning *g, unsigned port, const void *bytes,
                    size_t len)
{
    struct head head = {.kind = MESSAGE_TYPED,
                        .port = port,
                        .len = (uint32_t)len,
                        .ns = clock_now_ns()};
    if (len && len <= CONSOLE_BATCH)
        put(g, &head, NULL, bytes);
}

void learning_expect(const struct learning *g, unsigned port)
{
    struct head head = {
        .kind = MESSAGE_EXPECT, .port = port, .ns = clock_now_ns()};
    put(g, &head, NULL, NULL);
}
