// SPDX-License-Identifier: Apache-2.0
// Runs as files. See bundle.h.
//
//   magic "TVMRUN4\n" | the run's fields | its entries | magic again
#include "harness/report/bundle.h"

#include "harness/report/codec.h"
#include "harness/report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "TVMRUN4\n";
#define MAGIC_SAME 6 // what other versions share

static void visit_entry(struct codec *c, struct bundle_entry *e)
{
    char **const texts[] = {&e->id, &e->name, &e->side, &e->kernel_sha256,
                            &e->initrd_sha256};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        codec_string(c, texts[i]);
    codec_number(c, &e->number);
    codec_flag(c, &e->warmup);
    result_visit(c, &e->result);
    // Whoever reads them may rely on these.
    if (!e->id || !e->name || !e->result.suite)
        c->failed = true;
}

static void visit(struct codec *c, struct bundle *b)
{
    codec_seal(c, magic);
    char **const texts[] = {&b->id,         &b->version,   &b->accelerator,
                            &b->host_cpu,   &b->microcode, &b->commit,
                            &b->branch,     &b->job,       &b->split,
                            &b->fingerprint};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        codec_string(c, texts[i]);
    codec_number(c, &b->started_unix_ns);
    codec_number(c, &b->duration_ns);
    codec_flag(c, &b->interrupted);
    codec_number(c, &b->shard);
    codec_number(c, &b->shards);
    codec_list(c, (void **)&b->entries, &b->count, sizeof(*b->entries));
    for (size_t i = 0; i < b->count && !c->failed; i++)
        visit_entry(c, &b->entries[i]);
    codec_seal(c, magic);
    if (!b->id || b->shard > b->shards)
        c->failed = true;
}

void bundle_free(struct bundle *b)
{
    char *const texts[] = {
        b->id,     b->version, b->accelerator, b->host_cpu, b->microcode,
        b->commit, b->branch,  b->job,         b->split,    b->fingerprint};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    for (size_t i = 0; i < b->count; i++) {
        struct bundle_entry *e = &b->entries[i];
        free(e->id);
        free(e->name);
        free(e->side);
        free(e->kernel_sha256);
        free(e->initrd_sha256);
        if (!b->borrows)
            result_free(&e->result);
    }
    free(b->entries);
    *b = (struct bundle){0};
}

int bundle_add(struct bundle *b, const char *id, const char *name,
               const char *side, uint64_t number, bool warmup,
               const struct result *r)
{
    struct bundle_entry *list =
        reallocarray(b->entries, b->count + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    b->entries = list;
    list[b->count] = (struct bundle_entry){
        .id = strdup(id),
        .name = strdup(name),
        .side = side ? strdup(side) : NULL,
        .number = number,
        .warmup = warmup,
        .result = *r,
    };
    const struct bundle_entry *e = &list[b->count++];
    return e->id && e->name && (e->side || !side) ? 0 : -ENOMEM;
}

static int write_bundle(FILE *f, const void *owner)
{
    // The visitor takes a writable record, and writes to it only to load.
    struct bundle copy = *(const struct bundle *)owner;
    struct codec c = {.f = f, .saving = true};
    visit(&c, &copy);
    return c.failed ? -EIO : 0;
}

int bundle_save(const struct bundle *b, const char *path, struct error *err)
{
    return output_write(path, write_bundle, b, err);
}

// Why a file could not be read.
static int refuse(const char *path, struct error *err)
{
    char found[sizeof(magic)] = "";
    FILE *f = fopen(path, "rbe");
    size_t n = f ? fread(found, 1, sizeof(found), f) : 0;
    if (f)
        fclose(f);
    if (n < sizeof(found) || memcmp(found, magic, MAGIC_SAME) != 0)
        return error_set(err, -EINVAL,
                         "%s is no file of --results; --json and --junit "
                         "can't be merged",
                         path);
    if (memcmp(found, magic, sizeof(magic)) != 0)
        return error_set(err, -EPROTO,
                         "%s is of another version of toyvmm-test: merge with "
                         "the one that made it",
                         path);
    return error_set(err, -EINVAL, "%s is damaged, or was cut off", path);
}

int bundle_load(struct bundle *b, const char *path, struct error *err)
{
    struct codec c;
    *b = (struct bundle){0};
    int code = codec_open(&c, path, err);
    if (code)
        return code;
    visit(&c, b);
    fclose(c.f);
    if (!c.failed)
        return 0;
    bundle_free(b);
    return refuse(path, err);
}
