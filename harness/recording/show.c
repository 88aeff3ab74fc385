// SPDX-License-Identifier: Apache-2.0
// `toyvmm-test show`. See show.h.
#include "harness/recording/show.h"

#include "harness/recording/cast.h"
#include "harness/recording/show_text.h"

#include "harness/recording/json.h"
#include "src/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- Bytes -----------------------------------------------------------------

static int show_raw(FILE *f, struct recording_reader *reader, unsigned port)
{
    struct record r;
    while (recording_next(reader, &r)) {
        if (r.kind == RECORD_BYTES && r.port == port)
            fwrite(r.bytes, 1, r.len, f);
    }
    return 0;
}

// ---- JSON ------------------------------------------------------------------

struct json_show {
    FILE *f;
    uint64_t started_ns;
    struct json_stream streams[2 * TOYVMM_PORTS];
    char text[JSON_ROOM(INPUT_PIECE)];
};

static void json_begin(const struct json_show *s, uint64_t ns, const char *kind)
{
    uint64_t span = ns > s->started_ns ? ns - s->started_ns : 0;
    fprintf(s->f, "{\"t\": %" PRIu64 ".%09" PRIu64 ", \"kind\": \"%s\"",
            span / NS_PER_S, span % NS_PER_S, kind);
}

static void json_bytes(struct json_show *s, const struct record *r)
{
    bool typed = r->kind == RECORD_INPUT;
    uint64_t ns = typed ? r->ns : r->stamps[0].ns;
    json_begin(s, ns, typed ? "input" : "output");
    size_t n = json_feed(&s->streams[r->port + (typed ? TOYVMM_PORTS : 0)],
                         r->bytes, r->len, s->text);
    fprintf(s->f, ", \"port\": %u, \"text\": \"", r->port);
    fwrite(s->text, 1, n, s->f);
    fprintf(s->f, "\"%s}\n",
            !typed                    ? ""
            : r->flags & INPUT_SECRET ? ", \"secret\": true"
            : r->flags & INPUT_BREAK  ? ", \"break\": true"
                                      : "");
}

static void json_event(const struct json_show *s, const struct toyvmm_event *e)
{
    json_begin(s, e->ns, "event");
    fputs(", \"event\": ", s->f);
    json_string(s->f, toyvmm_event_name(e->kind));
    fputs(", \"detail\": ", s->f);
    json_string(s->f, e->detail);
    fprintf(s->f, ", \"cpu_ns\": %" PRIu64 ", \"exits\": %" PRIu64 "}\n",
            e->usage.cpu_ns, e->usage.exits);
}

static void json_field(const struct json_show *s, const char *name,
                       const char *value)
{
    if (!value)
        return;
    fprintf(s->f, ", \"%s\": ", name);
    json_string(s->f, value);
}

static void json_end_row(const struct json_show *s,
                         struct recording_reader *reader)
{
    const struct recording_info *info = recording_info(reader);
    json_begin(s, s->started_ns + info->run.duration_ns, "end");
    json_field(s, "verdict",
               info->has_verdict ? verdict_name(info->run.verdict) : NULL);
    json_field(s, "message", info->run.message);
    json_field(s, "where", info->run.where);
    json_field(s, "cut", recording_cut(reader));
    fputs(", \"marks\": {", s->f);
    for (size_t i = 0; i < info->run.nmarks; i++) {
        uint64_t ns = info->run.marks[i].wall_ns;
        fputs(i ? ", " : "", s->f);
        json_string(s->f, info->run.marks[i].name);
        fprintf(s->f, ": %" PRIu64 ".%09" PRIu64, ns / NS_PER_S, ns % NS_PER_S);
    }
    fputs("}}\n", s->f);
}

static int show_json(FILE *f, struct recording_reader *reader, int port)
{
    const struct recording_info *info = recording_info(reader);
    struct json_show *s = calloc(1, sizeof(*s));
    struct record r;
    if (!s)
        return -ENOMEM;
    s->f = f;
    s->started_ns = info->started_ns;
    json_begin(s, s->started_ns, "recording");
    json_field(s, "scenario", info->run.path);
    json_field(s, "title", info->run.title);
    json_field(s, "guest", info->run.guest);
    json_field(s, "accelerator", info->run.accelerator);
    json_field(s, "version", info->version);
    fprintf(f, ", \"started_unix_ns\": %" PRIu64 "}\n",
            info->run.started_unix_ns);
    while (recording_next(reader, &r)) {
        bool wanted = port < 0 || (unsigned)port == r.port;
        if (r.kind == RECORD_EVENT)
            json_event(s, r.event);
        else if ((r.kind == RECORD_BYTES || r.kind == RECORD_INPUT) && wanted)
            json_bytes(s, &r);
    }
    json_end_row(s, reader);
    free(s);
    return 0;
}

// ------------------------------------------------------------------------------

int show_recording(FILE *f, const char *path,
                   const struct show_options *options, struct error *err)
{
    int code = 0;
    struct recording_reader *reader = recording_open(path, &code, err);
    if (!reader)
        return code;
    unsigned port = options->port < 0 ? 0 : (unsigned)options->port;
    switch (options->format) {
    case SHOW_TEXT:
        code = show_text(f, path, reader, options, err);
        break;
    case SHOW_RAW:
        code = show_raw(f, reader, port);
        break;
    case SHOW_JSON:
        code = show_json(f, reader, options->port);
        break;
    case SHOW_CAST:
        code = cast_write(f, reader, port);
        break;
    }
    recording_close(reader);
    if (!code && (fflush(f) || ferror(f)))
        code = errno ? -errno : -EIO;
    return code ? error_errno(err, -code, "%s can't be shown", path) : 0;
}
