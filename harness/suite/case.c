// SPDX-License-Identifier: Apache-2.0
// One case of a plan. See case.h.
#include "harness/suite/case.h"

#include "harness/console/delayed.h"
#include "harness/recording/replay.h"
#include "harness/report/outlet.h"
#include "harness/report/terminal.h"
#include "harness/runner/live.h"
#include "harness/suite/paths.h"
#include "harness/suite/recording.h"
#include "src/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

// What the callbacks of a run need.
struct watcher {
    const struct plan *plan;
    const struct plan_case *what;
    const struct case_control *control;
    // Of --console: whose bytes came last, and whether they ended a line.
    unsigned port;
    bool in_line;
    bool deaf; // nobody reads what is told
    struct case_recording recording;
    struct delayed_console typed; // of a seed
};

// Whoever reads standard error may stop reading: the guest is more important.
#define READER_PATIENCE NS_PER_S

static void tell(struct watcher *w, const void *bytes, size_t len)
{
    if (!w->deaf && !outlet_write(STDERR_FILENO, bytes, len,
                                  clock_after(clock_now_ns(), READER_PATIENCE)))
        w->deaf = true;
}

// A port's name stands where its bytes follow another's; ttyS0 alone has none.
static void printed(void *owner, unsigned port, const uint8_t *bytes,
                    size_t len)
{
    struct watcher *w = owner;
    if (port != w->port) {
        char name[32];
        int n = snprintf(name, sizeof(name), "%s[%s] ",
                         w->in_line ? "\r\n" : "", port_name(port));
        tell(w, name, (size_t)n);
        w->port = port;
    }
    w->in_line = len && bytes[len - 1] != '\n';
    tell(w, bytes, len);
}

static void step(void *owner, const struct step *s, uint64_t at_ns)
{
    struct watcher *w = owner;
    char *line = NULL;
    bool secret = (s->kind == STEP_SEND && s->u.send.secret) ||
                  (s->kind == STEP_LOGIN && s->u.login.has_password);
    bool own = !strcmp(s->pos.file, w->what->path);
    int n = asprintf(&line, "%s/%s %7.3f  %s%s%u: %s\n", w->what->suite,
                     w->what->name, (double)at_ns / 1e9, own ? "" : s->pos.file,
                     own ? "" : ":", s->pos.line,
                     secret ? (s->kind == STEP_LOGIN ? "login" : "send")
                            : s->source);
    if (n < 0)
        return;
    tell(w, line, (size_t)n);
    free(line);
}

static void console(void *owner, struct console *c)
{
    const struct watcher *w = owner;
    if (w->control)
        w->control->console(w->control->owner, c);
}

static void prepare(void *owner, struct run_options *run,
                    const struct result *about)
{
    struct watcher *w = owner;
    if (w->plan->seed) {
        uint64_t seed = strtoull(w->plan->seed, NULL, 10);
        delayed_console_init(&w->typed, run->console, seed);
        run->console = &w->typed.base;
    }
    case_recording_begin(&w->recording, run, about);
}

// Without a machine, only the reason can be told.
static int unjudged(const struct plan *plan, const struct plan_case *what,
                    const char *kind, const struct error *err,
                    struct result *out)
{
    out->verdict = VERDICT_ERROR;
    if (result_set(&out->path, "%s", what->path) ||
        (!out->title && result_set(&out->title, "%s", what->name)) ||
        (plan->accelerator &&
         result_set(&out->accelerator, "%s", plan->accelerator)) ||
        (plan->seed && result_add_property(out, "seed", plan->seed)) ||
        result_set(&out->kind, "%s", kind) ||
        result_set(&out->message, "%s", err->text))
        return -ENOMEM;
    return 0;
}

static int replay(struct watcher *w, const struct scenario *s,
                  struct result *out)
{
    const struct plan *plan = w->plan;
    struct replay_options o = {
        .scenario = s,
        .path = w->what->replay,
        .tape = {.speed = plan->replay_speed},
        .printed = plan->show_console ? printed : NULL,
        .step = plan->verbosity > 1 ? step : NULL,
        .console = console,
        .owner = w,
        .witness = w->control ? w->control->witness : NULL,
    };
    return replay_run(&o, out);
}

static int confined(void *owner, struct error *err)
{
    const struct case_control *c = ((struct watcher *)owner)->control;
    return c->confined ? c->confined(c->owner, err) : 0;
}

static int run(struct watcher *w, const struct scenario *s, uint64_t started_ns,
               struct result *out)
{
    const struct plan *plan = w->plan;
    struct witness *witness = w->control ? w->control->witness : NULL;
    struct error err = {""};
    struct guest guest;
    int code = guest_make(&guest, s, &w->what->machine, &err);
    if (code)
        return unjudged(plan, w->what, "machine", &err, out);
    struct case_paths paths;
    // A worker has one case; this process may have others.
    bool confine = w->control && !plan->no_sandbox;
    if (case_paths_find(&paths, w->control, s, &guest, w->recording.path)) {
        guest_free(&guest);
        return -ENOMEM;
    }
    struct live_options o = {
        .scenario = s,
        .guest = &guest,
        .accelerator = plan->accelerator,
        .seed = plan->seed,
        .timeout_scale = plan->timeout_scale,
        .slowness = plan_slowness(plan),
        .judge_marks = plan->judge_marks,
        .pin = plan->pin,
        .no_sandbox = plan->no_sandbox,
        .confine = confine ? &paths.paths : NULL,
        .confined = confined,
        .started_ns = started_ns,
        .printed = plan->show_console ? printed : NULL,
        .step = plan->verbosity > 1 ? step : NULL,
        .prepare = prepare,
        .console = console,
        .owner = w,
        .witness = witness,
    };
    code = live_run(&o, out);
    witness_lock(witness);
    if (!code)
        code = case_recording_end(&w->recording, out);
    witness_unlock(witness);
    case_paths_free(&paths);
    guest_free(&guest);
    return code;
}

// The plan's variables and then the case's.
static int load(const struct plan *plan, const struct plan_case *what,
                struct scenario **out, struct error *err)
{
    struct diagnostics diags = {0};
    size_t count = plan->nsets + what->nsets;
    struct override *sets = calloc(count + 1, sizeof(*sets));
    if (!sets)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        sets[i] = i < plan->nsets ? plan->sets[i] : what->sets[i - plan->nsets];
    int code = scenario_load(what->path, sets, count, out, &diags, err);
    if (code && !*err->text)
        error_set(err, code, "%s has errors", what->path);
    diagnostics_free(&diags);
    free(sets);
    return code;
}

// Of one that may be run again: which attempt it was, unless the first one
// passed; and that it is flaky when a later one did.
static int number_attempt(const struct plan *plan, size_t index,
                          struct result *result)
{
    char text[32];
    unsigned attempts = plan_attempts(plan, index);
    bool passed = result->verdict == VERDICT_PASSED;
    bool failed =
        result->verdict == VERDICT_FAILED || result->verdict == VERDICT_ERROR;
    if (attempts < 2 || !(failed || (passed && plan->attempt > 1)))
        return 0;
    if (passed)
        result->verdict = VERDICT_FLAKY;
    snprintf(text, sizeof(text), "%u of %u", plan->attempt, attempts);
    return result_add_property(result, "attempt", text);
}

int case_expect(const struct plan *plan, size_t index, struct result *result)
{
    const struct plan_case *what = &plan->cases[index];
    bool passed = result->verdict == VERDICT_PASSED;
    if (!what->known || (!passed && result->verdict != VERDICT_FAILED))
        return 0;
    if (what->known_expired)
        return result_add_note(
            result, false, result->duration_ns, what->known_where,
            "this was a known failure and is expired: %s", what->known);
    int code = result_add_property(result, "known", what->known);
    result->verdict = passed ? VERDICT_FIXED : VERDICT_KNOWN;
    if (!code && !passed)
        return result_add_note(result, false, result->duration_ns,
                               what->known_where, "a known failure: %s",
                               what->known);
    if (!code)
        code = result_set(&result->kind, "fixed");
    if (!code)
        code = result_set(&result->where, "%s", what->known_where);
    return code ? code
                : result_set(&result->message,
                             "it passed, and this line says that it fails: %s; "
                             "take the line out",
                             what->known);
}

int case_identify(const struct plan *plan, size_t index, struct result *result)
{
    const struct plan_case *what = &plan->cases[index];
    if (result->suite)
        return 0;
    int code = result_set(&result->suite, "%s", what->suite);
    if (!code && what->title)
        code = result_set(&result->title, "%s", what->title);
    if (!code && what->series)
        code = result_set(&result->series, "%s", what->series);
    if (!code)
        code = case_expect(plan, index, result);
    if (!code)
        code = number_attempt(plan, index, result);
    for (size_t i = 0; !code && i < what->nsets; i++) {
        char *name = NULL;
        if (asprintf(&name, "matrix.%s", what->sets[i].name) < 0)
            return -ENOMEM;
        code = result_add_property(result, name, what->sets[i].value);
        free(name);
    }
    return code;
}

static void begin(const struct plan *plan, const struct scenario *s,
                  uint64_t started_ns, const struct case_control *control)
{
    if (!control || !control->begun)
        return;
    double scale = plan->timeout_scale > 0 ? plan->timeout_scale : 1;
    double ns = (double)s->timeout_ns * scale;
    uint64_t deadline =
        clock_after(started_ns, ns < 9e18 ? (uint64_t)ns : CLOCK_NEVER);
    control->begun(control->owner, deadline);
}

int case_run(const struct plan *plan, size_t index, uint64_t started_ns,
             const struct case_control *control, struct result *result)
{
    const struct plan_case *what = &plan->cases[index];
    struct watcher w = {.plan = plan,
                        .what = what,
                        .control = control,
                        .recording = {.path = what->record}};
    struct error err = {""};
    struct witness *witness = control ? control->witness : NULL;
    struct scenario *s = NULL;
    int failed = load(plan, what, &s, &err);
    if (!failed && s && what->timeout_ns)
        s->timeout_ns = what->timeout_ns;
    if (!failed && s)
        begin(plan, s, started_ns, control);
    int code = failed         ? unjudged(plan, what, "scenario", &err, result)
               : what->replay ? replay(&w, s, result)
                              : run(&w, s, started_ns, result);
    witness_lock(witness);
    if (!code)
        code = case_identify(plan, index, result);
    witness_unlock(witness);
    scenario_free(s);
    return code;
}

int case_describe(const struct plan *plan, size_t index, struct result *result)
{
    const struct plan_case *what = &plan->cases[index];
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    result->started_unix_ns = (uint64_t)wall.tv_sec * NS_PER_S;
    if (result_set(&result->path, "%s", what->path) ||
        result_set(&result->title, "%s", what->name) ||
        (plan->accelerator &&
         result_set(&result->accelerator, "%s", plan->accelerator)))
        return -ENOMEM;
    return case_identify(plan, index, result);
}

int case_skip(const struct plan *plan, size_t index, struct result *result)
{
    const struct plan_case *what = &plan->cases[index];
    result->verdict = VERDICT_SKIPPED;
    if (case_describe(plan, index, result) ||
        result_set(&result->kind, "skipped") ||
        result_set(&result->message, "%s", what->skip) ||
        (what->skip_where &&
         result_set(&result->where, "%s", what->skip_where)))
        return -ENOMEM;
    return 0;
}

int case_unrun(const struct plan *plan, size_t index, struct result *result)
{
    result->verdict = VERDICT_UNRUN;
    if (case_describe(plan, index, result) ||
        result_set(&result->kind, "unrun") ||
        result_set(&result->message,
                   "not run: another scenario did not pass (--fail-fast)"))
        return -ENOMEM;
    return 0;
}

void case_print(const struct plan *plan, const struct result *result,
                const char *lock, uint64_t deadline_ns)
{
    char *text = NULL;
    size_t len = 0;
    if (plan->quiet_passed && result->verdict == VERDICT_PASSED)
        return;
    if (plan->attempts && result->verdict == VERDICT_UNRUN)
        return;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return;
    terminal_result(f, result, plan->verbosity > 0);
    if (fclose(f))
        return;
    int fd = lock ? open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        (void)!flock(fd, LOCK_EX);
    outlet_write(STDOUT_FILENO, text, len, deadline_ns);
    if (fd >= 0)
        close(fd);
    free(text);
}
