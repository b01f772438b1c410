/*
 * inject_find: looks for CUPTI where a CUDA program may have it: beside its run-time library, in
 * the toolkit, on the loader's path.
 */
#ifndef GPU_INJECT_FIND_H
#define GPU_INJECT_FIND_H

struct cupti_calls;

/*
 * inject_find_cupti: opens it and fills `calls`.
 * chosen   a path that is taken instead (STOKE_CUPTI); NULL or "" = none
 * Returns  a handle of dlopen's, or NULL
 * Thread   one at a time
 */
void *inject_find_cupti(const char *chosen, struct cupti_calls *calls);

#endif
