// SPDX-License-Identifier: Apache-2.0
// Records as bytes. See record.h and FORMAT.md.
#include "harness/recording/record.h"

#include <string.h>

// The largest time that a file may hold: sums of two never wrap.
#define NS_MAX (UINT64_MAX >> 1)

static const struct {
    enum toyvmm_event_kind kind;
    uint8_t code;
} event_codes[] = {
    {TOYVMM_EVENT_STARTED, 1},        {TOYVMM_EVENT_USERSPACE, 2},
    {TOYVMM_EVENT_RESET, 3},          {TOYVMM_EVENT_POWEROFF, 4},
    {TOYVMM_EVENT_HALT, 5},           {TOYVMM_EVENT_TRIPLE_FAULT, 6},
    {TOYVMM_EVENT_INTERNAL_ERROR, 7}, {TOYVMM_EVENT_STOPPED, 8},
};
#define EVENT_CODES (sizeof(event_codes) / sizeof(event_codes[0]))

bool event_code(enum toyvmm_event_kind kind, uint8_t *code)
{
    for (size_t i = 0; i < EVENT_CODES; i++) {
        if (event_codes[i].kind == kind) {
            *code = event_codes[i].code;
            return true;
        }
    }
    return false;
}

bool event_kind(uint8_t code, enum toyvmm_event_kind *kind)
{
    for (size_t i = 0; i < EVENT_CODES; i++) {
        if (event_codes[i].code == code) {
            *kind = event_codes[i].kind;
            return true;
        }
    }
    return false;
}

// ---- Items -----------------------------------------------------------------

static void get_time(struct bytes_in *in, uint64_t least, uint64_t *ns)
{
    if (*ns < least || *ns > NS_MAX)
        in->bad = true;
}

// Of a stamp the lowest bit says whether it stands at the byte after the one
// before it, as nearly all do.
static void put_bytes(struct bytes_out *o, const struct record *r,
                      uint64_t last_ns)
{
    put_u8(o, (uint8_t)r->port);
    put_varint(o, r->len);
    put_varint(o, r->nstamps);
    for (size_t i = 0; i < r->nstamps; i++) {
        const struct stamp *s = &r->stamps[i];
        uint64_t ns = s->ns > last_ns ? s->ns - last_ns : 0;
        uint32_t skip = i ? s->at - r->stamps[i - 1].at : 1;
        put_varint(o, ns << 1 | (skip != 1));
        if (skip != 1)
            put_varint(o, skip);
        last_ns += ns;
    }
    put_raw(o, r->bytes, r->len);
    put_varint(o, r->nmasks);
    uint32_t end = 0;
    for (size_t i = 0; i < r->nmasks; i++) {
        const struct mask *m = &r->masks[i];
        put_varint(o, m->at - end);
        put_varint(o, m->len);
        put_varint(o, m->index);
        put_varint(o, m->offset);
        end = m->at + m->len;
    }
}

static void get_stamps(struct bytes_in *in, uint64_t last_ns,
                       struct record *out, struct record_memory *memory)
{
    uint64_t n = get_varint(in);
    uint64_t at = 0;
    in->bad |= n < 1 || n > out->len;
    for (size_t i = 0; i < n && !in->bad; i++) {
        uint64_t v = get_varint(in);
        uint64_t skip = v & 1 ? get_varint(in) : 1;
        at += i ? skip : 0;
        last_ns += v >> 1;
        in->bad |= !skip || skip > out->len || at >= out->len;
        get_time(in, 0, &last_ns);
        memory->stamps[i] = (struct stamp){(uint32_t)at, last_ns};
    }
    out->stamps = memory->stamps;
    out->nstamps = in->bad ? 0 : (size_t)n;
    out->ns = last_ns;
}

static void get_masks(struct bytes_in *in, struct record *out,
                      struct record_memory *memory)
{
    uint64_t n = get_varint(in);
    uint64_t end = 0;
    in->bad |= n > MASKS_MAX;
    for (size_t i = 0; i < n && !in->bad; i++) {
        uint64_t at = get_varint(in), len = get_varint(in);
        uint64_t index = get_varint(in), offset = get_varint(in);
        in->bad |= at > out->len || len < 1 || len > out->len ||
                   end + at + len > out->len || index > UINT32_MAX ||
                   offset > UINT32_MAX - out->len;
        if (in->bad)
            return;
        at += end;
        memory->masks[i] = (struct mask){(uint32_t)at, (uint32_t)len,
                                         (uint32_t)index, (uint32_t)offset};
        end = at + len;
    }
    out->masks = memory->masks;
    out->nmasks = (size_t)n;
}

static void get_bytes(struct bytes_in *in, uint64_t last_ns, struct record *out,
                      struct record_memory *memory)
{
    out->port = get_u8(in);
    uint64_t len = get_varint(in);
    in->bad |= out->port >= TOYVMM_PORTS || len < 1 || len > CONSOLE_BATCH;
    if (in->bad)
        return;
    out->len = (size_t)len;
    get_stamps(in, last_ns, out, memory);
    out->bytes = get_raw(in, out->len);
    get_masks(in, out, memory);
}

// VM exits by reason: at the end of what an older version ends with the sum of
// them, so that each reads what the other wrote.
static void put_reasons(struct bytes_out *o, const struct toyvmm_usage *u)
{
    for (int i = 0; i < TOYVMM_EXITS; i++)
        put_varint(o, u->exits_by[i]);
}

static void get_reasons(struct bytes_in *in, struct toyvmm_usage *u)
{
    for (int i = 0; i < TOYVMM_EXITS && bytes_left(in); i++)
        u->exits_by[i] = get_varint(in);
}

static void put_event(struct bytes_out *o, const struct toyvmm_event *e,
                      uint64_t last_ns)
{
    uint8_t code = 0;
    event_code(e->kind, &code);
    put_u8(o, code);
    put_varint(o, e->ns > last_ns ? e->ns - last_ns : 0);
    put_varint(o, e->usage.cpu_ns);
    put_varint(o, e->usage.exits);
    put_text(o, e->detail, strnlen(e->detail, sizeof(e->detail) - 1));
    put_u8(o, e->has_regs);
    if (e->has_regs)
        put_regs(o, &e->regs);
    put_reasons(o, &e->usage);
    put_varint(o, e->ready_ns && e->ns > e->ready_ns ? e->ns - e->ready_ns : 0);
}

static void get_event(struct bytes_in *in, uint64_t last_ns, struct record *out,
                      struct toyvmm_event *e)
{
    size_t len;
    *e = (struct toyvmm_event){0};
    in->bad |= !event_kind(get_u8(in), &e->kind);
    uint64_t delta = get_varint(in);
    e->ns = last_ns + (delta < NS_MAX ? delta : NS_MAX);
    get_time(in, last_ns, &e->ns);
    e->usage.cpu_ns = get_varint(in);
    e->usage.exits = get_varint(in);
    const uint8_t *detail = get_text(in, &len);
    in->bad |= len >= sizeof(e->detail) || (len && memchr(detail, 0, len));
    if (!in->bad && len)
        memcpy(e->detail, detail, len);
    e->has_regs = get_u8(in);
    if (e->has_regs)
        get_regs(in, &e->regs);
    get_reasons(in, &e->usage);
    uint64_t ago = bytes_left(in) ? get_varint(in) : 0;
    e->ready_ns = ago && ago < e->ns ? e->ns - ago : 0;
    out->event = e;
    out->ns = e->ns;
}

// Which vCPU, at the end of what an older version ends before it: that knew of
// the first alone, which says nothing here.
static void put_vcpu(struct bytes_out *o, unsigned vcpu)
{
    if (vcpu)
        put_varint(o, vcpu);
}

static unsigned get_vcpu(struct bytes_in *in)
{
    uint64_t vcpu = !in->bad && bytes_left(in) ? get_varint(in) : 0;
    in->bad |= vcpu >= TOYVMM_CPUS;
    return in->bad ? 0 : (unsigned)vcpu;
}

// ---- The others ------------------------------------------------------------

static void put_outcome(struct bytes_out *o, const struct record *r)
{
    size_t len = r->text_len < ERROR_MAX ? r->text_len : ERROR_MAX;
    put_varint(o, (uint64_t)-r->code);
    if (r->code)
        put_text(o, r->text, len);
}

static void get_outcome(struct bytes_in *in, struct record *out)
{
    uint64_t code = get_varint(in);
    in->bad |= code > 4095; // the kernel's MAX_ERRNO
    out->code = in->bad ? 0 : -(int)code;
    if (out->code)
        out->text = (const char *)get_text(in, &out->text_len);
}

void record_encode(struct bytes_out *o, const struct record *r,
                   uint64_t last_ns)
{
    switch (r->kind) {
    case RECORD_META: // meta_encode
        break;
    case RECORD_START:
        put_u64(o, r->ns);
        break;
    case RECORD_BYTES:
        put_bytes(o, r, last_ns);
        break;
    case RECORD_EVENT:
        put_event(o, r->event, last_ns);
        break;
    case RECORD_TIMEOUT:
        put_delta(o, r->deadline_ns, last_ns);
        put_varint(o, r->ns > last_ns ? r->ns - last_ns : 0);
        break;
    case RECORD_FAULT:
        put_outcome(o, r);
        break;
    case RECORD_INPUT:
        put_u8(o, (uint8_t)r->port);
        put_u8(o, (uint8_t)r->flags);
        put_delta(o, r->ns, last_ns);
        put_outcome(o, r);
        put_text(o, r->bytes, r->len);
        break;
    case RECORD_NOW:
        put_delta(o, r->ns, last_ns);
        break;
    case RECORD_USAGE:
        put_varint(o, r->usage.cpu_ns);
        put_varint(o, r->usage.exits);
        put_reasons(o, &r->usage);
        put_shares(o, r->shares, r->nshares);
        break;
    case RECORD_REGS:
        put_outcome(o, r);
        if (!r->code)
            put_regs(o, &r->regs);
        put_vcpu(o, r->vcpu);
        break;
    case RECORD_OBSERVATION:
        put_outcome(o, r);
        if (!r->code)
            put_observation(o, r->seen);
        put_vcpu(o, r->vcpu);
        break;
    case RECORD_UNREAD:
        put_u8(o, (uint8_t)r->port);
        put_varint(o, r->unread);
        break;
    case RECORD_CALL:
        put_u8(o, (uint8_t)r->call);
        put_outcome(o, r);
        break;
    case RECORD_END:
        break;
    }
}

void record_decode(struct bytes_in *in, enum record_kind kind, uint64_t last_ns,
                   struct record *out, struct record_memory *memory)
{
    *out = (struct record){.kind = kind, .ns = last_ns};
    switch (kind) {
    case RECORD_META: // meta_decode
    case RECORD_END:
        break;
    case RECORD_START:
        out->ns = get_u64(in);
        get_time(in, 0, &out->ns);
        break;
    case RECORD_BYTES:
        get_bytes(in, last_ns, out, memory);
        break;
    case RECORD_EVENT:
        get_event(in, last_ns, out, &memory->event);
        break;
    case RECORD_TIMEOUT: {
        out->deadline_ns = get_delta(in, last_ns);
        uint64_t delta = get_varint(in);
        out->ns = last_ns + (delta < NS_MAX ? delta : NS_MAX);
        get_time(in, last_ns, &out->ns);
        break;
    }
    case RECORD_FAULT:
        get_outcome(in, out);
        in->bad |= !out->code;
        break;
    case RECORD_INPUT:
        out->port = get_u8(in);
        in->bad |= out->port >= TOYVMM_PORTS;
        out->flags = get_u8(in);
        out->ns = get_delta(in, last_ns);
        get_outcome(in, out);
        out->bytes = get_text(in, &out->len);
        in->bad |= out->flags & INPUT_BREAK && out->len;
        break;
    case RECORD_NOW:
        out->ns = get_delta(in, last_ns);
        get_time(in, 0, &out->ns);
        break;
    case RECORD_USAGE:
        out->usage.cpu_ns = get_varint(in);
        out->usage.exits = get_varint(in);
        get_reasons(in, &out->usage);
        out->nshares = get_shares(in, memory->shares);
        out->shares = memory->shares;
        break;
    case RECORD_REGS:
        get_outcome(in, out);
        if (!out->code)
            get_regs(in, &out->regs);
        out->vcpu = get_vcpu(in);
        break;
    case RECORD_OBSERVATION:
        get_outcome(in, out);
        if (!out->code)
            get_observation(in, &memory->seen);
        out->seen = &memory->seen;
        out->vcpu = get_vcpu(in);
        break;
    case RECORD_UNREAD:
        out->port = get_u8(in);
        out->unread = get_varint(in);
        break;
    case RECORD_CALL:
        out->call = get_u8(in);
        get_outcome(in, out);
        break;
    }
}
