/* The simulated carrier's settings, from the environment. */
#ifndef DIALER_SIM_SETTINGS_H
#define DIALER_SIM_SETTINGS_H

#include "carrier.h"
#include "http/metrics_server.h"
#include "sys/log.h"

struct sim_settings {
	const char *listen;  /* ipc:// addresses, comma-separated */
	const char *ledger;  /* path; empty = none */
	const char *journal; /* path; empty = none survives */
	const char *mix;
	const char *ready_file;
	const char *log_level;
	struct metrics_server_settings metrics;
	double time_scale;
	usec_t ring_us, talk_us;
};

/* True when the process should end at once with *exit_out: a command was given, or a fault was
 * found and printed. */
bool sim_settings_load(int argc, char **argv, struct sim_settings *out,
		       struct carrier_settings *carrier_out, int *exit_out);

#endif
