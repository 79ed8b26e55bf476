/* Blocking reads: a command line waits for nobody but its user. */
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define WIDTH_DEFAULT ((size_t)80)
#define INTERRUPT '\003'

struct terminal user_terminal(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = { .ws_col = 0 };

	if (isatty(fd) == 0)
		return (struct terminal){ .is_tty = false };
	bool has_size = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
	return (struct terminal){
		.is_tty = true,
		/* no-color.org: whatever it says, unless it says nothing */
		.coloured = (no_color == NULL || *no_color == '\0') && term != NULL &&
			    strcmp(term, "dumb") != 0,
		.width = has_size ? size.ws_col : WIDTH_DEFAULT,
	};
}

struct err user_config_directory(struct strbuf *out)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg != NULL && xdg[0] == '/')
		strbuf_addf(out, "%s/belfry", xdg);
	else if (home != NULL && home[0] == '/')
		strbuf_addf(out, "%s/.config/belfry", home);
	else
		return ERR(ERR_NOT_FOUND, "HOME names no directory");
	return strbuf_overflowed(out) ? ERR(ERR_TOO_LARGE, "HOME is too long") : OK;
}

static struct err read_all(int fd, struct strbuf *out)
{
	char piece[16384];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR(ERR_IO, "the file cannot be read");
		if (n == 0)
			return OK;
		strbuf_add_bytes(out, piece, (size_t)n);
		if (strbuf_overflowed(out))
			return ERR(ERR_TOO_LARGE, "the file is too large");
	}
}

struct err user_read_file(const char *path, struct strbuf *out)
{
	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, out);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR(ERR_NOT_FOUND, "there is no such file")
				       : ERR(ERR_IO, "the file cannot be opened");
	struct err e = read_all(fd, out);
	(void)close(fd); /* only read */
	return e;
}

/* Byte by byte: what comes after the line belongs to whoever reads next. */
static struct err read_line(struct strbuf *out)
{
	char c;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR(ERR_IO, "standard input cannot be read");
		if (n == 0 || c == '\n' || c == '\r')
			return OK;
		if (c == INTERRUPT)
			return ERR(ERR_CANCELLED, "nothing was entered");
		strbuf_add_c(out, c);
		if (strbuf_overflowed(out))
			return ERR(ERR_TOO_LARGE, "the line is too long");
	}
}

struct err user_read_secret(const char *question, struct strbuf *out)
{
	struct termios before, hidden;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return read_line(out);
	hidden = before;
	/* with signals off Ctrl-C is a character, and cannot leave the terminal without its echo */
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	hidden.c_cc[VEOL] = INTERRUPT; /* and ends the line, so that it is read at once */
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) != 0)
		return ERR(ERR_IO, "the terminal cannot be told to hide what is typed");
	fputs(question, stderr); /* from here on nothing that is typed shows */
	struct err e = read_line(out);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before); /* it worked a moment ago */
	fputc('\n', stderr);
	return e;
}
