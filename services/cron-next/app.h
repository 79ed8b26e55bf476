/* Reads lines `id TAB cron TAB tz TAB from TAB n` on standard input, where \t and \\ stand for a tab
 * and a backslash in cron, and writes `id TAB` and the first n instants later than `from`, joined by
 * commas; or INVALID, where the expression or the zone is refused; or NEVER. */
#ifndef BELFRY_CRON_NEXT_APP_H
#define BELFRY_CRON_NEXT_APP_H

/* The exit code: 0; 1 when a line had another form or a file could not be read or written; 2 for
 * wrong settings or arguments. */
int app_run(int argc, char **argv);

#endif
