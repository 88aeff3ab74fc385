// SPDX-License-Identifier: Apache-2.0
// Boots a guest in this process, waits for its login prompt, powers it off.
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <toyvmm/toyvmm.h>

enum { PATIENCE_S = 120 };

// What a guest has shown. The callbacks come from the machine's threads.
struct guest {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char console[1 << 16];
    size_t length;
    bool ended;
    struct toyvmm_event end;
};

static bool on_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                  uint64_t ns)
{
    struct guest *g = owner;
    (void)ns;
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < n && port == 0; i++) {
        if (bytes[i] && g->length < sizeof(g->console) - 1)
            g->console[g->length++] = (char)bytes[i];
    }
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
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
    struct guest *g = owner;
    pthread_mutex_lock(&g->lock);
    if (toyvmm_event_is_end(event->kind)) {
        g->ended = true;
        g->end = *event;
    }
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static bool says(const struct guest *g, const char *text)
{
    return strstr(g->console, text) != NULL;
}

// Until the guest says text, ends, or patience does. True: it said it.
static bool wait_for(struct guest *g, const char *text)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&g->lock);
    while (!says(g, text) && !g->ended &&
           pthread_cond_timedwait(&g->changed, &g->lock, &until) != ETIMEDOUT)
        ;
    bool said = says(g, text);
    pthread_mutex_unlock(&g->lock);
    return said;
}

Test(boots, to_its_login_prompt)
{
    static struct guest g = {PTHREAD_MUTEX_INITIALIZER,
                             PTHREAD_COND_INITIALIZER,
                             {0},
                             0,
                             false,
                             {0}};
    const struct toyvmm_config config = {
        .kernel = getenv("KERNEL"),
        .initrd = getenv("INITRD"),
        .cmdline = "console=ttyS0 panic=-1",
        .memory = 256 << 20,
        .cpus = 1,
        .sink = {&g, on_tx, on_rx, on_event},
    };
    struct error err = {""};
    cr_assert(config.kernel && config.initrd,
              "KERNEL and INITRD name what is booted");
    struct toyvmm *vm = toyvmm_create(&config, NULL, &err);
    cr_assert(vm, "%s", err.text);
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    bool said = wait_for(&g, "login: ");
    toyvmm_destroy(vm);
    cr_assert(said, "no login prompt came; the guest said:\n%s", g.console);
}
