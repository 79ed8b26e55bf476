/* The SIP dialer's settings, from the environment. */
#ifndef DIALER_SIP_SETTINGS_H
#define DIALER_SIP_SETTINGS_H

#include "http/metrics_server.h"

struct sip_settings {
	const char *listen;  /* ipc:// addresses, comma-separated */
	const char *journal; /* path; empty = none survives */
	const char *sip_listen, *advertise, *dns, *allow;
	const char *ready_file;
	const char *log_level;
	struct metrics_server_settings metrics;
};

/* True when the process should end at once with *exit_out: a command was given, or a fault was
 * found and printed. */
bool sip_settings_load(int argc, char **argv, struct sip_settings *out, int *exit_out);

#endif
