/* What a service says to those who run it, and how it begins anew. */
#ifndef BELFRY_SYS_PROCESS_H
#define BELFRY_SYS_PROCESS_H

#include "base/err.h"

/* The file stands while the process is ready: made now, removed when a drain begins. An empty path
 * does nothing. A failure is logged and changes nothing else. */
void process_ready(const char *path);
void process_not_ready(const char *path);
/* The file says which port the process listens on, which may be any free one. Empty path, failure: the
 * same. */
void process_port(const char *path, int port);

/* Executes the same program with the same arguments in this process: all memory, connections and
 * threads are gone, the pid stays. For state that is not worth repairing piece by piece. */
void process_start_over(char **argv) NORETURN;
/* Gives the process the name of its program again, first of all: one that started over is called "exe"
 * by the kernel until then, and whoever knows a process by its name would take it for dead. */
void process_take_name(const char *argv0);

/* Takes as many descriptors as the system lets this process have, which is often far more than it is
 * given (1,024); how many that is. */
int process_raise_descriptors(void);

/* Names this machine's boot: another one after each. */
#define PROCESS_BOOT_ID_SIZE 64
struct err process_boot_id(char out[PROCESS_BOOT_ID_SIZE]) MUST_USE;

#endif
