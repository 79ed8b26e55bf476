/* One strbuf before one O_APPEND descriptor. */
#include "dial/append_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

/* A turn reads a bounded number of messages and each adds a few hundred bytes. */
#define GATHERED_MAX ((size_t)16 * 1024 * 1024)
#define KEPT_MAX ((size_t)256 * 1024)

struct append_file {
	int fd;
	struct strbuf lines;
};

/* A crash in the middle of a write leaves half a line, which must not swallow the next one. */
static struct err end_last_line(int fd)
{
	char last = '\n';
	off_t end = lseek(fd, 0, SEEK_END);

	if (end > 0 && pread(fd, &last, 1, end - 1) != 1)
		return ERR(ERR_IO, "cannot read the end of a file");
	if (last != '\n' && write(fd, "\n", 1) != 1)
		return ERR(ERR_IO, "cannot append to a file");
	return OK;
}

struct err append_file_open(const char *path, struct append_file **out)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return ERR(ERR_IO, "cannot open a file for appending");
	struct err e = end_last_line(fd);
	if (is_err(e)) {
		close(fd);
		return e;
	}
	struct append_file *f = xcalloc(1, sizeof(*f));
	f->fd = fd;
	strbuf_init(&f->lines, GATHERED_MAX);
	*out = f;
	return OK;
}

void append_file_close(struct append_file *f)
{
	if (!f)
		return;
	close(f->fd);
	strbuf_deinit(&f->lines);
	free(f);
}

struct strbuf *append_file_buf(struct append_file *f)
{
	return &f->lines;
}

struct err append_file_flush(struct append_file *f)
{
	struct str rest = strbuf_str(&f->lines);
	bool was_large = f->lines.cap > KEPT_MAX;

	if (strbuf_overflowed(&f->lines))
		return ERR(ERR_OVERLOADED, "more lines in one turn than a file takes");
	while (rest.n > 0) {
		ssize_t n = write(f->fd, rest.p, rest.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR(ERR_IO, "cannot append to a file");
		rest.p += n;
		rest.n -= (size_t)n;
	}
	strbuf_reset(&f->lines);
	if (was_large) {
		strbuf_deinit(&f->lines);
		strbuf_init(&f->lines, GATHERED_MAX);
	}
	return OK;
}
