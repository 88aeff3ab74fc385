// SPDX-License-Identifier: Apache-2.0
// `run`: a command in the guest's shell, its exact output and its exit status.
// Used by the runner only.
//
// What is typed, on one line:
//
//   { __=$-;set +xv;echo \<N\>;} 2>&-;command eval 'CMD';
//   { echo \<N:$?\>;case $__ in *x*)set -x;esac;
//   case $__ in *v*)set -v;esac;} 2>&-
//
//   - N is random, and in what is typed its brackets have backslashes: the echo
//     never shows "<N>", however a line editor wraps or repaints it, so the
//     text between "<N>" and "<N:STATUS>" is the command's output and no more.
//   - A shell that traces its commands (set -x, set -v) shows none of these:
//     its traces go where standard error goes, which is closed for them. While
//     CMD runs tracing is off, so that its output is what it prints; a CMD that
//     has the word `set` in it is left what an earlier one has set.
//   - Every byte typed is echoed by the guest, several VM exits each: the line
//     is as short as can be, and starts no process of its own.
//   - eval keeps `cd` and variables alive for the next `run`, and a `#` comment
//     ends with the command; with `command` before it, a syntax error does not
//     take the end marker with it.
//   - A CMD with newlines, tabs or bytes beyond ASCII, at which a line editor
//     would stop or complete, is encoded for printf's %b (POSIX.1-2017,
//     printf): command eval "$(printf %b 'CMD')".
//   - A terminal takes lines of 4095 bytes and small shells less: a long CMD
//     is put together in a variable first, piece by piece, each acknowledged.
#include "harness/runner/steps.h"

#include "src/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PIECE    400
#define VARIABLE "_toyvmm"

// Tracing, as it was before the command; inside of { } 2>&-.
#define TRACE_AGAIN "case $__ in *x*)set -x;esac;case $__ in *v*)set -v;esac;"

struct command {
    struct run *run;
    const struct step *step;
    char *text;   // the command as the scenario has it
    bool sets;    // it may change what the shell traces
    bool encoded; // typed is for %b
    char *typed;  // as it stands between single quotes
    uint64_t deadline_ns;
    uint32_t marker; // N
};

// Whether a line editor takes all of it as text.
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return true;
}

// For single quotes: a quote in it ends them, stands escaped, and opens them
// again.
static char *quote(const char *text, size_t len)
{
    char *out = malloc(len * 4 + 1);
    if (!out)
        return NULL;
    char *p = out;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            p = stpcpy(p, "'\\''");
        else
            *p++ = text[i];
    }
    *p = '\0';
    return out;
}

// For single quotes and %b.
static char *encode(const char *text, size_t len)
{
    char *out = malloc(len * 5 + 1);
    if (!out)
        return NULL;
    char *p = out;
    for (size_t i = 0; i < len; i++) {
        unsigned char ch = (unsigned char)text[i];
        if (ch < 0x20 || ch >= 0x7f || ch == '\'' || ch == '\\')
            p += sprintf(p, "\\0%03o", ch);
        else
            *p++ = (char)ch;
    }
    *p = '\0';
    return out;
}

uint32_t run_marker(struct run *r)
{
    uint32_t x = (uint32_t)r->options->nonce;
    if (!x && getrandom(&x, sizeof(x), 0) != sizeof(x))
        x = (uint32_t)clock_now_ns();
    return x ^ (uint32_t)(++r->commands << 16);
}

static enum flow type_line(struct command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static enum flow type_line(struct command *c, const char *fmt, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&line, fmt, args);
    va_end(args);
    if (n < 0)
        return run_fail(c->run, VERDICT_ERROR, NULL, "memory", "out of memory");
    enum flow flow = run_type(c->run, line, (size_t)n);
    free(line);
    return flow == FLOW_NEXT ? run_type(c->run, "\r", 1) : flow;
}

// Waits for a marker; all waits of one command share its deadline.
static bool await(struct command *c, const char *source, const char *what,
                  struct match *m)
{
    struct error err = {""};
    size_t at;
    struct pattern *p = pattern_compile(source, strlen(source), 0, &at, &err);
    if (!p) {
        run_error(c->run, "pattern", &err);
        return false;
    }
    const struct pattern *list[] = {p};
    struct wait w = {.patterns = list,
                     .npatterns = 1,
                     .within_ns = c->step->u.run.within_ns,
                     .started_ns = c->run->now_ns,
                     .deadline_ns = c->deadline_ns,
                     .what = what};
    enum wait_outcome out = run_wait(c->run, &w);
    c->deadline_ns = w.deadline_ns;
    *m = w.match;
    pattern_free(p);
    return out == WAIT_MATCH;
}

static bool await_beginning(struct command *c)
{
    char source[64];
    struct match m;
    snprintf(source, sizeof(source), "<%08" PRIx32 ">\\n", c->marker);
    return await(c, source,
                 "the beginning of the command (does a shell listen?)", &m);
}

// Puts the encoded command into a variable of the guest's shell.
static enum flow type_pieces(struct command *c)
{
    size_t len = strlen(c->typed);
    for (size_t at = 0; at < len;) {
        size_t n = len - at < PIECE ? len - at : PIECE;
        enum flow flow =
            type_line(c, VARIABLE "=%s'%.*s';{ echo \\<%08" PRIx32 "\\>;} 2>&-",
                      at ? "$" VARIABLE : "", (int)n, c->typed + at, c->marker);
        if (flow == FLOW_END || !await_beginning(c))
            return FLOW_END;
        at += n;
    }
    return FLOW_NEXT;
}

static enum flow type_command(struct command *c)
{
    const char *before = "'", *after = "'", *text = c->typed;
    if (c->encoded) {
        before = "\"$(printf %b '";
        after = "')\"";
    }
    if (strlen(c->typed) > PIECE) {
        if (type_pieces(c) == FLOW_END)
            return FLOW_END;
        before = "\"$(printf %b \"";
        text = "$" VARIABLE;
        after = "\")\"";
    }
    return type_line(c,
                     "{ __=$-;set +xv;echo \\<%08" PRIx32 "\\>;} 2>&-;"
                     "command eval %s%s%s;"
                     "{ echo \\<%08" PRIx32 ":$?\\>;%s} 2>&-",
                     c->marker, before, text, after, c->marker,
                     c->sets ? "" : TRACE_AGAIN);
}

// The command as a message shows it: its first line, cut.
static const char *shown(const struct command *c, char buf[80])
{
    size_t n = strcspn(c->text, "\n");
    bool cut = n > 60 || c->text[n];
    snprintf(buf, 80, "\"%.*s%s\"", (int)(n > 60 ? 60 : n), c->text,
             cut ? "..." : "");
    return buf;
}

// What is not in a capture is told: nothing gets lost in silence.
static void note_messages(struct command *c, const struct match *m)
{
    uint64_t n = m->messages;
    struct run *r = c->run;
    char *where = run_where(&c->step->pos);
    result_add_note(r->result, false, m->decided_ns - r->options->started_ns,
                    where,
                    "%" PRIu64 " %s of the kernel came meanwhile and %s not in "
                    "`%s`: `raw` keeps them",
                    n, n == 1 ? "message" : "messages", n == 1 ? "is" : "are",
                    c->step->u.run.as);
    free(where);
}

static enum flow keep_output(struct command *c, const struct match *m,
                             long status)
{
    struct run *r = c->run;
    char cmd[80];
    if (!c->step->u.run.as)
        return FLOW_NEXT;
    if (c->step->u.run.raw ? m->before_received_lost : m->before_lost)
        return run_fail(r, VERDICT_FAILED, NULL, "overflow",
                        "the output of %s is larger than the window that is "
                        "kept of it",
                        shown(c, cmd));
    struct text_span kept =
        c->step->u.run.raw ? m->before_received : m->before_lifted;
    if (kept.len && kept.text[kept.len - 1] == '\n')
        kept.len--;
    struct variable *v =
        variables_set(&r->variables, c->step->u.run.as, kept.text, kept.len);
    if (m->messages && !c->step->u.run.raw)
        note_messages(c, m);
    if (!v)
        return run_fail(r, VERDICT_ERROR, NULL, "memory", "out of memory");
    v->has_status = true;
    v->status = status;
    return FLOW_NEXT;
}

static enum flow judge(struct command *c, long status)
{
    char cmd[80];
    const struct step *s = c->step;
    if (s->u.run.any_status || status == s->u.run.status)
        return FLOW_NEXT;
    return run_fail(c->run, VERDICT_FAILED, NULL, "status",
                    "%s ended with status %ld instead of %ld", shown(c, cmd),
                    status, s->u.run.status);
}

static enum flow execute(struct command *c)
{
    char source[64];
    char what[128];
    char cmd[80];
    struct match m;
    c->marker = run_marker(c->run);
    if (type_command(c) == FLOW_END || !await_beginning(c))
        return FLOW_END;
    snprintf(source, sizeof(source), "<%08" PRIx32 ":(\\d+)>\\n", c->marker);
    snprintf(what, sizeof(what), "the end of the command %s", shown(c, cmd));
    if (!await(c, source, what, &m))
        return FLOW_END;
    char digits[16] = "";
    if (m.ngroups > 1 && m.groups[1].len < sizeof(digits))
        memcpy(digits, m.groups[1].text, m.groups[1].len);
    long status = strtol(digits, NULL, 10);
    c->run->ports[c->run->port].at_shell = true;
    if (keep_output(c, &m, status) == FLOW_END)
        return FLOW_END;
    return judge(c, status);
}

// Whether the word `set` stands in it.
static bool has_set(const char *text)
{
    for (const char *at = text; (at = strstr(at, "set")); at++) {
        bool begins = at == text || strchr(" \t\n;&|({'\"", at[-1]);
        if (begins && (!at[3] || strchr(" \t\n;", at[3])))
            return true;
    }
    return false;
}

// What the shell is to run: the command, which finds tracing as it was left
// where it may change it. A heap string, or NULL.
static char *script_of(struct command *c, size_t *len)
{
    static const char again[] = "{ " TRACE_AGAIN "} 2>&-;";
    c->sets = has_set(c->text);
    size_t first = c->sets ? sizeof(again) - 1 : 0;
    char *script = malloc(first + *len + 1);
    if (!script)
        return NULL;
    memcpy(script, again, first);
    memcpy(script + first, c->text, *len + 1);
    *len += first;
    return script;
}

enum flow step_run(struct run *r, const struct step *s)
{
    struct command c = {.run = r, .step = s};
    size_t len;
    c.text = run_text(r, &s->u.run.command, &len);
    if (!c.text)
        return FLOW_END;
    char *script = script_of(&c, &len);
    c.encoded = script && (!is_plain(script, len) || len > PIECE / 4);
    if (script)
        c.typed = c.encoded ? encode(script, len) : quote(script, len);
    free(script);
    // Its output is judged as it comes, at once with the marker before it.
    unsigned port = r->port;
    r->rules.command_runs[port] = true;
    enum flow flow =
        c.typed ? execute(&c)
                : run_fail(r, VERDICT_ERROR, NULL, "memory", "out of memory");
    r->rules.command_runs[port] = false;
    free(c.typed);
    free(c.text);
    return flow;
}
