#include "ambient/layout.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { SWEEPS = 6 };

/* A node on its way to a place. */
struct item {
	size_t node, layer, group;
	double where;       /* mean of its neighbours' places, or its own */
	double group_where; /* the same of its group; of its own when it has none */
};

struct work {
	struct ifx_layout *l;
	struct item *items; /* those with edges or a group, by layer */
	size_t n;
	size_t *order;           /* place in its layer of each node */
	double *sum, *group_sum; /* of neighbours' places; of nodes' `where` */
	size_t *count, *group_count;
	size_t *degree;
};

static bool is_edge(const struct ifx_layout_edge *e)
{
	return e->from != e->to;
}

/* ---- order within layers ---- */

static int by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	if (x->group_where != y->group_where)
		return x->group_where < y->group_where ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->where != y->where)
		return x->where < y->where ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static void number(struct work *w)
{
	size_t place = 0;

	for (size_t i = 0; i < w->n; i++) {
		place = i && w->items[i].layer == w->items[i - 1].layer ? place + 1 : 0;
		w->order[w->items[i].node] = place;
	}
}

static void add_neighbour(struct work *w, size_t node, size_t other)
{
	w->sum[node] += (double)w->order[other];
	w->count[node]++;
}

/* The mean of the places of callers (down) or callees decides about the place of each node. */
static void sweep(struct work *w, bool down)
{
	struct ifx_layout *l = w->l;

	memset(w->sum, 0, l->n_nodes * sizeof(*w->sum));
	memset(w->count, 0, l->n_nodes * sizeof(*w->count));
	memset(w->group_sum, 0, (l->n_groups + 1) * sizeof(*w->group_sum));
	memset(w->group_count, 0, (l->n_groups + 1) * sizeof(*w->group_count));
	for (size_t i = 0; i < l->n_edges; i++) {
		const struct ifx_layout_edge *e = &l->edges[i];

		if (l->nodes[e->from].layer == l->nodes[e->to].layer)
			continue;
		if (down)
			add_neighbour(w, e->to, e->from);
		else
			add_neighbour(w, e->from, e->to);
	}
	for (size_t i = 0; i < w->n; i++) {
		struct item *it = &w->items[i];
		size_t n = w->count[it->node];

		it->where = n ? w->sum[it->node] / (double)n : (double)w->order[it->node];
		w->group_sum[it->group] += it->where;
		w->group_count[it->group]++;
	}
	for (size_t i = 0; i < w->n; i++) {
		struct item *it = &w->items[i];

		it->group_where =
			it->group ? w->group_sum[it->group] / (double)w->group_count[it->group]
				  : it->where;
	}
	qsort(w->items, w->n, sizeof(*w->items), by_place);
	number(w);
}

/* ---- places ---- */

/* The lower end of columns: about as high as the whole is wide, and never a ladder of one. */
static size_t column_height(size_t n)
{
	size_t rows = 8;

	while (rows * rows < 3 * n)
		rows++;
	return rows * (IFX_NODE_HEIGHT + IFX_NODE_GAP);
}

struct pen {
	size_t x, y;     /* where the next node goes */
	size_t top, low; /* of columns */
	bool fresh;      /* nothing in this column yet */
};

static void next_column(struct pen *pen)
{
	if (pen->fresh)
		return;
	pen->x += IFX_NODE_WIDTH + IFX_COLUMN_GAP;
	pen->y = pen->top;
	pen->fresh = true;
}

static size_t put(struct work *w, struct pen *pen, const struct item *it)
{
	struct ifx_layout_node *node = &w->l->nodes[it->node];

	node->x = pen->x;
	node->y = pen->y;
	pen->y += IFX_NODE_HEIGHT + IFX_NODE_GAP;
	pen->fresh = false;
	return node->y + IFX_NODE_HEIGHT;
}

/* A group fits into a column, or has columns of its own. Returns the lowest edge. */
static size_t put_group(struct work *w, struct pen *pen, const struct item *items, size_t n)
{
	size_t height = n * (IFX_NODE_HEIGHT + IFX_NODE_GAP) - IFX_NODE_GAP + 2 * IFX_FRAME;
	struct ifx_layout_box *box = &w->l->groups[items->group - 1];
	size_t low = 0;
	bool tall = pen->top + height > pen->low;

	if (tall || pen->y + height > pen->low)
		next_column(pen);
	*box = (struct ifx_layout_box){ .x = pen->x - IFX_FRAME, .y = pen->y };
	pen->y += IFX_FRAME;
	for (size_t i = 0; i < n; i++) {
		size_t bottom;

		if (pen->y + IFX_NODE_HEIGHT > pen->low) {
			next_column(pen);
			pen->y += IFX_FRAME;
		}
		bottom = put(w, pen, &items[i]);
		low = bottom > low ? bottom : low;
	}
	box->width = pen->x + IFX_NODE_WIDTH + IFX_FRAME - box->x;
	box->height = low + IFX_FRAME - box->y;
	pen->y += IFX_FRAME;
	if (tall)
		next_column(pen);
	return low + IFX_FRAME;
}

/* Returns the lowest edge of the layer that begins at items. */
static size_t put_layer(struct work *w, struct pen *pen, const struct item *items, size_t n)
{
	struct ifx_layout_box *band = &w->l->layers[items->layer];
	size_t low = 0, right;

	band->x = pen->x;
	band->y = pen->top - IFX_BAND_HEAD;
	for (size_t i = 0, k; i < n; i = k) {
		size_t bottom;

		for (k = i + 1; items[i].group && k < n && items[k].group == items[i].group;)
			k++;
		if (items[i].group) {
			bottom = put_group(w, pen, &items[i], k - i);
		} else {
			if (pen->y + IFX_NODE_HEIGHT > pen->low)
				next_column(pen);
			bottom = put(w, pen, &items[i]);
		}
		low = bottom > low ? bottom : low;
	}
	right = pen->fresh ? pen->x - IFX_COLUMN_GAP : pen->x + IFX_NODE_WIDTH;
	band->width = right - band->x;
	pen->x = right + IFX_BAND_GAP;
	pen->y = pen->top;
	pen->fresh = true;
	return low;
}

/* Where a band makes the next row begin: many waves are read like lines of a text. */
static size_t row_width(size_t n)
{
	size_t columns = 10;

	while (2 * columns * columns < n)
		columns++;
	return columns * (IFX_NODE_WIDTH + IFX_BAND_GAP);
}

/* The bands of a row, from one layer to before another, are as high as the highest. */
static void end_row(struct ifx_layout *l, size_t from, size_t to, size_t low)
{
	for (size_t i = from; i < to; i++)
		if (l->layers[i].width)
			l->layers[i].height = low - l->layers[i].y;
}

static void begin_row(struct pen *pen, size_t y, size_t n)
{
	*pen = (struct pen){ .x = IFX_MARGIN + IFX_FRAME,
			     .y = y + IFX_BAND_HEAD,
			     .top = y + IFX_BAND_HEAD,
			     .low = y + IFX_BAND_HEAD + column_height(n),
			     .fresh = true };
}

static void put_layers(struct work *w)
{
	struct ifx_layout *l = w->l;
	size_t low = IFX_MARGIN, first = 0, limit = row_width(w->n);
	struct pen pen;

	begin_row(&pen, IFX_MARGIN, w->n);
	l->width = 2 * IFX_MARGIN + IFX_NODE_WIDTH;
	for (size_t i = 0, k; i < w->n; i = k) {
		size_t bottom, right;

		for (k = i + 1; k < w->n && w->items[k].layer == w->items[i].layer;)
			k++;
		if (pen.x + IFX_NODE_WIDTH > limit) {
			end_row(l, first, w->items[i].layer, low);
			first = w->items[i].layer;
			begin_row(&pen, low + IFX_ROW_GAP, w->n);
		}
		bottom = put_layer(w, &pen, &w->items[i], k - i);
		low = bottom > low ? bottom : low;
		right = pen.x - IFX_BAND_GAP + IFX_FRAME + IFX_MARGIN;
		l->width = right > l->width ? right : l->width;
	}
	end_row(l, first, l->n_layers, low);
	l->height = low + IFX_MARGIN;
}

/* Rows of a grid as wide as the rest. */
static void put_loose(struct work *w)
{
	struct ifx_layout *l = w->l;
	size_t n = l->n_nodes - w->n, step = IFX_NODE_WIDTH + IFX_COLUMN_GAP, columns = 1, at = 0;
	size_t left = IFX_MARGIN + IFX_FRAME, top = l->height + IFX_BAND_HEAD;

	if (!n)
		return;
	while (columns * columns * 5 < n)
		columns++;
	if (columns < (l->width - left) / step)
		columns = (l->width - left) / step;
	for (size_t i = 0; i < l->n_nodes; i++) {
		if (!l->nodes[i].loose)
			continue;
		l->nodes[i].x = left + at % columns * step;
		l->nodes[i].y = top + at / columns * (IFX_NODE_HEIGHT + IFX_NODE_GAP);
		at++;
	}
	columns = at < columns ? at : columns;
	l->below = (struct ifx_layout_box){
		.x = left, .y = l->height, .width = columns * step - IFX_COLUMN_GAP, .height = 0
	};
	l->below.height = top + (at - 1) / columns * (IFX_NODE_HEIGHT + IFX_NODE_GAP) +
			  IFX_NODE_HEIGHT - l->below.y;
	if (l->width < left + l->below.width + IFX_MARGIN)
		l->width = left + l->below.width + IFX_MARGIN;
	l->height = l->below.y + l->below.height + IFX_MARGIN;
}

/* ---- all ---- */

static bool work_init(struct work *w, struct ifx_layout *l)
{
	size_t n = l->n_nodes + 1, groups = l->n_groups + 1;

	*w = (struct work){ .l = l,
			    .items = ifx_calloc(n, sizeof(*w->items)),
			    .order = ifx_calloc(3 * n + groups, sizeof(*w->order)),
			    .sum = ifx_calloc(n + groups, sizeof(*w->sum)) };
	l->layers = ifx_calloc(l->n_layers + 1, sizeof(*l->layers));
	l->groups = ifx_calloc(groups, sizeof(*l->groups));
	if (!w->items || !w->order || !w->sum || !l->layers || !l->groups)
		return false;
	w->count = w->order + n;
	w->degree = w->count + n;
	w->group_count = w->degree + n;
	w->group_sum = w->sum + n;
	return true;
}

static void collect(struct work *w)
{
	struct ifx_layout *l = w->l;

	for (size_t i = 0; i < l->n_edges; i++)
		if (is_edge(&l->edges[i])) {
			w->degree[l->edges[i].from]++;
			w->degree[l->edges[i].to]++;
		}
	for (size_t i = 0; i < l->n_nodes; i++) {
		struct ifx_layout_node *node = &l->nodes[i];

		node->loose = !w->degree[i] && !node->group;
		if (!node->loose)
			w->items[w->n++] = (struct item){ .node = i,
							  .layer = node->layer,
							  .group = node->group,
							  .group_where = (double)i,
							  .where = (double)i };
	}
	/* A group stands together from the start. */
	for (size_t i = 0; i < w->n; i++)
		if (w->items[i].group)
			w->items[i].group_where = (double)w->items[i].group;
	qsort(w->items, w->n, sizeof(*w->items), by_place);
	number(w);
}

ifx_status ifx_layout_make(struct ifx_layout *l)
{
	struct work w;
	bool ok = work_init(&w, l);

	l->below = (struct ifx_layout_box){ 0 };
	if (ok) {
		collect(&w);
		for (int i = 0; i < SWEEPS; i++)
			sweep(&w, i % 2 == 0);
		put_layers(&w);
		put_loose(&w);
	} else {
		ifx_layout_release(l);
	}
	ifx_free(w.items);
	ifx_free(w.order);
	ifx_free(w.sum);
	return ok ? IFX_OK : IFX_ENOMEM;
}

void ifx_layout_release(struct ifx_layout *l)
{
	ifx_free(l->layers);
	ifx_free(l->groups);
	l->layers = l->groups = NULL;
}
