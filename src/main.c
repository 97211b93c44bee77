/* argv in, exit code out; only here do we print or exit. */
#include "istio_fix.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int to_stdout(void *data, const char *bytes, size_t len)
{
	(void)data;
	return write_all(STDOUT_FILENO, bytes, len);
}

static int to_stderr(void *data, const char *bytes, size_t len)
{
	(void)data;
	return write_all(STDERR_FILENO, bytes, len);
}

int main(int argc, char **argv)
{
	const struct ifx_sink sink = { to_stdout, to_stderr, NULL };
	struct ifx_config *config = ifx_config_new();
	int code, first = argc;

	/* A file that grows too large is an error to report, not a signal to die of. */
	signal(SIGXFSZ, SIG_IGN);
	if (!config) {
		to_stderr(NULL, "istio-fix: error: out of memory\n", 32);
		return IFX_EXIT_FAILED;
	}
	code = ifx_config_parse(config, argc, argv, &first, &sink);
	if (code < 0)
		code = ifx_run(config, argv + first, (size_t)(argc - first), &sink);
	ifx_config_free(config);
	if (close(STDOUT_FILENO) && errno != EBADF) {
		const char *why = strerror(errno);

		to_stderr(NULL, "istio-fix: error: cannot write standard output: ", 48);
		to_stderr(NULL, why, strlen(why));
		to_stderr(NULL, "\n", 1);
		code = IFX_EXIT_FAILED;
	}
	return code;
}
