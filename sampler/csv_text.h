/*
 * csv_text: fields of comma-separated values: text keeps its commas, quotes and line breaks,
 * quoted; other control characters and what is not UTF-8 become U+FFFD. Source: RFC 4180.
 */
#ifndef SAMPLER_CSV_TEXT_H
#define SAMPLER_CSV_TEXT_H

#include <stdio.h>

void csv_write_text(FILE *out, const char *text);

/* csv_write_number: so that it reads back as the same number; nothing for what is unknown. */
void csv_write_number(FILE *out, double value);

#endif
