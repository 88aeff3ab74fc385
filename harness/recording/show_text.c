// SPDX-License-Identifier: Apache-2.0
// Rows: time, what it is, text. See show_text.h.
//
//      1.395    [    0.000000] Linux version 6.1.0
//      2.879  * userspace
//      3.093    (none) login:
//      3.093  > root␍
//      3.093  = login_prompt
#include "harness/recording/show_text.h"

#include "harness/report/visible.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// A longer line is cut into rows.
#define LINE_MAX_BYTES 2000
#define GAPS           5

struct line {
    uint64_t ns; // of its first byte
    size_t len;
    char text[LINE_MAX_BYTES];
};

struct gap {
    uint64_t ns, at;
    char before[60]; // what ended it
};

struct rows {
    FILE *f;
    const struct show_options *options;
    uint64_t started_ns;
    uint64_t last_ns;         // of the row before
    const struct result *run; // its marks, in order
    size_t mark;
    struct line lines[TOYVMM_PORTS];
    struct gap gaps[GAPS]; // the longest first
};

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void note_gap(struct rows *r, uint64_t ns, uint64_t gap,
                     const char *text, size_t len)
{
    size_t i = GAPS;
    while (i && r->gaps[i - 1].ns < gap)
        i--;
    if (i == GAPS || !gap)
        return;
    memmove(&r->gaps[i + 1], &r->gaps[i], (GAPS - 1 - i) * sizeof(r->gaps[0]));
    r->gaps[i] = (struct gap){.ns = gap, .at = ns};
    len = len < sizeof(r->gaps[i].before) ? len : sizeof(r->gaps[i].before) - 1;
    memcpy(r->gaps[i].before, text, len);
}

static void row(struct rows *r, uint64_t ns, char what, unsigned port,
                const char *text, size_t len)
{
    uint64_t at = ns > r->started_ns ? ns - r->started_ns : 0;
    uint64_t gap = at > r->last_ns ? at - r->last_ns : 0;
    fprintf(r->f, "%9.3f", seconds(at));
    if (r->options->since_last)
        fprintf(r->f, " %+9.3f", seconds(gap));
    fprintf(r->f, "  %c ", what);
    if (port)
        fprintf(r->f, "%s: ", port_name(port));
    visible_text(r->f, text, len, NULL);
    fputc('\n', r->f);
    note_gap(r, at, gap, text, len);
    r->last_ns = at > r->last_ns ? at : r->last_ns;
}

static void row_of(struct rows *r, uint64_t ns, char what, const char *text)
{
    row(r, ns, what, 0, text, strlen(text));
}

static void end_line(struct rows *r, unsigned port)
{
    struct line *l = &r->lines[port];
    if (!l->len)
        return;
    size_t len = l->len;
    while (len && (l->text[len - 1] == '\r' || l->text[len - 1] == '\n'))
        len--;
    // The end of the line before may stand at the beginning of this one.
    size_t from = 0;
    while (from < len && l->text[from] == '\r')
        from++;
    row(r, l->ns, ' ', port, l->text + from, len - from);
    l->len = 0;
}

static void end_lines(struct rows *r)
{
    for (unsigned port = 0; port < TOYVMM_PORTS; port++)
        end_line(r, port);
}

// Marks that were stamped before a moment. One stamped in the middle of a line
// comes after the line.
static void marks_until(struct rows *r, uint64_t ns)
{
    for (; r->run && r->mark < r->run->nmarks; r->mark++) {
        const struct result_mark *m = &r->run->marks[r->mark];
        if (m->wall_ns + r->started_ns >= ns)
            return;
        row_of(r, m->wall_ns + r->started_ns, '=', m->name);
    }
}

static void bytes(struct rows *r, const struct record *rec)
{
    size_t stamp = 0;
    for (unsigned port = 0; port < TOYVMM_PORTS; port++) {
        if (port != rec->port)
            end_line(r, port);
    }
    struct line *l = &r->lines[rec->port];
    for (size_t i = 0; i < rec->len; i++) {
        while (stamp + 1 < rec->nstamps && rec->stamps[stamp + 1].at <= i)
            stamp++;
        if (!l->len) {
            l->ns = rec->stamps[stamp].ns;
            marks_until(r, l->ns);
        }
        l->text[l->len++] = (char)rec->bytes[i];
        if (rec->bytes[i] == '\n' || l->len == LINE_MAX_BYTES)
            end_line(r, rec->port);
    }
}

static void input(struct rows *r, const struct record *rec)
{
    char failed[ERROR_MAX + 16];
    end_lines(r);
    marks_until(r, rec->ns + 1);
    if (rec->flags & INPUT_BREAK)
        row_of(r, rec->ns, '!', "the serial line breaks");
    else
        row(r, rec->ns, '>', rec->port, (const char *)rec->bytes, rec->len);
    if (!rec->code)
        return;
    snprintf(failed, sizeof(failed), "not typed: %.*s", (int)rec->text_len,
             rec->text);
    row_of(r, rec->ns, '!', failed);
}

static void event(struct rows *r, const struct toyvmm_event *e)
{
    char text[sizeof(e->detail) + 64];
    end_lines(r);
    marks_until(r, e->ns);
    snprintf(text, sizeof(text), "%s%s%s", toyvmm_event_name(e->kind),
             *e->detail ? ": " : "", e->detail);
    row_of(r, e->ns, '*', text);
}

static void call(struct rows *r, const struct record *rec)
{
    static const char *const names[] = {
        [CALL_STOP] = "the machine is stopped",
        [CALL_RESTART] = "the machine starts anew",
        [CALL_NMI] = "NMI",
        [CALL_POWER] = "the power button is pressed",
    };
    end_lines(r);
    if (rec->call < sizeof(names) / sizeof(names[0]))
        row_of(r, rec->ns, '!', names[rec->call]);
}

static void header(FILE *f, const struct recording_info *info)
{
    const struct result *run = &info->run;
    char at[32] = "?";
    time_t then = (time_t)(run->started_unix_ns / NS_PER_S);
    struct tm tm;
    if (gmtime_r(&then, &tm))
        strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S UTC", &tm);
    const char *const texts[] = {run->path, run->title, run->guest,
                                 run->accelerator, info->version};
    static const char *const before[] = {"# ", ": ", "\n# guest ", ", ",
                                         ", toyvmm-test "};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!texts[i])
            continue;
        fputs(before[i], f);
        visible_text(f, texts[i], strlen(texts[i]), NULL);
    }
    fprintf(f, ", deadlines multiplied by %g, %s\n", info->timeout_scale, at);
}

static void footer(const struct rows *r, struct recording_reader *reader)
{
    const struct recording_info *info = recording_info(reader);
    const char *cut = recording_cut(reader);
    if (cut)
        fprintf(r->f, "# the recording has no end: %s\n", cut);
    if (info->has_verdict) {
        fprintf(r->f, "# %s after %.3f s", verdict_name(info->run.verdict),
                seconds(info->run.duration_ns));
        const char *const texts[] = {info->run.where, info->run.message};
        for (size_t i = 0; i < 2; i++) {
            fputs(texts[i] ? ": " : "", r->f);
            if (texts[i])
                visible_text(r->f, texts[i], strlen(texts[i]), NULL);
        }
        fputc('\n', r->f);
    }
    if (!r->options->since_last)
        return;
    fputs("# the longest gaps:\n", r->f);
    for (size_t i = 0; i < GAPS && r->gaps[i].ns; i++) {
        const struct gap *g = &r->gaps[i];
        fprintf(r->f, "# %9.3f s until %9.3f  ", seconds(g->ns),
                seconds(g->at));
        visible_text(r->f, g->before, strlen(g->before), NULL);
        fputc('\n', r->f);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct result_mark *x = a, *y = b;
    return (x->wall_ns > y->wall_ns) - (x->wall_ns < y->wall_ns);
}

// The trailer stands at the end: another pass.
static struct recording_reader *trailer_of(const char *path)
{
    struct recording_reader *reader = recording_open(path, NULL, NULL);
    struct record unused;
    while (reader && recording_next(reader, &unused))
        ;
    return reader;
}

static void take(struct rows *r, const struct record *rec)
{
    bool wanted =
        r->options->port < 0 || (unsigned)r->options->port == rec->port;
    if (rec->kind == RECORD_BYTES && wanted)
        bytes(r, rec);
    else if (rec->kind == RECORD_INPUT && wanted)
        input(r, rec);
    else if (rec->kind == RECORD_EVENT)
        event(r, rec->event);
    else if (rec->kind == RECORD_CALL)
        call(r, rec);
}

int show_text(FILE *f, const char *path, struct recording_reader *reader,
              const struct show_options *options, struct error *err)
{
    const struct recording_info *info = recording_info(reader);
    struct recording_reader *trailer = trailer_of(path);
    struct rows *r = calloc(1, sizeof(*r));
    struct record rec;
    if (!r || !trailer) {
        free(r);
        recording_close(trailer);
        return error_set(err, -ENOMEM, "out of memory");
    }
    struct result marks = recording_info(trailer)->run;
    if (marks.nmarks)
        qsort(marks.marks, marks.nmarks, sizeof(*marks.marks), by_time);
    r->f = f;
    r->options = options;
    r->started_ns = info->started_ns;
    r->run = &marks;
    header(f, info);
    while (!ferror(f) && recording_next(reader, &rec))
        take(r, &rec);
    end_lines(r);
    marks_until(r, UINT64_MAX);
    footer(r, reader);
    free(r);
    recording_close(trailer);
    return 0;
}
