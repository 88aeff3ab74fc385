// SPDX-License-Identifier: Apache-2.0
// Records into blocks into a file. See writer.h.
#include "harness/recording/writer.h"

#include "harness/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct recording_writer {
    int fd;
    char *path;
    int failed; // a negative errno: nothing is written any more
    struct error error;
    uint64_t last_ns; // of the last item
    uint32_t crc;
    size_t len; // of the payload so far
    uint8_t block[BLOCK_HEAD + BLOCK_MAX];
    uint8_t body[RECORD_MAX];
};

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static void fail(struct recording_writer *w, int code)
{
    if (!w->failed)
        w->failed = error_errno(&w->error, -code, "the recording %s is cut off",
                                w->path);
}

static void put_out(struct recording_writer *w, const uint8_t *bytes,
                    size_t len)
{
    int code = w->failed ? 0 : write_all(w->fd, bytes, len);
    if (code)
        fail(w, code);
}

void recording_flush(struct recording_writer *w)
{
    if (!w->len)
        return;
    uint8_t *payload = w->block + BLOCK_HEAD;
    struct bytes_out head = bytes_out(w->block, BLOCK_HEAD);
    w->crc = crc32_of(w->crc, payload, w->len);
    put_u32(&head, (uint32_t)w->len);
    put_u32(&head, w->crc);
    put_out(w, w->block, BLOCK_HEAD + w->len);
    w->len = 0;
}

static void put_body(struct recording_writer *w, enum record_kind kind,
                     const struct bytes_out *body)
{
    if (body->full) {
        fail(w, -EMSGSIZE);
        return;
    }
    size_t len = bytes_len(body);
    if (w->len + RECORD_HEAD_MAX + len > BLOCK_MAX)
        recording_flush(w);
    struct bytes_out o =
        bytes_out(w->block + BLOCK_HEAD + w->len, BLOCK_MAX - w->len);
    put_u8(&o, (uint8_t)kind);
    put_text(&o, body->start, len);
    w->len += bytes_len(&o);
}

void recording_put(struct recording_writer *w, const struct record *r)
{
    if (w->failed)
        return;
    struct bytes_out body = bytes_out(w->body, sizeof(w->body));
    record_encode(&body, r, w->last_ns);
    put_body(w, r->kind, &body);
    bool later = record_is_item(r->kind) && r->ns > w->last_ns;
    if (later || r->kind == RECORD_START)
        w->last_ns = r->ns;
}

bool recording_pending(const struct recording_writer *w)
{
    return w->len > 0;
}

bool recording_writer_failed(const struct recording_writer *w)
{
    return w->failed;
}

static void put_meta(void *owner, const struct bytes_out *body)
{
    put_body(owner, RECORD_META, body);
}

// Whatever else stands there was not meant.
static int check_content(const char *path, struct error *err)
{
    char magic[RECORDING_MAGIC_LEN];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : error_errno(err, errno, "%s", path);
    bool regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
    ssize_t n = regular ? read(fd, magic, sizeof(magic)) : 0;
    close(fd);
    if (n == 0 ||
        (n == sizeof(magic) && !memcmp(magic, RECORDING_MAGIC, sizeof(magic))))
        return 0;
    return error_set(err, -EEXIST,
                     "%s is there and is no recording: it is not overwritten",
                     path);
}

int recording_check(const char *path, struct error *err)
{
    int code = output_check(path, err);
    return code ? code : check_content(path, err);
}

// Opens the file, empty. The descriptor, or a negative errno.
static int make_file(const char *path, struct error *err)
{
    int code = check_content(path, err);
    if (code)
        return code;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? error_errno(err, errno, "%s can't be written", path) : fd;
}

struct recording_writer *recording_writer_new(const char *path,
                                              const struct recording_info *info,
                                              int *code, struct error *err)
{
    struct recording_writer *w = calloc(1, sizeof(*w));
    char *copy = strdup(path);
    int fd = w && copy ? make_file(path, err)
                       : error_set(err, -ENOMEM, "out of memory");
    if (code)
        *code = fd < 0 ? fd : 0;
    if (fd < 0 || !w) {
        free(copy);
        free(w);
        return NULL;
    }
    w->fd = fd;
    w->path = copy;
    put_out(w, (const uint8_t *)RECORDING_MAGIC, RECORDING_MAGIC_LEN);
    meta_encode(info, false, put_meta, w);
    recording_put(
        w, &(struct record){.kind = RECORD_START, .ns = info->started_ns});
    recording_flush(w);
    return w;
}

int recording_writer_end(struct recording_writer *w,
                         const struct recording_info *trailer,
                         struct error *err)
{
    if (!w)
        return 0;
    if (trailer)
        meta_encode(trailer, true, put_meta, w);
    recording_put(w, &(struct record){.kind = RECORD_END});
    recording_flush(w);
    // Some file systems tell of a full disk only here.
    if (close(w->fd))
        fail(w, -errno);
    int code = w->failed;
    if (code && err)
        *err = w->error;
    free(w->path);
    free(w);
    return code;
}
