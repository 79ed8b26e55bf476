/* The process' own numbers, read from the kernel when somebody asks. */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/clock.h"
#include "sys/metrics.h"

struct process_cells {
	int64_t *cpu, *resident, *descriptors;
};

static int64_t cpu_us(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0)
		return METRIC_ABSENT;
	return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_PER_SEC +
	       u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/* The second number of /proc/self/statm counts pages. */
static int64_t resident_bytes(void)
{
	char text[128];
	struct str size, rest;
	int64_t pages;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return METRIC_ABSENT;
	size_t n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);                                             /* was only read */
	(void)str_split((struct str){ text, n }, ' ', &size, &rest); /* judged by the number */
	(void)str_split(rest, ' ', &size, &rest);
	if (is_err(parse_i64(size, 0, INT64_MAX / 65536, &pages)))
		return METRIC_ABSENT;
	return pages * sysconf(_SC_PAGESIZE);
}

static int64_t descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int64_t n = -3; /* ".", ".." and the directory's own */

	if (d == NULL)
		return METRIC_ABSENT;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d); /* was only read */
	return n;
}

static void collect(void *arg)
{
	const struct process_cells *c = arg;

	*c->cpu = cpu_us();
	*c->resident = resident_bytes();
	*c->descriptors = descriptors();
}

void metrics_add_process(struct metrics *m, const char *service)
{
	struct process_cells *c = metrics_keep(m, xcalloc(1, sizeof(*c)));

	*metrics_gauge(m, &(struct metric){ .name = "belfry_build_info",
					    .help = "The program and its version.",
					    .labels = { { "service", service },
							{ "version", BELFRY_VERSION } } }) = 1;
	*metrics_gauge(m, &(struct metric){ .name = "process_start_time_seconds",
					    .help = "When the process began, since 1970." }) =
		clock_now();
	c->cpu = metrics_counter(m, &(struct metric){ .name = "process_cpu_seconds_total",
						      .help = "Time on a processor." });
	c->resident = metrics_gauge(m, &(struct metric){ .name = "process_resident_memory_bytes",
							 .help = "Memory that is resident." });
	c->descriptors = metrics_gauge(
		m, &(struct metric){ .name = "process_open_fds", .help = "Open descriptors." });
	metrics_on_collect(m, collect, c);
}
