// SPDX-License-Identifier: Apache-2.0
// Disks that outlive a machine. See toyvmm.h.
#include "src/machine/pci_board.h"

#include <stdlib.h>

struct toyvmm_kept *toyvmm_kept_new(void)
{
    struct toyvmm_kept *kept = calloc(1, sizeof *kept);
    for (unsigned i = 0; kept && i < TOYVMM_DISKS_MAX; i++)
        kept->disks[i] = (struct disk_image){.image = -1, .changes = -1};
    return kept;
}

int toyvmm_kept_open(const struct toyvmm_config *config, struct error *err)
{
    int code = 0;
    for (size_t i = 0; !code && config->kept && i < config->ndisks; i++) {
        const struct toyvmm_disk *disk = &config->disks[i];
        struct disk_image *image = &config->kept->disks[i];
        if (!disk_image_is_open(image))
            code = disk_image_open(
                image, disk->path, servers_of_disk(config->servers, i),
                servers_mode_of(disk->mode), DISK_CHANGES_MAX, err);
    }
    return code;
}

void toyvmm_kept_free(struct toyvmm_kept *kept)
{
    for (unsigned i = 0; kept && i < TOYVMM_DISKS_MAX; i++)
        disk_image_close(&kept->disks[i]);
    free(kept);
}
