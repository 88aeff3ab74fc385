// SPDX-License-Identifier: Apache-2.0
// A folder for each scenario. See output_dir.h.
#include "harness/cli/output_dir.h"

#include "harness/recording/writer.h"
#include "harness/report/output.h"
#include "harness/report/terminal.h"
#include "src/base/ports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH 4200

// ---- Names ------------------------------------------------------------------

// "a/../b" is "a._.b"; "." is nothing.
static void put_suite(FILE *f, const char *suite)
{
    while (*suite) {
        size_t len = strcspn(suite, "/");
        bool here = len == 1 && *suite == '.';
        bool up = len == 2 && !memcmp(suite, "..", 2);
        if (len && !here)
            fprintf(f, "%.*s.", up ? 1 : (int)len, up ? "_" : suite);
        suite += len + (suite[len] == '/');
    }
}

static bool is_taken(const struct output_dir *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!strcmp(d->folders[i], name))
            return true;
    }
    return false;
}

// The folder's name; NULL when out of memory.
static char *name_of(const struct output_dir *d, const struct selected *one)
{
    for (unsigned n = 1;; n++) {
        char *name = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&name, &size);
        if (!f)
            return NULL;
        put_suite(f, one->suite);
        fputs(one->name, f);
        if (n > 1)
            fprintf(f, "~%u", n);
        if (fclose(f)) {
            free(name);
            return NULL;
        }
        if (!is_taken(d, name))
            return name;
        free(name);
    }
}

// ---- Before -----------------------------------------------------------------

static int make_folder(const char *path, struct error *err)
{
    struct stat st;
    if (!mkdir(path, 0777) ||
        (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)))
        return 0;
    return error_errno(err, errno, "--output-dir: %s can't be made", path);
}

static bool is_ours(const char *name)
{
    static const char *const begins[] = {"report.", "console.", "recording.",
                                         "attempt"};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        if (!strncmp(name, begins[i], strlen(begins[i])))
            return true;
    }
    return false;
}

// Takes away what a run before left in a folder.
static void clear(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder && fd >= 0)
        close(fd);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        if (is_ours(e->d_name))
            unlinkat(dirfd(folder), e->d_name, 0);
    }
    if (folder)
        closedir(folder);
}

// The folder of a case, or of a boot of a series of it.
static bool belongs_to_a_case(const struct output_dir *d, const char *name)
{
    char *start = strdup(name);
    char *number = start ? strrchr(start, '#') : NULL;
    bool ours = is_taken(d, name);
    if (!ours && number) {
        *number = '\0';
        ours = is_taken(d, start);
    }
    free(start);
    return ours;
}

static void clear_all(const struct output_dir *d)
{
    DIR *parent = opendir(d->path);
    for (struct dirent *e; parent && (e = readdir(parent));) {
        if (belongs_to_a_case(d, e->d_name))
            clear(dirfd(parent), e->d_name);
    }
    if (parent)
        closedir(parent);
}

static int record_in(const struct output_dir *d, size_t index,
                     struct recordings *r, struct error *err)
{
    char folder[PATH];
    snprintf(folder, sizeof(folder), "%s/%s", d->path, d->folders[index]);
    int code = make_folder(folder, err);
    if (code)
        return code;
    if (asprintf(&r->record[index], "%s/recording.tvr", folder) < 0) {
        r->record[index] = NULL;
        return error_set(err, -ENOMEM, "out of memory");
    }
    return recording_check(r->record[index], err);
}

int output_dir_make(struct output_dir *d, const char *path,
                    const struct selection *s, struct recordings *r,
                    struct error *err)
{
    *d = (struct output_dir){
        .path = path, .folders = calloc(s->count + 1, sizeof(*d->folders))};
    if (!d->folders)
        return error_set(err, -ENOMEM, "out of memory");
    int code = make_folder(path, err);
    for (size_t i = 0; !code && i < s->count; i++) {
        d->folders[i] = name_of(d, &s->list[i]);
        if (!d->folders[i])
            return error_set(err, -ENOMEM, "out of memory");
        d->count++;
    }
    if (!code)
        clear_all(d);
    for (size_t i = 0; !code && r && i < s->count; i++) {
        if (!r->replay[i] && !s->list[i].skip)
            code = record_in(d, i, r, err);
    }
    return code;
}

void output_dir_free(struct output_dir *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->folders[i]);
    free(d->folders);
    *d = (struct output_dir){0};
}

// ---- After ------------------------------------------------------------------

// One folder while it is written.
struct writing {
    char folder[PATH];
    FILE *complaints;
    int failed;
};

static void complain_of(struct writing *w, int code, const struct error *err)
{
    if (!code)
        return;
    fprintf(w->complaints, "toyvmm-test: %s\n", err->text);
    w->failed = code;
}

// FOLDER/NAME, made by printf.
static void write_file(struct writing *w,
                       int (*write)(FILE *f, const void *owner),
                       const void *owner, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void write_file(struct writing *w,
                       int (*write)(FILE *f, const void *owner),
                       const void *owner, const char *fmt, ...)
{
    char name[64], *path = NULL;
    struct error err = {""};
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);
    int code = 0;
    if (asprintf(&path, "%s/%s", w->folder, name) < 0) {
        path = NULL;
        code = error_set(&err, -ENOMEM, "out of memory");
    } else {
        code = output_write(path, write, owner, &err);
    }
    complain_of(w, code, &err);
    free(path);
}

static int write_text(FILE *f, const void *owner)
{
    terminal_result(f, owner, true);
    return ferror(f) ? -EIO : 0;
}

static int write_bytes(FILE *f, const void *owner)
{
    const struct result_console *c = owner;
    if (c->len)
        fwrite(c->bytes, 1, c->len, f);
    return ferror(f) ? -EIO : 0;
}

static void write_consoles(struct writing *w, const struct result *r,
                           const char *before)
{
    for (size_t i = 0; i < r->nconsoles; i++)
        write_file(w, write_bytes, &r->consoles[i], "%s.%s.log", before,
                   port_name(r->consoles[i].port));
}

static void write_report(struct writing *w, enum report_kind kind,
                         const struct report_run *run)
{
    char path[PATH + 32];
    struct error err = {""};
    snprintf(path, sizeof(path), "%s/report.%s", w->folder, report_name(kind));
    complain_of(w, report_write(kind, path, run, &err), &err);
}

// A run of this result alone.
static void write_result(struct writing *w, const struct report_run *all,
                         const struct result *r)
{
    struct report_run one = *all;
    one.results = (struct result_list){1, r};
    one.started_unix_ns = r->started_unix_ns;
    one.duration_ns = r->duration_ns;
    write_file(w, write_text, r, "report.txt");
    write_report(w, REPORT_JSON, &one);
    write_report(w, REPORT_HTML, &one);
    write_consoles(w, r, "console");
    for (size_t i = 0; i < r->nattempts; i++) {
        char before[32];
        snprintf(before, sizeof(before), "attempt%zu", i + 1);
        write_file(w, write_text, &r->attempts[i], "%s.txt", before);
        write_consoles(w, &r->attempts[i], before);
    }
}

int output_dir_write(const struct output_dir *d, const struct boots *b,
                     const struct report_run *run, FILE *complaints)
{
    struct writing w = {.complaints = complaints};
    for (size_t i = 0; d->path && i < run->results.count; i++) {
        const struct boot *boot = &b->list[i];
        const char *number =
            boot->number ? strrchr(b->cases[i].name, '#') : NULL;
        struct error err = {""};
        snprintf(w.folder, sizeof(w.folder), "%s/%s%s", d->path,
                 d->folders[boot->selected], number ? number : "");
        int code = make_folder(w.folder, &err);
        complain_of(&w, code, &err);
        if (!code)
            write_result(&w, run, &run->results.items[i]);
    }
    return w.failed;
}
