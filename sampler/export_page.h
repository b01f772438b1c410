/*
 * export_page: the fixed parts of the HTML page: what comes before its data and what comes after.
 * The page loads nothing from anywhere, and its own policy forbids it to.
 */
#ifndef SAMPLER_EXPORT_PAGE_H
#define SAMPLER_EXPORT_PAGE_H

extern const char export_page_head[];   /* up to and with <title> */
extern const char export_page_body[];   /* from </title> to the data's start */
extern const char export_page_script[]; /* from the data's end to the page's */

#endif
