/* A file that only grows by whole lines: gathered during a turn of the loop, written together at
 * its end. What was flushed survives the death of this process, not of the machine. */
#ifndef BELFRY_DIAL_APPEND_FILE_H
#define BELFRY_DIAL_APPEND_FILE_H

#include "base/err.h"
#include "base/str.h"

struct append_file;

/* Creates the file when it is missing. A last line that a crash cut short is ended first. */
struct err append_file_open(const char *path, struct append_file **out) MUST_USE;
void append_file_close(struct append_file *f); /* drops what was not flushed */
/* Where the next line goes; the caller adds whole lines. */
struct strbuf *append_file_buf(struct append_file *f);
/* Writes everything. A failure is final: a prefix may have been written. */
struct err append_file_flush(struct append_file *f) MUST_USE;

#endif
