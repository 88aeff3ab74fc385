// SPDX-License-Identifier: Apache-2.0
// The thread of a disk inside of its list. That all of a disk works there is
// what virtio_blk.c and vhost_disk.c show.
#include "src/tests/guard_fixture.h"
#include "src/virtio/blk.h"

#include <stdlib.h>

TestSuite(virtio_sandbox, .init = guard_needs_a_sandbox);

Test(virtio_sandbox, a_disk_that_was_taken_over)
{
    char path[] = "/tmp/toyvmm-test-disk-XXXXXX";
    struct guard_log log;
    struct guest_memory memory;
    struct virtio_blk blk;
    struct error err = {""};
    int fd = mkstemp(path);
    cr_assert_eq(ftruncate(fd, 4096), 0);
    close(fd);
    guard_log_begin(&log, guard_call_out);
    const struct guard_seat seat =
        guard_log_seat(&log, SANDBOX_DISK, "disk vda");
    const struct virtio_blk_setup setup = {.path = path, .seat = &seat};
    cr_assert_eq(guest_memory_map(&memory, 1 << 20, &err), 0, "%s", err.text);
    cr_assert_eq(virtio_blk_init(&blk, &setup, &memory, &err), 0, "%s",
                 err.text);
    virtio_blk_destroy(&blk);
    guest_memory_unmap(&memory);
    unlink(path);
    guard_log_end_caught(&log, "disk vda");
}
