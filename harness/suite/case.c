// SPDX-License-Identifier: Apache-2.0
// One case of a plan. See case.h.
#include "harness/suite/case.h"

#include "harness/report/terminal.h"
#include "harness/runner/live.h"
#include "src/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

// What the callbacks of a run need.
struct watcher {
    const struct plan *plan;
    const struct plan_case *what;
    const struct case_control *control;
};

static void write_all(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        p += n;
        len -= (size_t)n;
    }
}

static void printed(void *owner, const uint8_t *bytes, size_t len)
{
    (void)owner;
    write_all(STDERR_FILENO, bytes, len);
}

static void step(void *owner, const struct step *s, uint64_t at_ns)
{
    const struct watcher *w = owner;
    char *line = NULL;
    bool secret = (s->kind == STEP_SEND && s->u.send.secret) ||
                  (s->kind == STEP_LOGIN && s->u.login.has_password);
    int n = asprintf(&line, "%s/%s %7.3f  %u: %s\n", w->what->suite,
                     w->what->name, (double)at_ns / 1e9, s->pos.line,
                     secret ? (s->kind == STEP_LOGIN ? "login" : "send")
                            : s->source);
    if (n < 0)
        return;
    write_all(STDERR_FILENO, line, (size_t)n);
    free(line);
}

static void console(void *owner, struct console *c)
{
    const struct watcher *w = owner;
    if (w->control)
        w->control->console(w->control->owner, c);
}

// Without a machine, only the reason can be told.
static int unjudged(const struct plan *plan, const struct plan_case *what,
                    const char *kind, const struct error *err,
                    struct result *out)
{
    out->verdict = VERDICT_ERROR;
    if (result_set(&out->path, "%s", what->path) ||
        (!out->title && result_set(&out->title, "%s", what->name)) ||
        result_set(&out->accelerator, "%s", plan->accelerator) ||
        result_set(&out->kind, "%s", kind) ||
        result_set(&out->message, "%s", err->text))
        return -ENOMEM;
    return 0;
}

static int run(struct watcher *w, const struct scenario *s, uint64_t started_ns,
               struct result *out)
{
    const struct plan *plan = w->plan;
    struct error err = {""};
    struct guest guest;
    int code = guest_make(&guest, s, &plan->machine, &err);
    if (code)
        return unjudged(plan, w->what, "machine", &err, out);
    struct live_options o = {
        .scenario = s,
        .guest = &guest,
        .accelerator = plan->accelerator,
        .timeout_scale = plan->timeout_scale,
        .judge_marks = plan->judge_marks,
        .started_ns = started_ns,
        .printed = plan->show_console ? printed : NULL,
        .step = plan->verbosity > 1 ? step : NULL,
        .console = console,
        .owner = w,
    };
    code = live_run(&o, out);
    guest_free(&guest);
    return code;
}

int case_run(const struct plan *plan, size_t index, uint64_t started_ns,
             const struct case_control *control, struct result *result)
{
    const struct plan_case *what = &plan->cases[index];
    struct watcher w = {plan, what, control};
    struct error err = {""};
    struct diagnostics diags = {0};
    struct scenario *s = NULL;
    int code =
        scenario_load(what->path, plan->sets, plan->nsets, &s, &diags, &err);
    if (code && !*err.text)
        error_set(&err, code, "%s has errors", what->path);
    code = code ? unjudged(plan, what, "scenario", &err, result)
                : run(&w, s, started_ns, result);
    if (!code)
        code = result_set(&result->suite, "%s", what->suite);
    scenario_free(s);
    diagnostics_free(&diags);
    return code;
}

void case_print(const struct plan *plan, const struct result *result,
                const char *lock)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return;
    terminal_result(f, result, plan->verbosity > 0);
    if (fclose(f))
        return;
    int fd = lock ? open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        (void)!flock(fd, LOCK_EX);
    write_all(STDOUT_FILENO, text, len);
    if (fd >= 0)
        close(fd);
    free(text);
}
