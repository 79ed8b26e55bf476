/* A CSV file becomes targets: sent in pieces, then followed until each row is one. */
#ifndef BELFRY_CLI_IMPORT_H
#define BELFRY_CLI_IMPORT_H

#include "app.h"

/* Opened before anything is asked, so that a wrong name makes no half campaign. */
struct import_file {
	const char *name;
	int fd;
	int64_t bytes; /* -1: nobody knows (a pipe) */
};

int import_open(const char *name, struct import_file *out); /* a fault is told; an exit code */
void import_close(struct import_file *f);
/* Sends the file to the campaign and tells what became of it; an exit code. */
int import_run(struct app *app, struct str campaign, const struct import_file *f);

#endif
