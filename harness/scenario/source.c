// SPDX-License-Identifier: Apache-2.0
// Reading files, and their texts (source.h). For harness/scenario only.
#include "harness/scenario/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct source *source_of_pos(const struct source *newest,
                                   const struct source_pos *pos)
{
    while (newest && newest->path != pos->file)
        newest = newest->older;
    return newest;
}

const char *source_text(struct arena *arena, const char *bytes, size_t *len)
{
    size_t n = 0, at = 0;
    if (*len >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
        at = 3;
    char *out = arena_alloc(arena, *len + 1);
    for (; at < *len; at++)
        if (bytes[at] != '\r' || at + 1 == *len || bytes[at + 1] != '\n')
            out[n++] = bytes[at];
    *len = n;
    return out;
}

const char *source_beside(struct arena *arena, const char *from,
                          const char *path)
{
    const char *slash = strrchr(from, '/');
    if (*path == '/' || !slash)
        return arena_string(arena, path);
    return arena_printf(arena, "%.*s%s", (int)(slash + 1 - from), from, path);
}

// ---- The disk ---------------------------------------------------------------

// Reads fd to its end, or most + 1 bytes. A heap block, or NULL with errno set.
static char *read_all(int fd, size_t most, size_t *len)
{
    size_t room = (size_t)64 * 1024;
    char *text = malloc(room);
    *len = 0;
    while (text && *len <= most) {
        if (*len == room) {
            char *more = realloc(text, room * 2);
            if (!more)
                break;
            text = more;
            room *= 2;
        }
        size_t want = room - *len;
        if (want > most + 1 - *len)
            want = most + 1 - *len;
        ssize_t n = read(fd, text + *len, want);
        if (n == 0)
            return text;
        if (n > 0)
            *len += (size_t)n;
        else if (errno != EINTR)
            break;
    }
    if (text && *len > most)
        return text;
    int saved = errno;
    free(text);
    errno = saved;
    return NULL;
}

static int read_open(int fd, bool used, size_t most, struct file_text *out,
                     struct error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return error_set(err, -errno, "%s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(err, -EISDIR, "this is a directory");
    if (used && !S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "this is not a regular file");
    out->identity[0] = st.st_dev;
    out->identity[1] = st.st_ino;
    out->bytes = read_all(fd, most, &out->len);
    if (!out->bytes)
        return error_set(err, -errno, "%s", strerror(errno));
    return 0;
}

int disk_read(void *owner, const char *path, bool used, size_t most,
              struct file_text *out, struct error *err)
{
    (void)owner;
    int fd = open(path, O_RDONLY | O_CLOEXEC | (used ? O_NONBLOCK : 0));
    if (fd < 0)
        return error_set(err, -errno, "%s", strerror(errno));
    int code = read_open(fd, used, most, out, err);
    close(fd);
    return code;
}

// ---- Memory -----------------------------------------------------------------

int memory_read(void *owner, const char *path, bool used, size_t most,
                struct file_text *out, struct error *err)
{
    const struct text_in_memory *text = owner;
    (void)path;
    if (used)
        return error_set(err, -ENOENT, "this scenario is no file");
    out->len = text->len > most ? most + 1 : text->len;
    out->bytes = malloc(out->len + 1);
    if (!out->bytes)
        return error_set(err, -ENOMEM, "out of memory");
    if (out->len)
        memcpy(out->bytes, text->bytes, out->len);
    return 0;
}
