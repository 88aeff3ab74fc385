// SPDX-License-Identifier: Apache-2.0
// Asciicasts. See cast.h.
#include "harness/recording/cast.h"

#include "harness/recording/json.h"
#include "harness/report/output.h"
#include "src/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Bytes of one read become one event, unless the guest paused among them.
#define PAUSE_NS (10 * NS_PER_MS)

struct cast {
    FILE *f;
    uint64_t started_ns;
    uint64_t last_us; // of the event before: players want times to ascend
    struct json_stream output, input;
    char text[JSON_ROOM(INPUT_PIECE)];
};

static void event(struct cast *c, uint64_t ns, char code, size_t len)
{
    uint64_t us = ns > c->started_ns ? (ns - c->started_ns) / NS_PER_US : 0;
    if (!len)
        return;
    // What was typed before the guest's last words were read.
    us = us > c->last_us ? us : c->last_us;
    c->last_us = us;
    fprintf(c->f, "[%" PRIu64 ".%06" PRIu64 ", \"%c\", \"", us / 1000000,
            us % 1000000, code);
    fwrite(c->text, 1, len, c->f);
    fputs("\"]\n", c->f);
}

static void bytes(struct cast *c, const struct record *r)
{
    size_t from = 0;
    uint64_t began = r->stamps[0].ns;
    uint64_t last = began;
    for (size_t i = 1; i < r->nstamps; i++) {
        size_t at = r->stamps[i].at;
        if (r->stamps[i].ns - last >= PAUSE_NS) {
            event(c, began, 'o',
                  json_feed(&c->output, r->bytes + from, at - from, c->text));
            from = at;
            began = r->stamps[i].ns;
        }
        last = r->stamps[i].ns;
    }
    event(c, began, 'o',
          json_feed(&c->output, r->bytes + from, r->len - from, c->text));
}

static void marker(struct cast *c, uint64_t ns, const char *name,
                   const char *detail)
{
    struct json_stream s = {0};
    const char *parts[] = {name, *detail ? ": " : "", detail};
    size_t n = 0;
    for (size_t i = 0; i < 3; i++)
        n += json_feed(&s, (const uint8_t *)parts[i], strlen(parts[i]),
                       c->text + n);
    n += json_end(&s, c->text + n);
    event(c, ns, 'm', n);
}

static void input(struct cast *c, const struct record *r)
{
    if (r->flags & INPUT_BREAK)
        marker(c, r->ns, "the serial line breaks", "");
    else
        event(c, r->ns, 'i', json_feed(&c->input, r->bytes, r->len, c->text));
}

static void header(FILE *f, const struct recording_info *info)
{
    fprintf(f,
            "{\"version\": 2, \"width\": 80, \"height\": 24, \"timestamp\": "
            "%" PRIu64 ", \"title\": ",
            info->run.started_unix_ns / NS_PER_S);
    json_string(f, info->run.title);
    fputs(", \"env\": {\"TERM\": \"vt100\"}}\n", f);
}

int cast_write(FILE *f, struct recording_reader *reader, unsigned port)
{
    const struct recording_info *info = recording_info(reader);
    struct cast *c = calloc(1, sizeof(*c));
    struct record r;
    uint64_t last = info->started_ns;
    if (!c)
        return -ENOMEM;
    c->f = f;
    c->started_ns = info->started_ns;
    header(f, info);
    while (recording_next(reader, &r)) {
        if (r.kind == RECORD_BYTES && r.port == port)
            bytes(c, &r);
        else if (r.kind == RECORD_EVENT)
            marker(c, r.event->ns, toyvmm_event_name(r.event->kind),
                   r.event->detail);
        else if (r.kind == RECORD_INPUT && r.port == port && !r.code)
            input(c, &r);
        if (record_is_item(r.kind) && r.ns > last)
            last = r.ns;
    }
    event(c, last, 'o', json_end(&c->output, c->text));
    free(c);
    return ferror(f) ? -EIO : 0;
}

struct cast_job {
    const char *recording;
    unsigned port;
};

static int write_job(FILE *f, const void *owner)
{
    const struct cast_job *job = owner;
    int code = 0;
    struct recording_reader *reader =
        recording_open(job->recording, &code, NULL);
    if (!reader)
        return code;
    code = cast_write(f, reader, job->port);
    recording_close(reader);
    return code;
}

// A bit for each port that printed.
static unsigned printed(const char *recording)
{
    unsigned ports = 0;
    struct record r;
    struct recording_reader *reader = recording_open(recording, NULL, NULL);
    while (reader && recording_next(reader, &r)) {
        if (r.kind == RECORD_BYTES)
            ports |= 1U << r.port;
    }
    recording_close(reader);
    return ports;
}

int cast_files(const char *recording, struct error *err)
{
    unsigned ports = printed(recording) | 1U;
    int code = 0;
    for (unsigned port = 0; !code && port < TOYVMM_PORTS; port++) {
        struct cast_job job = {recording, port};
        char suffix[16] = "";
        char *path = NULL;
        if (!(ports & 1U << port))
            continue;
        if (port)
            snprintf(suffix, sizeof(suffix), ".%s", port_name(port));
        if (asprintf(&path, "%s%s.cast", recording, suffix) < 0)
            return error_set(err, -ENOMEM, "out of memory");
        code = output_write(path, write_job, &job, err);
        free(path);
    }
    return code;
}
