// SPDX-License-Identifier: Apache-2.0
// The thread of a shared folder inside of its list. That all of one works there
// is what vhost_device.c shows.
#include "src/base/clock.h"
#include "src/tests/guard_fixture.h"
#include "src/tests/vhost_end.h"
#include "src/virtio/fs.h"

TestSuite(vhost_sandbox, .init = guard_needs_a_sandbox);

Test(vhost_sandbox, a_share_that_was_taken_over)
{
    struct guard_log log;
    struct guest_memory memory = {.fd = -1};
    struct virtio_fs fs;
    struct end end;
    struct error err = {""};
    int socket;
    guard_log_begin(&log, guard_call_out);
    const struct guard_seat seat =
        guard_log_seat(&log, SANDBOX_SHARE, "share src");
    cr_assert_eq(
        guest_memory_map_as(&memory, 1 << 20, GUEST_BACKING_SHARED, &err), 0);
    end_start(&end, HONEST, 0, &socket);
    struct vhost_backend backend = {.name = "the end", .log = -1};
    cr_assert_eq(vhost_front_open(&backend.front, socket, VIRTIO_FS_QUEUES,
                                  10 * NS_PER_S, &err),
                 0, "%s", err.text);
    cr_assert_eq(virtio_fs_init(&fs, "src", &backend, &memory, &seat, &err), 0,
                 "%s", err.text);
    virtio_fs_destroy(&fs);
    vhost_backend_end(&backend);
    end_join(&end);
    guest_memory_unmap(&memory);
    guard_log_end_caught(&log, "share src");
}
