/*
 * fixture_phases: a program of known phases with exact work, counted memory traffic and events read
 * together at each sample, on the machine of fake_add_facts, whose ceilings are known.
 */
#ifndef TESTS_FIXTURE_PHASES_H
#define TESTS_FIXTURE_PHASES_H

struct recording;

struct recording *fixture_phases(void);

#endif
