#include "writer.h"

#include <errno.h>

#include "io/inplace.h"

static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

enum { N_ENDINGS = sizeof(endings) / sizeof(*endings) };

void ifx_writer_open(struct ifx_writer *w, const struct ifx_config *config, ifx_str home)
{
	sigset_t held;

	*w = (struct ifx_writer){ .config = config };
	ifx_atomic_init(&w->atomic, home, config->backup);
	sigemptyset(&held);
	for (size_t i = 0; i < N_ENDINGS; i++)
		sigaddset(&held, endings[i]);
	if (config->atomic)
		pthread_sigmask(SIG_BLOCK, &held, &w->signals);
}

ifx_status ifx_writer_write(struct ifx_writer *w, const char *path, const struct stat *before,
			    ifx_str bytes, struct ifx_buf *err)
{
	const struct ifx_config *c = w->config;
	struct ifx_buf target;
	ifx_status st;

	ifx_buf_init(&target, 1 << 16);
	st = ifx_path_resolve(&target, path);
	if (st == IFX_EIO)
		ifx_file_error(err, errno);
	else if (st == IFX_OK && c->atomic)
		st = ifx_atomic_stage(&w->atomic, target.data, before, bytes, err);
	else if (st == IFX_OK)
		st = ifx_inplace(target.data, before, bytes, c->backup, err);
	ifx_buf_release(&target);
	return st;
}

bool ifx_writer_is_interrupted(const struct ifx_writer *w)
{
	sigset_t pending;

	if (!w->config->atomic || sigpending(&pending))
		return false;
	for (size_t i = 0; i < N_ENDINGS; i++)
		if (sigismember(&pending, endings[i]) && !sigismember(&w->signals, endings[i]))
			return true;
	return false;
}

ifx_status ifx_writer_commit(struct ifx_writer *w, ifx_complain_fn *complain, void *data)
{
	return ifx_atomic_commit(&w->atomic, complain, data);
}

ifx_status ifx_writer_undo(struct ifx_writer *w, ifx_complain_fn *complain, void *data)
{
	return ifx_atomic_undo(&w->atomic, complain, data);
}

void ifx_writer_close(struct ifx_writer *w)
{
	ifx_atomic_close(&w->atomic);
	if (w->config->atomic)
		pthread_sigmask(SIG_SETMASK, &w->signals, NULL);
}
