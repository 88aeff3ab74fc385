// SPDX-License-Identifier: Apache-2.0
// A file into blocks into records. See reader.h.
#include "harness/recording/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct recording_reader {
    FILE *file;
    struct recording_info info;
    struct bytes_in left; // of the block
    uint64_t offset;      // of the block after it, in the file
    uint64_t last_ns;     // of the last item
    uint32_t crc;
    bool started; // the header is over
    bool ended;   // no record follows
    char cut[96]; // why not, when it isn't the right end
    struct record_memory memory;
    uint8_t block[BLOCK_MAX];
};

static void cut(struct recording_reader *r, const char *how)
{
    r->ended = true;
    snprintf(r->cut, sizeof(r->cut), "it is %s after %" PRIu64 " bytes", how,
             r->offset);
}

// Reads the next block; false at the end of what can be used.
static bool next_block(struct recording_reader *r)
{
    uint8_t head[BLOCK_HEAD];
    size_t n = fread(head, 1, sizeof(head), r->file);
    if (n < sizeof(head)) {
        cut(r, ferror(r->file) ? "unreadable" : "cut off");
        return false;
    }
    struct bytes_in in = {head, head + sizeof(head), false};
    uint32_t len = get_u32(&in);
    uint32_t crc = get_u32(&in);
    if (len < 1 || len > BLOCK_MAX) {
        cut(r, "damaged");
        return false;
    }
    if (fread(r->block, 1, len, r->file) < len) {
        cut(r, ferror(r->file) ? "unreadable" : "cut off");
        return false;
    }
    r->crc = crc32_of(r->crc, r->block, len);
    if (r->crc != crc) {
        cut(r, "damaged");
        return false;
    }
    r->offset += BLOCK_HEAD + len;
    r->left = (struct bytes_in){r->block, r->block + len, false};
    return true;
}

// Takes what is not for the caller. 1: it is for them. 0: go on.
static int sort(struct recording_reader *r, unsigned kind, struct bytes_in *in,
                struct record *out)
{
    if (kind == RECORD_END) {
        r->ended = true;
        return 0;
    }
    if (kind == RECORD_META) {
        in->bad |= meta_decode(&r->info, in) != 0;
        return 0;
    }
    // What a later version may know.
    if (kind < RECORD_META || kind > RECORD_END)
        return 0;
    in->bad |= r->started == (kind == RECORD_START);
    if (in->bad)
        return 0;
    record_decode(in, (enum record_kind)kind, r->last_ns, out, &r->memory);
    if (in->bad)
        return 0;
    if (kind == RECORD_START) {
        r->started = true;
        r->info.started_ns = out->ns;
    }
    if (kind == RECORD_START || record_is_item(out->kind))
        r->last_ns = out->ns;
    return kind != RECORD_START;
}

// One record; 1 when it is for the caller.
static int one(struct recording_reader *r, struct record *out)
{
    unsigned kind = get_u8(&r->left);
    size_t len;
    const uint8_t *body = get_text(&r->left, &len);
    struct bytes_in in = {body, body ? body + len : body, r->left.bad};
    int found = in.bad ? 0 : sort(r, kind, &in, out);
    if (in.bad) {
        cut(r, "damaged");
        return 0;
    }
    return found;
}

int recording_next(struct recording_reader *r, struct record *out)
{
    while (!r->ended && (bytes_left(&r->left) || next_block(r))) {
        if (one(r, out))
            return 1;
    }
    return 0;
}

const struct recording_info *recording_info(const struct recording_reader *r)
{
    return &r->info;
}

const char *recording_cut(const struct recording_reader *r)
{
    return *r->cut ? r->cut : NULL;
}

// All up to START.
static int read_header(struct recording_reader *r, const char *name,
                       struct error *err)
{
    char magic[RECORDING_MAGIC_LEN];
    struct record unused;
    if (fread(magic, 1, sizeof(magic), r->file) < sizeof(magic) ||
        memcmp(magic, RECORDING_MAGIC, sizeof(magic)) != 0) {
        if (ferror(r->file))
            return error_errno(err, errno ? errno : EIO, "%s can't be read",
                               name);
        return error_set(err, -EINVAL, "%s is no recording (of version 1)",
                         name);
    }
    r->offset = sizeof(magic);
    while (!r->started && !r->ended && (bytes_left(&r->left) || next_block(r)))
        one(r, &unused);
    if (!r->started)
        return error_set(err, -EINVAL, "%s: the recording has no header: %s",
                         name, *r->cut ? r->cut : "it ends at once");
    return 0;
}

struct recording_reader *recording_reader_from(FILE *f, const char *name,
                                               int *code, struct error *err)
{
    int failed = 0;
    struct recording_reader *r = calloc(1, sizeof(*r));
    if (r) {
        r->file = f;
        r->info.timeout_scale = 1;
        failed = read_header(r, name, err);
    } else {
        fclose(f);
        failed = error_set(err, -ENOMEM, "out of memory");
    }
    if (code)
        *code = failed;
    if (failed) {
        recording_close(r);
        return NULL;
    }
    return r;
}

struct recording_reader *recording_open(const char *path, int *code,
                                        struct error *err)
{
    FILE *f = fopen(path, "re");
    if (f)
        return recording_reader_from(f, path, code, err);
    int failed = error_errno(err, errno, "%s can't be read", path);
    if (code)
        *code = failed;
    return NULL;
}

void recording_close(struct recording_reader *r)
{
    if (!r)
        return;
    fclose(r->file);
    recording_info_free(&r->info);
    free(r);
}
