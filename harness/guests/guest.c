// SPDX-License-Identifier: Apache-2.0
// What a scenario boots. See guest.h.
#include "harness/guests/guest_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_MEMORY  (UINT64_C(256) << 20)
#define DEFAULT_CMDLINE "console=ttyS0 panic=-1"

void guest_free_text(const char *text)
{
    char *owned;
    memcpy(&owned, &text, sizeof(owned));
    free(owned);
}

void guest_free(struct guest *guest)
{
    free(guest->name);
    free(guest->note);
    free(guest->kernel);
    free(guest->initrd);
    free(guest->cmdline);
    free(guest->symbols);
    for (size_t i = 0; i < guest->ndisks; i++) {
        guest_free_text(guest->disks[i].path);
        guest_free_text(guest->disks[i].serial);
    }
    free(guest->disks);
    guest_free_net(&guest->net);
    guest_free_vsock(&guest->vsock);
    for (size_t i = 0; i < guest->nnamed; i++)
        free(guest->named[i]);
    guest_free_shares(guest);
    *guest = (struct guest){0};
}

static int replace(char **field, char *text, struct error *err)
{
    if (!text)
        return error_set(err, -ENOMEM, "out of memory");
    free(*field);
    *field = text;
    return 0;
}

static int replace_copy(char **field, const char *text, struct error *err)
{
    return text ? replace(field, strdup(text), err) : 0;
}

static int append_words(char **cmdline, const char *more, struct error *err)
{
    char *both = NULL;
    const char *old = *cmdline ? *cmdline : "";
    if (asprintf(&both, "%s%s%s", old, *old ? " " : "", more) < 0)
        both = NULL;
    return replace(cmdline, both, err);
}

// A path stands beside the file that names it: the scenario, or what it uses.
static char *beside(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    char *out = NULL;
    if (*path == '/' || !slash)
        return strdup(path);
    int n = asprintf(&out, "%.*s%s", (int)(slash - file + 1), file, path);
    return n < 0 ? NULL : out;
}

int guest_take_path(char **field, const struct scenario *s,
                    const struct variables *v, const struct text *t,
                    struct error *err)
{
    if (!t->npieces)
        return 0;
    size_t len;
    char *path = variables_expand(v, t, false, &len, err);
    if (!path)
        return -EINVAL;
    int code =
        replace(field, beside(t->pos.file ? t->pos.file : s->path, path), err);
    free(path);
    return code;
}

static int take_cmdline(struct guest *guest, const struct scenario *s,
                        const struct variables *v, struct error *err)
{
    if (!s->cmdline.npieces)
        return 0;
    size_t len;
    char *text = variables_expand(v, &s->cmdline, false, &len, err);
    if (!text)
        return -EINVAL;
    if (!s->cmdline_appends)
        return replace(&guest->cmdline, text, err);
    int code = append_words(&guest->cmdline, text, err);
    free(text);
    return code;
}

static int take_disk(struct guest *guest, const struct scenario *s,
                     const struct variables *v, const struct disk *d,
                     struct error *err)
{
    struct toyvmm_disk *disk = &guest->disks[guest->ndisks++];
    char *path = NULL, *serial = NULL;
    size_t len;
    int code = guest_take_path(&path, s, v, &d->path, err);
    if (!code && d->serial.npieces) {
        serial = variables_expand(v, &d->serial, false, &len, err);
        code = serial ? 0 : -EINVAL;
    }
    *disk = (struct toyvmm_disk){
        .path = path,
        .serial = serial,
        .mode = d->readonly   ? TOYVMM_DISK_READONLY
                : d->writable ? TOYVMM_DISK_WRITABLE
                              : TOYVMM_DISK_DROPS,
    };
    return code;
}

// Behind those of the guest's definition.
static int take_disks(struct guest *guest, const struct scenario *s,
                      const struct variables *v, struct error *err)
{
    int code = 0;
    if (!s->ndisks)
        return 0;
    struct toyvmm_disk *disks =
        reallocarray(guest->disks, guest->ndisks + s->ndisks, sizeof(*disks));
    if (!disks)
        return error_set(err, -ENOMEM, "out of memory");
    guest->disks = disks;
    for (size_t i = 0; !code && i < s->ndisks; i++)
        code = take_disk(guest, s, v, &s->disks[i], err);
    return code;
}

static int take_named(struct guest *guest, const struct scenario *s,
                      struct error *err)
{
    for (size_t i = 0; i < s->nnamed && i < PORT_NAMES; i++) {
        char *name = strdup(s->named[i].name);
        if (!name)
            return error_set(err, -ENOMEM, "out of memory");
        guest->named[guest->nnamed++] = name;
    }
    return 0;
}

// Whether the kernel's console is hvc0, by a word of its command line.
static bool prints_on_hvc(const char *cmdline)
{
    static const char word[] = "console=hvc";
    for (const char *at = cmdline; (at = strstr(at, word)); at++)
        if (at == cmdline || at[-1] == ' ')
            return true;
    return false;
}

static int take_scenario(struct guest *guest, const struct scenario *s,
                         struct error *err)
{
    struct variables v = {0};
    int code = variables_take_settings(&v, s, err);
    if (!code && s->guest)
        code = guest_conf_find(guest, s->guest, err);
    if (!code)
        code = guest_take_path(&guest->kernel, s, &v, &s->kernel, err);
    if (!code)
        code = guest_take_path(&guest->initrd, s, &v, &s->initrd, err);
    if (!code)
        code = guest_take_path(&guest->symbols, s, &v, &s->symbols, err);
    if (!code)
        code = take_cmdline(guest, s, &v, err);
    if (!code)
        code = take_disks(guest, s, &v, err);
    if (!code)
        code = guest_take_net(&guest->net, s, &v, err);
    if (!code)
        code = guest_take_vsock(&guest->vsock, s, &v, err);
    if (!code)
        code = take_named(guest, s, err);
    if (!code)
        code = guest_take_shares(guest, s, &v, err);
    guest->console = s->hvc;
    guest->mmio = s->mmio;
    if (s->memory)
        guest->memory = s->memory;
    guest->backing = s->memory_huge     ? TOYVMM_MEMORY_HUGE
                     : s->memory_shared ? TOYVMM_MEMORY_SHARED
                                        : TOYVMM_MEMORY_PRIVATE;
    guest->cpus = s->cpus;
    guest->ports = s->serial_ports;
    variables_free(&v);
    return code;
}

static int take_overrides(struct guest *guest, const struct guest_overrides *o,
                          struct error *err)
{
    int code = replace_copy(&guest->kernel, o->kernel, err);
    if (!code)
        code = replace_copy(&guest->initrd, o->initrd, err);
    if (!code && o->cmdline && *o->cmdline == '+')
        code = append_words(&guest->cmdline,
                            o->cmdline + 1 + strspn(o->cmdline + 1, " "), err);
    else if (!code)
        code = replace_copy(&guest->cmdline, o->cmdline, err);
    if (o->memory) {
        guest->memory = o->memory;
        guest->backing = o->backing;
    }
    if (o->cpus)
        guest->cpus = o->cpus;
    return code;
}

int guest_make(struct guest *guest, const struct scenario *s,
               const struct guest_overrides *overrides, struct error *err)
{
    *guest = (struct guest){0};
    int code = s ? take_scenario(guest, s, err) : 0;
    if (!code)
        code = take_overrides(guest, overrides, err);
    if (!code && !guest->kernel)
        code = error_set(err, -EINVAL,
                         "no machine: the scenario needs `guest NAME` or "
                         "`kernel PATH`, or the command line --kernel");
    if (!code && !guest->name)
        code = replace_copy(&guest->name, "custom", err);
    if (!code && !guest->cmdline)
        code = replace_copy(&guest->cmdline, DEFAULT_CMDLINE, err);
    if (!code && guest->cmdline && prints_on_hvc(guest->cmdline))
        guest->console = true;
    if (!guest->memory)
        guest->memory = DEFAULT_MEMORY;
    if (!guest->cpus)
        guest->cpus = 1;
    if (code)
        guest_free(guest);
    return code;
}

const char *guest_backing_word(enum toyvmm_backing backing)
{
    switch (backing) {
    case TOYVMM_MEMORY_PRIVATE:
        break;
    case TOYVMM_MEMORY_SHARED:
        return "shared";
    case TOYVMM_MEMORY_HUGE:
        return "huge";
    }
    return NULL;
}

struct toyvmm_config guest_config(const struct guest *guest)
{
    return (struct toyvmm_config){.kernel = guest->kernel,
                                  .initrd = guest->initrd,
                                  .cmdline = guest->cmdline,
                                  .memory = guest->memory,
                                  .backing = guest->backing,
                                  .cpus = guest->cpus,
                                  .ports = guest->ports,
                                  .ndisks = guest->ndisks,
                                  .disks = guest->disks,
                                  .net = guest->net,
                                  .vsock = guest->vsock,
                                  .console = guest->console,
                                  .mmio = guest->mmio,
                                  .nnamed = guest->nnamed,
                                  .named = (const char *const *)guest->named,
                                  .nfolders = guest->nfolders,
                                  .folders = guest->folders};
}

int guest_check(const struct guest *guest, struct error *err)
{
    struct toyvmm_config config = guest_config(guest);
    // What is in it is read when a failure is to be explained.
    if (guest->symbols && access(guest->symbols, R_OK) < 0)
        return error_errno(err, errno, "can't read the symbols of %s",
                           guest->symbols);
    return toyvmm_check(&config, err);
}

// ---- What isn't there -------------------------------------------------------

struct looker {
    const struct scenario *s;
    const struct variables *variables;
    void (*missing)(void *owner, const struct source_pos *pos,
                    const char *text);
    void *owner;
};

static int look(const struct looker *l, const char *what, const struct text *t,
                bool writable, struct error *err)
{
    char *path = NULL;
    int code = guest_take_path(&path, l->s, l->variables, t, err);
    if (code || !path)
        return code;
    if (access(path, writable ? R_OK | W_OK : R_OK) < 0) {
        struct error why;
        error_errno(&why, errno, "can't %s the %s %s",
                    writable ? "write" : "read", what, path);
        l->missing(l->owner, &t->pos, why.text);
    }
    free(path);
    return 0;
}

// An image that is there may still be none that can be used.
static int look_at_disk(const struct looker *l, const struct disk *d,
                        struct error *err)
{
    char *path = NULL;
    struct error why;
    int code = look(l, "disk image", &d->path, d->writable, err);
    if (!code)
        code = guest_take_path(&path, l->s, l->variables, &d->path, err);
    const struct toyvmm_disk disk = {
        .path = path,
        .mode = d->writable ? TOYVMM_DISK_WRITABLE : TOYVMM_DISK_READONLY,
    };
    // Who uses it now may be done with it when the test runs.
    if (!code && path && !access(path, d->writable ? R_OK | W_OK : R_OK)) {
        int wrong = toyvmm_check_disk(&disk, &why);
        if (wrong && wrong != -EBUSY)
            l->missing(l->owner, &d->path.pos, why.text);
    }
    free(path);
    return code;
}

int guest_missing(const struct scenario *s,
                  const struct guest_overrides *overrides,
                  void (*missing)(void *owner, const struct source_pos *pos,
                                  const char *text),
                  void *owner, struct error *err)
{
    struct variables v = {0};
    const struct looker l = {s, &v, missing, owner};
    int code = variables_take_settings(&v, s, err);
    if (!code && !overrides->kernel)
        code = look(&l, "kernel", &s->kernel, false, err);
    if (!code && !overrides->initrd)
        code = look(&l, "initrd", &s->initrd, false, err);
    if (!code)
        code = look(&l, "symbols", &s->symbols, false, err);
    for (size_t i = 0; !code && i < s->ndisks; i++)
        code = look_at_disk(&l, &s->disks[i], err);
    struct guest folders = {0};
    if (!code)
        code = guest_take_shares(&folders, s, &v, err);
    struct error why = {""};
    for (size_t i = 0; !code && i < folders.nfolders; i++)
        if (toyvmm_check_folder(&folders.folders[i], &why))
            missing(owner, &s->shares[i].pos, why.text);
    guest_free_shares(&folders);
    if (!code && s->net.kind != NET_NONE && guest_check_net(s, &why))
        missing(owner, &s->net.pos, why.text);
    if (!code && s->vsock.path.npieces && guest_check_vsock(s, &v, &why))
        missing(owner, &s->vsock.pos, why.text);
    variables_free(&v);
    return code;
}
