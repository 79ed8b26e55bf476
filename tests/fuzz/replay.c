/* The main() of a fuzz target in an ordinary build: feeds it the files named on the command line,
 * each whole, and each once more cut short at a few places, then the empty input. Under MODE=fuzz
 * libFuzzer's own main() takes this one's place. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The target gets memory of exactly the input's size, so that a read past it is seen. */
static void feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size); /* its result is for the fuzzer only */
	free(copy);
}

static int replay(const char *path, uint8_t *buffer)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return 1;
	}
	size_t size = fread(buffer, 1, INPUT_MAX, file);
	int failed = ferror(file);
	(void)fclose(file); /* only read from */
	if (failed) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	feed(buffer, size);
	for (size_t part = 1; part < 16 && part < size; part++)
		feed(buffer, size * part / 16);
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *buffer = calloc(1, INPUT_MAX);
	if (!buffer)
		return 1;
	int failed = 0;
	for (int i = 1; i < argc && !failed; i++)
		failed = replay(argv[i], buffer);
	feed(buffer, 0);
	free(buffer);
	if (!failed && argc < 2)
		fprintf(stderr, "no inputs were given\n");
	return failed || argc < 2;
}
