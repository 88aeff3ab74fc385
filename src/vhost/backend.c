// SPDX-License-Identifier: Apache-2.0
// See backend.h.
#include "src/vhost/backend.h"

#include "src/daemon/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void take_byte(struct vhost_backend *b, char byte)
{
    if (byte == '\n') {
        b->line_ended = true;
        return;
    }
    if (b->line_ended)
        b->nlast = 0;
    b->line_ended = false;
    // A guest may have a say in it: what could move a cursor is not repeated.
    if (b->nlast + 1 < sizeof b->last)
        b->last[b->nlast++] = byte >= ' ' && byte < 0x7f ? byte : '?';
    b->last[b->nlast] = '\0';
}

void vhost_backend_listen(struct vhost_backend *b)
{
    char bytes[1024];
    ssize_t n = 0;
    // No more than a pipe holds: others want to be heard, too.
    for (size_t total = 0; b->log >= 0 && total < 65536; total += (size_t)n) {
        n = read(b->log, bytes, sizeof bytes);
        if (n < 0 && errno != EINTR)
            break;
        // It has closed it: nothing more will come.
        if (n == 0) {
            close(b->log);
            b->log = -1;
        }
        n = n < 0 ? 0 : n;
        for (ssize_t i = 0; i < n; i++)
            take_byte(b, bytes[i]);
    }
}

// QEMU's programs repeat the option that they complain of, which is ours.
static const char *news(const char *line)
{
    static const char end_of_option[] = "}: ";
    const char *end = strstr(line, end_of_option);
    return end ? end + strlen(end_of_option) : line;
}

void vhost_backend_explain(struct vhost_backend *b, const struct error *why,
                           char *text, size_t size)
{
    vhost_backend_listen(b);
    snprintf(text, size, "%s %s%s%s", b->name, why->text,
             b->nlast ? ", and last it said: " : "",
             b->nlast ? news(b->last) : "");
}

void vhost_backend_own(struct vhost_backend *b, pid_t pid)
{
    int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    b->pid = pid;
    b->handle = handle > 0 ? handle : 0;
}

void vhost_backend_kill(struct vhost_backend *b)
{
    process_kill_by(b->handle, &b->pid);
}

void vhost_backend_end(struct vhost_backend *b)
{
    vhost_backend_kill(b);
    vhost_front_close(&b->front);
    if (b->log >= 0)
        close(b->log);
    b->log = -1;
    if (b->handle > 0)
        close(b->handle);
    b->handle = 0;
}
