/*
 * The floor for a parser-based tool: libfyaml's bare event parse, nothing done with the events.
 *
 *   fyparse FILE...      parse the files named
 *   fyparse              the names come from standard input, one a line
 *
 * Prints: files, bytes, events, files in error. Follows the recipe of yaml/LIBFYAML.md: a string as
 * input, diagnostics collected and not printed, a parser that failed is left alone (R4).
 */
#include <fcntl.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *buf;
static size_t room;
static unsigned long long files, bytes, events, bad;

static void quiet(struct fy_diag *diag, void *user, const char *text, size_t len)
{
	(void)diag, (void)user, (void)text, (void)len;
}

/* The whole file into `buf`; -1 if it cannot be read. */
static long slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -1;
	for (;;) {
		ssize_t n;

		if (len == room) {
			room = room ? room * 2 : 1 << 20;
			buf = realloc(buf, room);
			if (!buf)
				abort();
		}
		n = read(fd, buf + len, room - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	return (long)len;
}

static void parse(const char *path)
{
	struct fy_diag_cfg dcfg;
	struct fy_parse_cfg cfg;
	struct fy_diag *diag;
	struct fy_parser *p;
	struct fy_event *e;
	long len = slurp(path);

	if (len < 0) {
		perror(path);
		bad++;
		return;
	}
	files++;
	bytes += (unsigned long long)len;
	fy_diag_cfg_default(&dcfg);
	dcfg.fp = NULL;
	dcfg.output_fn = quiet;
	diag = fy_diag_create(&dcfg);
	fy_diag_set_collect_errors(diag, true);
	memset(&cfg, 0, sizeof(cfg));
	cfg.flags = FYPCF_SLOPPY_FLOW_INDENTATION;
	cfg.diag = diag;
	p = fy_parser_create(&cfg);
	if (!p || fy_parser_set_string(p, buf, (size_t)len))
		abort();
	while ((e = fy_parser_parse(p))) {
		events++;
		fy_parser_event_free(p, e);
	}
	if (fy_parser_get_stream_error(p)) {
		bad++;
		return;
	}
	fy_parser_destroy(p);
	fy_diag_destroy(diag);
}

int main(int argc, char **argv)
{
	char line[4096];

	for (int i = 1; i < argc; i++)
		parse(argv[i]);
	while (argc < 2 && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			parse(line);
	}
	printf("%llu files, %llu bytes, %llu events, %llu in error\n", files, bytes, events, bad);
	return bad ? 1 : 0;
}
