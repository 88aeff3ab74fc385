// SPDX-License-Identifier: Apache-2.0
// Guest definitions: the file that describes a built guest, and the script
// that builds one. Used by guest.c and the command line.
#pragma once

#include "harness/guests/guest.h"

// Fills guest from the definition of that name. -EINVAL for a name that nobody
// knows, another negative errno when it can't be had.
int guest_conf_find(struct guest *guest, const char *name, struct error *err);
// The same, but nothing is built or downloaded: a guest that isn't there
// already is an error.
int guest_conf_look(struct guest *guest, const char *name, struct error *err);

// Reads a guest.conf: lines `key value` with the keys requested, name, kernel,
// initrd, cmdline, memory and note.
int guest_conf_read(struct guest *guest, const char *path, struct error *err);

// "256M" and its like, in bytes. False when it isn't that.
bool guest_parse_size(const char *text, uint64_t *bytes);
