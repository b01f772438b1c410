/*
 * module: one file of code, however often and wherever it is mapped. See address_space.h.
 * Collector's thread only.
 */
#ifndef SAMPLER_MODULE_H
#define SAMPLER_MODULE_H

#include "sampler/address_space.h"

struct modules;

struct modules *modules_new(struct recording *recording);
void modules_free(struct modules *modules);

/* modules_set_offline: see address_space_set_offline. */
void modules_set_offline(struct modules *modules);

/* modules_find: the module for a mapped file, made if new; `pid` is a process that maps it. */
struct module *modules_find(struct modules *modules, const struct mapped_file *file, pid_t pid);

/* modules_kernel: the module of kernel code. */
struct module *modules_kernel(struct modules *modules);

/* modules_row: the module's id in TABLE_MODULES; the row is written at the first call, when the
 * first sample hits the module: of 300 mapped libraries most are never seen. */
uint32_t modules_row(struct modules *modules, struct module *module);

/* modules_by_row: the module of a TABLE_MODULES id; NULL if there is none. */
struct module *modules_by_row(const struct modules *modules, uint32_t id);

#endif
