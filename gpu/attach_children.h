/*
 * attach_children: whose children there are, with a limit to what looking costs.
 */
#ifndef GPU_ATTACH_CHILDREN_H
#define GPU_ATTACH_CHILDREN_H

#include <stdint.h>
#include <sys/types.h>

typedef void attach_take(void *opaque, pid_t pid);

/*
 * attach_children_of: its children, of all its threads. Nothing on kernels without
 * CONFIG_PROC_CHILDREN.
 * n_files  that may still be read; counted down
 * Cost     a small file a thread
 */
void attach_children_of(uint32_t *n_files, pid_t pid, attach_take *take, void *opaque);

#endif
