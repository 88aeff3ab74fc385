// SPDX-License-Identifier: Apache-2.0
// Where a boot's time goes: boots a kernel until user space is reached (or the
// machine ends) and prints the gaps between its console lines and the VM exits
// by I/O port. Usage: bench-breakdown KERNEL INITRD CMDLINE [MEMORY-MIB]; the
// command line without `quiet`, so that there are lines. Not installed.
#include "src/base/clock.h"
#include "src/toyvmm.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP_NS   (20 * NS_PER_MS)
#define LIMIT_NS (120 * NS_PER_S)
#define LINE_MAX 120

// Filled by the vCPU thread; main waits for `done`.
struct watcher {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    uint64_t start_ns;     // first KVM_RUN
    uint64_t line_ns;      // the present line's first byte
    uint64_t last_line_ns; // the line's before it
    char line[LINE_MAX + 1], before[LINE_MAX + 1];
    size_t len;
};

static double seconds(const struct watcher *w, uint64_t ns)
{
    return (double)(ns - w->start_ns) / (double)NS_PER_S;
}

static void end_line(struct watcher *w)
{
    w->line[w->len] = '\0';
    uint64_t gap = w->line_ns - w->last_line_ns;
    if (gap >= GAP_NS)
        printf("  %7.3f s  %5.0f ms before: %s\n%27s after: %s\n",
               seconds(w, w->line_ns), (double)gap / (double)NS_PER_MS, w->line,
               "", w->before);
    memcpy(w->before, w->line, sizeof(w->before));
    w->last_line_ns = w->line_ns;
    w->len = 0;
}

static void on_byte(struct watcher *w, uint8_t byte, uint64_t ns)
{
    if (byte == '\r')
        return;
    if (byte == '\n') {
        end_line(w);
        return;
    }
    if (w->len == 0)
        w->line_ns = ns;
    if (w->len < LINE_MAX)
        w->line[w->len++] = byte >= ' ' ? (char)byte : '?';
}

static bool on_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                  uint64_t ns)
{
    for (size_t i = 0; port == 0 && i < n; i++)
        on_byte(owner, bytes[i], ns);
    return true;
}

static size_t on_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    (void)owner;
    (void)port;
    (void)bytes;
    (void)max;
    return 0;
}

static void on_event(void *owner, const struct toyvmm_event *event)
{
    struct watcher *w = owner;
    if (event->kind == TOYVMM_EVENT_STARTED)
        w->start_ns = w->last_line_ns = w->line_ns = event->ns;
    else if (event->kind != TOYVMM_EVENT_STOPPED)
        printf("  %7.3f s  %s, %" PRIu64 " exits, %.3f s of CPU time\n",
               seconds(w, event->ns), toyvmm_event_name(event->kind),
               event->usage.exits,
               (double)event->usage.cpu_ns / (double)NS_PER_S);
    if (event->kind == TOYVMM_EVENT_STARTED)
        return;
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static bool wait_for_end(struct watcher *w)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(LIMIT_NS / NS_PER_S);
    int code = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->done && !code)
        code = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    bool done = w->done;
    pthread_mutex_unlock(&w->lock);
    return done;
}

static void print_stats(struct toyvmm *vm)
{
    struct toyvmm_stats s;
    toyvmm_stats(vm, &s);
    printf("exits to user space: %" PRIu64 "; by port:\n", s.usage.exits);
    for (size_t i = 0; i < s.nports && i < 12; i++)
        printf("  0x%03x %8" PRIu64 " reads %8" PRIu64 " writes\n",
               s.ports[i].port, s.ports[i].reads, s.ports[i].writes);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bench-breakdown KERNEL INITRD CMDLINE [MIB]\n");
        return 2;
    }
    struct watcher w = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    struct error err = {""};
    const struct toyvmm_config config = {
        .kernel = argv[1],
        .initrd = argv[2],
        .cmdline = argv[3],
        .memory = (argc > 4 ? strtoull(argv[4], NULL, 10) : 256) << 20,
        .cpus = 1,
        .sink = {&w, on_tx, on_rx, on_event},
    };
    printf("gaps of %d ms and more between console lines:\n",
           (int)(GAP_NS / NS_PER_MS));
    struct toyvmm *vm = toyvmm_create(&config, NULL, &err);
    if (!vm || toyvmm_start(vm, &err)) {
        fprintf(stderr, "bench-breakdown: %s\n", err.text);
        toyvmm_destroy(vm);
        return 3;
    }
    bool done = wait_for_end(&w);
    print_stats(vm);
    toyvmm_destroy(vm);
    return done ? 0 : 1;
}
