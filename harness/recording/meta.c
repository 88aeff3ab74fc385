// SPDX-License-Identifier: Apache-2.0
// The header and the trailer of a recording: fields with a number each, so that
// older readers skip what they don't know. See record.h and FORMAT.md.
#include "harness/recording/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The numbers are the file's: they never change.
enum meta_id {
    META_VERSION = 1,
    META_PATH = 2,
    META_HASH = 3,
    META_TITLE = 4,
    META_GUEST = 6,
    META_GUEST_NOTE = 7,
    META_ACCELERATOR = 8,
    META_SCALE = 9,
    META_JUDGE = 10,
    META_NONCE = 11,
    META_STARTED_UNIX = 12,
    META_ABILITIES = 13,
    META_PROPERTY = 14,
    META_VCPUS = 15,
    META_TRAILER = 32, // from here on: the trailer
    META_VERDICT = 32,
    META_KIND = 33,
    META_MESSAGE = 34,
    META_WHERE = 35,
    META_MARK = 36,
    META_DURATION = 37,
};

// Fields that are a text, where they are in struct recording_info.
static const struct {
    enum meta_id id;
    size_t at;
} texts[] = {
    {META_VERSION, offsetof(struct recording_info, version)},
    {META_PATH, offsetof(struct recording_info, run.path)},
    {META_TITLE, offsetof(struct recording_info, run.title)},
    {META_GUEST, offsetof(struct recording_info, run.guest)},
    {META_GUEST_NOTE, offsetof(struct recording_info, run.guest_note)},
    {META_ACCELERATOR, offsetof(struct recording_info, run.accelerator)},
    {META_KIND, offsetof(struct recording_info, run.kind)},
    {META_MESSAGE, offsetof(struct recording_info, run.message)},
    {META_WHERE, offsetof(struct recording_info, run.where)},
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

// More of them is a damaged file, or a hostile one.
#define LIST_MAX 65536

struct meta_sink {
    void (*put)(void *owner, const struct bytes_out *body);
    void *owner;
    uint8_t memory[RECORD_MAX];
    struct bytes_out out;
};

static struct bytes_out *begin(struct meta_sink *s, enum meta_id id)
{
    s->out = bytes_out(s->memory, sizeof(s->memory));
    put_varint(&s->out, id);
    return &s->out;
}

static void done(struct meta_sink *s)
{
    s->put(s->owner, &s->out);
}

static void put_string(struct bytes_out *o, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    put_text(o, text, len < META_TEXT_MAX ? len : META_TEXT_MAX);
}

static void encode_number(struct meta_sink *s, enum meta_id id, uint64_t value)
{
    put_u64(begin(s, id), value);
    done(s);
}

static void encode_header(struct meta_sink *s,
                          const struct recording_info *info)
{
    uint64_t scale;
    memcpy(&scale, &info->timeout_scale, sizeof(scale));
    encode_number(s, META_HASH, info->scenario_hash);
    encode_number(s, META_SCALE, scale);
    encode_number(s, META_JUDGE, info->judge_marks);
    encode_number(s, META_NONCE, info->nonce);
    encode_number(s, META_STARTED_UNIX, info->run.started_unix_ns);
    encode_number(s, META_ABILITIES, info->abilities);
    if (info->vcpus > 1)
        encode_number(s, META_VCPUS, info->vcpus);
    for (size_t i = 0; i < info->run.nproperties; i++) {
        put_string(begin(s, META_PROPERTY), info->run.properties[i].name);
        put_string(&s->out, info->run.properties[i].value);
        done(s);
    }
}

// As put_shares has those of a machine.
static void put_mark_shares(struct bytes_out *o, const struct result_mark *m)
{
    struct toyvmm_share shares[TOYVMM_CPUS];
    size_t n = m->nvcpus <= TOYVMM_CPUS ? m->nvcpus : 0;
    for (size_t i = 0; i < n; i++)
        shares[i] =
            (struct toyvmm_share){m->vcpus[i].cpu_ns, m->vcpus[i].exits};
    put_shares(o, shares, n);
}

static void encode_trailer(struct meta_sink *s,
                           const struct recording_info *info)
{
    encode_number(s, META_VERDICT, info->run.verdict);
    encode_number(s, META_DURATION, info->run.duration_ns);
    for (size_t i = 0; i < info->run.nmarks; i++) {
        const struct result_mark *m = &info->run.marks[i];
        put_string(begin(s, META_MARK), m->name);
        put_varint(&s->out, m->wall_ns);
        put_varint(&s->out, m->cpu_ns);
        put_varint(&s->out, m->exits);
        for (unsigned k = 0; k < VMEXITS; k++)
            put_varint(&s->out, m->exits_by[k]);
        put_mark_shares(&s->out, m);
        done(s);
    }
}

void meta_encode(const struct recording_info *info, bool trailer,
                 void (*put)(void *owner, const struct bytes_out *body),
                 void *owner)
{
    struct meta_sink s;
    s.put = put;
    s.owner = owner;
    for (size_t i = 0; i < TEXTS; i++) {
        char *text;
        memcpy(&text, (const uint8_t *)info + texts[i].at, sizeof(text));
        if (!text || (texts[i].id >= META_TRAILER) != trailer)
            continue;
        put_string(begin(&s, texts[i].id), text);
        done(&s);
    }
    if (trailer)
        encode_trailer(&s, info);
    else
        encode_header(&s, info);
}

// A text as a heap string; NUL bytes in it end it.
static char *get_string(struct bytes_in *in)
{
    size_t len;
    const uint8_t *text = get_text(in, &len);
    return strndup(text ? (const char *)text : "", len);
}

static int decode_text(struct recording_info *info, size_t at,
                       struct bytes_in *in)
{
    char *text = get_string(in);
    char *before;
    memcpy(&before, (uint8_t *)info + at, sizeof(before));
    free(before);
    memcpy((uint8_t *)info + at, &text, sizeof(text));
    return text ? 0 : -ENOMEM;
}

static int decode_property(struct result *run, struct bytes_in *in)
{
    char *name = get_string(in);
    char *value = get_string(in);
    int code = run->nproperties >= LIST_MAX ? -EINVAL
               : name && value ? result_add_property(run, name, value)
                               : -ENOMEM;
    free(name);
    free(value);
    return code;
}

static int decode_mark(struct result *run, struct bytes_in *in)
{
    char *name = get_string(in);
    struct result_mark m = {0};
    m.wall_ns = get_varint(in);
    m.cpu_ns = get_varint(in);
    m.exits = get_varint(in);
    // An older version told their sum alone.
    for (unsigned i = 0; i < VMEXITS && bytes_left(in); i++)
        m.exits_by[i] = get_varint(in);
    struct toyvmm_share shares[TOYVMM_CPUS];
    struct result_share vcpus[TOYVMM_CPUS];
    m.nvcpus = get_shares(in, shares);
    m.vcpus = vcpus;
    for (size_t i = 0; i < m.nvcpus; i++)
        vcpus[i] = (struct result_share){shares[i].cpu_ns, shares[i].exits};
    int code = run->nmarks >= LIST_MAX ? -EINVAL
               : name                  ? result_put_mark(run, name, &m)
                                       : -ENOMEM;
    free(name);
    return code;
}

static int decode_number(struct recording_info *info, enum meta_id id,
                         uint64_t value)
{
    const struct {
        enum meta_id id;
        uint64_t *field;
    } numbers[] = {
        {META_HASH, &info->scenario_hash},
        {META_NONCE, &info->nonce},
        {META_STARTED_UNIX, &info->run.started_unix_ns},
        {META_DURATION, &info->run.duration_ns},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].id == id)
            *numbers[i].field = value;
    }
    if (id == META_JUDGE)
        info->judge_marks = value;
    if (id == META_ABILITIES)
        info->abilities = (unsigned)value;
    if (id == META_VCPUS) {
        if (value < 1 || value > TOYVMM_CPUS)
            return -EINVAL;
        info->vcpus = (unsigned)value;
    }
    if (id == META_VERDICT) {
        if (value > VERDICT_SKIPPED)
            return -EINVAL;
        info->run.verdict = (enum verdict)value;
        info->has_verdict = true;
    }
    if (id == META_SCALE) {
        memcpy(&info->timeout_scale, &value, sizeof(value));
        // Also false for what is no number.
        if (!(info->timeout_scale >= 1e-3 && info->timeout_scale <= 1e6))
            return -EINVAL;
    }
    return 0;
}

int meta_decode(struct recording_info *info, struct bytes_in *in)
{
    uint64_t id = get_varint(in);
    int code = 0;
    size_t i = 0;
    while (i < TEXTS && texts[i].id != id)
        i++;
    if (i < TEXTS)
        code = decode_text(info, texts[i].at, in);
    else if (id == META_PROPERTY)
        code = decode_property(&info->run, in);
    else if (id == META_MARK)
        code = decode_mark(&info->run, in);
    else if (id <= META_DURATION)
        code = decode_number(info, (enum meta_id)id, get_u64(in));
    return in->bad ? -EINVAL : code;
}

void recording_info_free(struct recording_info *info)
{
    free(info->version);
    result_free(&info->run);
    *info = (struct recording_info){0};
}

uint64_t recording_hash(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint8_t buf[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    while ((n = read(fd, buf, sizeof(buf))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            hash = (hash ^ buf[i]) * UINT64_C(0x100000001b3);
    }
    close(fd);
    return n < 0 ? 0 : hash;
}
