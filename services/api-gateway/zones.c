/* From tzdata.zi, the database's source in one file: lines "Z name ..." and "L target name". Sorted
 * for a binary search; the text stays in memory and the names point into it. */
#include "zones.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "base/mem.h"

#define FILE_MAX ((size_t)4 * 1024 * 1024)
#define NAMES_MAX 4096
#define PATH_SIZE 4096

struct zones {
	char *text;
	struct str names[NAMES_MAX];
	size_t n;
};

static int compare(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	return str_cmp(*x, *y);
}

static struct err read_file(const char *path, char **out, size_t *n_out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ERR(ERR_NOT_FOUND, "tzdata.zi cannot be opened: is tzdata installed?");
	char *text = xmalloc(FILE_MAX);
	size_t n = 0;
	ssize_t got;
	while (n < FILE_MAX && (got = read(fd, text + n, FILE_MAX - n)) > 0)
		n += (size_t)got;
	(void)close(fd); /* it was only read */
	*out = text;
	*n_out = n;
	return OK;
}

static void take_line(struct zones *z, struct str line)
{
	struct str kind, name, rest;
	if (!str_split(line, ' ', &kind, &rest))
		return;
	bool is_link = str_eq(kind, STR("L"));
	if (!is_link && !str_eq(kind, STR("Z")))
		return;
	(void)str_split(rest, ' ', &name, &rest); /* a link's name is the last word */
	if (is_link)
		name = rest;
	if (name.n > 0 && name.n <= ZONE_NAME_MAX && z->n < NAMES_MAX)
		z->names[z->n++] = name;
}

struct err zones_load(const char *directory, struct zones **out)
{
	char path[PATH_SIZE];
	size_t n = 0;
	struct zones *z = xcalloc(1, sizeof(*z));
	if (snprintf(path, sizeof(path), "%s/tzdata.zi", directory) >= (int)sizeof(path)) {
		zones_free(z);
		return ERR(ERR_TOO_LARGE, "the time zone directory's path is too long");
	}
	struct err e = read_file(path, &z->text, &n);
	struct str rest = { z->text, n }, line;
	while (rest.n > 0) {
		(void)str_split(rest, '\n', &line, &rest); /* the last one may lack its end */
		take_line(z, line);
	}
	if (!is_err(e) && z->n == 0)
		e = ERR(ERR_INVALID, "tzdata.zi holds no zone");
	if (is_err(e)) {
		zones_free(z);
		return e;
	}
	qsort(z->names, z->n, sizeof(z->names[0]), compare);
	*out = z;
	return OK;
}

void zones_free(struct zones *z)
{
	if (z == NULL)
		return;
	free(z->text);
	free(z);
}

bool zones_has(const struct zones *z, struct str name)
{
	return bsearch(&name, z->names, z->n, sizeof(z->names[0]), compare) != NULL;
}
