// SPDX-License-Identifier: Apache-2.0
// See exec_machine.h. The machine's threads put what the guest sends into
// queues, which this process's first thread empties into the sockets; what
// comes from there goes the other way.
#include "harness/cli/exec_machine.h"

#include "harness/cli/cli.h"
#include "src/toyvmm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WORDS = 10 }; // of the command line, before the folders

// Bytes on their way. A guest that finds a queue fuller than ENOUGH waits; what
// it had sent by then still finds room.
#define QUEUE_SIZE   (2u << 20)
#define QUEUE_ENOUGH (64u << 10)

struct queue {
    uint8_t bytes[QUEUE_SIZE];
    size_t len;
};

enum { CONSOLE, PORT, SOCKETS };

// Lives in exec_machine_main; lock guards what both sides touch.
struct session {
    pthread_mutex_t lock;
    struct queue out[SOCKETS]; // from the guest
    struct queue in;           // to its port
    bool lost;                 // a queue was too small: see QUEUE_SIZE
    bool ended;
    struct toyvmm_event end;
    int fds[SOCKETS];
    int wake; // an eventfd: there is something to do
};

static const unsigned ports[SOCKETS] = {[CONSOLE] = 0, [PORT] = PORT_NAMED};

static void wake(const struct session *s)
{
    const uint64_t one = 1;
    // It is full only when the reader is awake anyway.
    (void)!write(s->wake, &one, sizeof(one));
}

// ---- The machine's side ----------------------------------------------------

static bool on_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                  uint64_t ns)
{
    (void)ns;
    struct session *s = owner;
    if (port != ports[CONSOLE] && port != ports[PORT])
        return true;
    struct queue *q = &s->out[port == ports[PORT]];
    pthread_mutex_lock(&s->lock);
    size_t room = QUEUE_SIZE - q->len;
    size_t taken = n < room ? n : room;
    s->lost = s->lost || taken < n;
    memcpy(q->bytes + q->len, bytes, taken);
    q->len += taken;
    bool more = q->len < QUEUE_ENOUGH;
    pthread_mutex_unlock(&s->lock);
    wake(s);
    return more;
}

static void drop(struct queue *q, size_t n)
{
    q->len -= n;
    memmove(q->bytes, q->bytes + n, q->len);
}

static size_t on_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct session *s = owner;
    if (port != ports[PORT])
        return 0;
    pthread_mutex_lock(&s->lock);
    bool was_full = s->in.len == QUEUE_SIZE;
    size_t n = s->in.len < max ? s->in.len : max;
    memcpy(bytes, s->in.bytes, n);
    drop(&s->in, n);
    pthread_mutex_unlock(&s->lock);
    if (was_full)
        wake(s);
    return n;
}

static void on_event(void *owner, const struct toyvmm_event *event)
{
    struct session *s = owner;
    if (!toyvmm_event_is_end(event->kind))
        return;
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    s->end = *event;
    pthread_mutex_unlock(&s->lock);
    wake(s);
}

// ---- The sockets' side -----------------------------------------------------

// Sends what there is room for; true when that made room in the queue.
static bool send_some(struct session *s, unsigned which)
{
    struct queue *q = &s->out[which];
    pthread_mutex_lock(&s->lock);
    ssize_t n = q->len ? write(s->fds[which], q->bytes, q->len) : 0;
    // Nobody reads it any more: what the guest says is lost, and it goes on.
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        n = (ssize_t)q->len;
    if (n > 0)
        drop(q, (size_t)n);
    pthread_mutex_unlock(&s->lock);
    return n > 0;
}

// Takes what the launcher sent; the machine asks for it by itself then, until
// nothing is left. False when the launcher is gone.
static bool take_some(struct session *s, struct toyvmm *vm)
{
    pthread_mutex_lock(&s->lock);
    size_t room = QUEUE_SIZE - s->in.len;
    ssize_t n = read(s->fds[PORT], s->in.bytes + s->in.len, room);
    bool gone = n < 0 ? errno != EAGAIN && errno != EINTR : n == 0 && room > 0;
    s->in.len += n > 0 ? (size_t)n : 0;
    pthread_mutex_unlock(&s->lock);
    if (n > 0)
        toyvmm_input_ready(vm, ports[PORT]);
    return !gone;
}

// What to wait for. True when the guest has ended and all it said is passed on.
static bool prepare(struct session *s, struct pollfd fds[SOCKETS + 1])
{
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < SOCKETS; i++)
        fds[i] = (struct pollfd){.fd = s->fds[i],
                                 .events = s->out[i].len ? POLLOUT : 0};
    if (s->in.len < QUEUE_SIZE)
        fds[PORT].events |= POLLIN;
    bool done =
        s->lost || (s->ended && !s->out[PORT].len && !s->out[CONSOLE].len);
    pthread_mutex_unlock(&s->lock);
    fds[SOCKETS] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    return done;
}

static void serve(struct session *s, struct toyvmm *vm)
{
    struct pollfd fds[SOCKETS + 1];
    while (!prepare(s, fds)) {
        uint64_t times;
        if (poll(fds, SOCKETS + 1, -1) < 0)
            continue;
        if (fds[SOCKETS].revents)
            (void)!read(s->wake, &times, sizeof(times));
        bool room = false;
        for (unsigned i = 0; i < SOCKETS; i++)
            room = (fds[i].revents && send_some(s, i)) || room;
        if (room)
            toyvmm_output_room(vm);
        if (fds[PORT].revents & ~POLLOUT && !take_some(s, vm))
            return;
    }
}

// ---- The machine -----------------------------------------------------------

static int fail(const struct error *err)
{
    fprintf(stderr, "%s\n", err->text);
    return EXIT_UNABLE;
}

static int run(struct session *s, const struct toyvmm_config *config)
{
    struct error err = {""};
    struct toyvmm *vm = toyvmm_create(config, NULL, &err);
    if (!vm)
        return fail(&err);
    if (toyvmm_start(vm, &err)) {
        toyvmm_destroy(vm);
        return fail(&err);
    }
    serve(s, vm);
    toyvmm_destroy(vm);
    if (s->lost)
        return fail(&(struct error){"the guest sent more than it may"});
    // That it was stopped is this side's doing: the launcher is gone.
    if (s->end.kind == TOYVMM_EVENT_RESET ||
        s->end.kind == TOYVMM_EVENT_STOPPED)
        return EXIT_PASSED;
    fprintf(stderr, "the guest's machine ended: %s: %s\n",
            toyvmm_event_name(s->end.kind), s->end.detail);
    return EXIT_FAILED;
}

// Its own files, and the folders that follow as they are.
static size_t take_folders(struct toyvmm_folder *folders,
                           char tags[][TOYVMM_TAG_MAX + 1], int argc,
                           char **argv)
{
    size_t n = 0;
    for (int i = WORDS - 1; i < argc && n < TOYVMM_FOLDERS_MAX; i++, n++) {
        snprintf(tags[n], TOYVMM_TAG_MAX + 1, "fs%zu", n);
        folders[n] = (struct toyvmm_folder){
            .path = i < WORDS ? "/" : argv[i],
            .tag = tags[n],
            .writable = i >= WORDS,
        };
    }
    return n;
}

int exec_machine_main(int argc, char **argv)
{
    struct error err = {""};
    struct toyvmm_folder folders[TOYVMM_FOLDERS_MAX];
    char tags[TOYVMM_FOLDERS_MAX][TOYVMM_TAG_MAX + 1];
    if (argc < WORDS || argc - WORDS >= TOYVMM_FOLDERS_MAX) {
        error_set(&err, -EINVAL,
                  argc < WORDS ? "exec-machine is what `toyvmm-test exec` "
                                 "starts by itself"
                               : "--rw: %d folders at most",
                  TOYVMM_FOLDERS_MAX - 1);
        return fail(&err);
    }
    const char *const names[] = {argv[4]};
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        return fail(&(struct error){"no memory"});
    pthread_mutex_init(&s->lock, NULL);
    s->fds[PORT] = (int)strtol(argv[2], NULL, 10);
    s->fds[CONSOLE] = (int)strtol(argv[3], NULL, 10);
    for (unsigned i = 0; i < SOCKETS; i++)
        fcntl(s->fds[i], F_SETFL, O_NONBLOCK);
    s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    struct toyvmm_config config = {
        .kernel = argv[5],
        .initrd = argv[6],
        .cmdline = argv[7],
        .memory = strtoull(argv[8], NULL, 10),
        .cpus = (unsigned)strtoul(argv[9], NULL, 10),
        .ports = 1,
        .nnamed = 1,
        .named = names,
        .folders = folders,
        .sink = {s, on_tx, on_rx, on_event},
    };
    config.nfolders = take_folders(folders, tags, argc, argv);
    config.servers = toyvmm_serve(&config, NULL, &err);
    int code =
        config.servers && !toyvmm_confine(&err) ? run(s, &config) : fail(&err);
    toyvmm_servers_end(config.servers);
    close(s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return code;
}
