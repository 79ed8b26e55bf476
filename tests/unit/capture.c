/* See capture.h. */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

void capture_begin(struct capture *c, int fd)
{
	char path[] = "/tmp/belfry-capture-XXXXXX";
	(void)fflush(NULL);
	c->fd = fd;
	c->kept = dup(fd);
	c->file = mkstemp(path);
	assert_true(c->kept >= 0 && c->file >= 0);
	unlink(path);
	assert_true(dup2(c->file, fd) == fd);
}

struct str capture_end(struct capture *c, char *buf, size_t size)
{
	(void)fflush(NULL);
	dup2(c->kept, c->fd);
	close(c->kept);
	ssize_t n = pread(c->file, buf, size - 1, 0);
	close(c->file);
	assert_true(n >= 0);
	buf[n] = '\0';
	return (struct str){ buf, (size_t)n };
}
