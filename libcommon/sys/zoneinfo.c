/* A blocking read of a few kilobytes from the local disk. */
#include "sys/zoneinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define PATH_SIZE 4096
#define MAGIC "TZif"

static bool is_word(struct str word)
{
	if (word.n == 0 || word.p[0] == '-' || word.p[0] == '+')
		return false;
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i];
		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '+' && c != '-')
			return false;
	}
	return true;
}

bool zoneinfo_is_name(struct str name)
{
	struct str word, rest = name;
	bool is_more;

	if (name.n == 0 || name.n > ZONEINFO_NAME_MAX || str_starts(name, STR("posix/")) ||
	    str_starts(name, STR("right/")) || str_eq(name, STR("localtime")) ||
	    str_eq(name, STR("posixrules")))
		return false;
	do {
		is_more = str_split(rest, '/', &word, &rest);
		if (!is_word(word))
			return false;
	} while (is_more);
	return true;
}

/* All of a regular file, at most ZONEINFO_FILE_MAX bytes. */
static struct err read_all(int fd, char **out, size_t *n_out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR(ERR_IO, "a time zone's file cannot be read");
	if (!S_ISREG(st.st_mode))
		return ERR(ERR_NOT_FOUND, "no such time zone");
	if (st.st_size > (off_t)ZONEINFO_FILE_MAX)
		return ERR(ERR_TOO_LARGE, "a time zone's file of more than 64 KB");
	size_t size = (size_t)st.st_size, n = 0;
	char *bytes = xmalloc(size + 1);
	while (n < size) {
		ssize_t got = read(fd, bytes + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(bytes);
			return ERR(ERR_IO, "a time zone's file cannot be read");
		}
		if (got == 0)
			break; /* it became shorter: the reader of its bytes will see */
		n += (size_t)got;
	}
	if (n < strlen(MAGIC) || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0) {
		free(bytes);
		return ERR(ERR_NOT_FOUND, "no such time zone");
	}
	*out = bytes;
	*n_out = n;
	return OK;
}

struct err zoneinfo_read(const char *directory, struct str name, char **out, size_t *n_out)
{
	char path[PATH_SIZE];

	if (!zoneinfo_is_name(name))
		return ERR(ERR_NOT_FOUND, "no such time zone");
	int n = snprintf(path, sizeof(path), "%s/%.*s", directory, STR_ARG(name));
	if (n < 0 || n >= (int)sizeof(path))
		return ERR(ERR_TOO_LARGE, "the time zone directory's path is too long");
	/* a FIFO in the tree must not hold up the caller */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return ERR(ERR_NOT_FOUND, "no such time zone");
	if (fd < 0)
		return ERR(ERR_IO, "a time zone's file cannot be opened");
	struct err e = read_all(fd, out, n_out);
	(void)close(fd); /* it was only read */
	return e;
}
