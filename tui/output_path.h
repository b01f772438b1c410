/*
 * output_path: names of files that differ between hosts, processes and ranks of one job.
 */
#ifndef TUI_OUTPUT_PATH_H
#define TUI_OUTPUT_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"

/*
 * output_path_rank: this process's rank in its MPI job as its launcher states it, and in which
 * variable (may be NULL); NULL if it is in none. Borrowed from the environment.
 * Source  Open MPI (OMPI_COMM_WORLD_RANK), PMIx (PMIX_RANK), MPICH and Intel MPI (PMI_RANK),
 *         Slurm (SLURM_PROCID)
 */
const char *output_path_rank(const char **variable);

/*
 * output_path_expand: %h is the host's name, %p the number of this process, %r the rank, %% a
 * percent sign; other percent signs stay.
 * Errors  false and a sentence: no rank here, too long a name
 */
bool output_path_expand(const char *path, char *out, size_t bytes, struct why *why);

/*
 * output_path_is_free: may a file be made under this path? Yes if there is none, or nothing in it,
 * or no plain file (a pipe, /dev/null), or it is to be replaced.
 * Errors  false and a sentence that names -f
 */
bool output_path_is_free(const char *path, bool may_replace, struct why *why);

/* output_path_discard: half a file is worse than none: it is removed, if it is a plain file. */
void output_path_discard(const char *path);

#endif
