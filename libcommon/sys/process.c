/* Files that tell of the process, its name, its limits, and re-execution. */
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/log.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define FEW_DESCRIPTORS 1024 /* where nobody says how many there are */

void process_ready(const char *path)
{
	if (path[0] == '\0')
		return;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		log_warn("ready_file_failed", LS("path", path), LI("errno", errno));
	else
		(void)close(fd); /* nothing was written */
}

void process_not_ready(const char *path)
{
	if (path[0] != '\0')
		(void)unlink(path); /* it may be gone already */
}

void process_port(const char *path, int port)
{
	char text[16];

	if (path[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text), "%d\n", port); /* 5 digits at most */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		(void)close(fd); /* a failure to write has shown already */
	if (!is_written)
		log_warn("port_file_failed", LS("path", path));
}

void process_take_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	(void)prctl(PR_SET_NAME, slash == NULL ? argv0 : slash + 1); /* cut, and never refused */
}

void process_start_over(char **argv)
{
	/* Descriptors of libraries that forgot CLOEXEC must not live on without an owner. */
	long max = sysconf(_SC_OPEN_MAX);
	for (int fd = 3; fd < max && fd < 65536; fd++) {
		int flags = fcntl(fd, F_GETFD);
		if (flags >= 0)
			(void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC); /* it is open */
	}
	(void)execv("/proc/self/exe", argv); /* returns only when it failed */
	log_error("start_over_failed", LI("errno", errno));
	abort();
}

int process_raise_descriptors(void)
{
	struct rlimit limit = { .rlim_cur = FEW_DESCRIPTORS };

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		struct rlimit more = { limit.rlim_max, limit.rlim_max };
		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			limit = more;
	}
	return limit.rlim_cur < INT_MAX ? (int)limit.rlim_cur : INT_MAX;
}

struct err process_boot_id(char out[PROCESS_BOOT_ID_SIZE])
{
	FILE *f = fopen(BOOT_ID_PATH, "re");
	const char *line = f ? fgets(out, PROCESS_BOOT_ID_SIZE, f) : NULL;

	if (f)
		(void)fclose(f); /* only read */
	if (!line)
		return ERR(ERR_IO, "cannot read the boot id of this machine");
	for (char *p = out; *p; p++) {
		if (*p == '\n')
			*p = '\0';
	}
	return OK;
}
