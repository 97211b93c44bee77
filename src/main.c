/* argv in, exit code out; only here do we print or exit. */
#include "istio_fix.h"

#include <errno.h>
#include <fcntl.h>
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

/* data: an int, the errno of the first failure. */
static int to_stdout(void *data, const char *bytes, size_t len)
{
	int *error = data;

	if (!*error && write_all(STDOUT_FILENO, bytes, len))
		*error = errno;
	return *error ? -1 : 0;
}

static int to_stderr(void *data, const char *bytes, size_t len)
{
	(void)data;
	return write_all(STDERR_FILENO, bytes, len);
}

static void say(const char *text)
{
	write_all(STDERR_FILENO, text, strlen(text));
}

/*
 * No file that we open may take the number of a stream that was closed. Using such a stream stays
 * an error, except that nobody wants to hear what is said to a closed standard error.
 */
static int occupy_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY) != fd)
			return -1;
	return 0;
}

static int run(int argc, char **argv, const struct ifx_sink *sink)
{
	struct ifx_config *config;
	int first, code;

	if (argc > 1 && !strcmp(argv[1], "ambient"))
		return ifx_ambient(argc - 1, argv + 1, sink);
	config = ifx_config_new();
	if (!config) {
		say("istio-fix: error: out of memory\n");
		return IFX_EXIT_FAILED;
	}
	code = ifx_config_parse(config, argc, argv, &first, sink);
	if (code < 0)
		code = ifx_run(config, argv + first, (size_t)(argc - first), sink);
	ifx_config_free(config);
	return code;
}

int main(int argc, char **argv)
{
	int error = 0, code;
	const struct ifx_sink sink = { to_stdout, to_stderr, &error };

	if (occupy_streams())
		return IFX_EXIT_FAILED;
	/* A file that grows too large is an error to report, not a signal to die of. */
	signal(SIGXFSZ, SIG_IGN);
	/* Who started us may not care for its children; we do for ours. */
	signal(SIGCHLD, SIG_DFL);
	code = run(argc, argv, &sink);
	/* Some file systems say only now that there was no room. */
	if (close(STDOUT_FILENO) && !error)
		error = errno;
	if (error) {
		say("istio-fix: error: cannot write to standard output: ");
		say(strerror(error));
		say("\n");
		code = IFX_EXIT_FAILED;
	}
	return code;
}
