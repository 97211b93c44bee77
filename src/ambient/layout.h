/*
 * Where the boxes of a layered graph go: one band for each layer from left to right, and the nodes
 * of a band in columns. Where bands would get too wide, the next ones begin a row below. Nodes are
 * so ordered that calls cross little (barycenters; Sugiyama, Tagawa and Toda 1981). Those of a
 * group stand together in a frame; those without edges stand below all, in a grid.
 *
 * No two nodes and no two frames overlap, and no node is in a frame that is not its group's. The
 * same graph always gets the same layout. Time: n log n + edges.
 */
#ifndef IFX_AMBIENT_LAYOUT_H
#define IFX_AMBIENT_LAYOUT_H

#include "base/str.h"

struct ifx_layout_node {
	size_t layer; /* given: from 0 */
	size_t group; /* given: from 1, all of it in one layer; 0: none */
	size_t x, y;  /* made: the upper left corner */
	bool loose;   /* made: it has no edges and no group, and stands below */
};

struct ifx_layout_edge {
	size_t from, to; /* nodes; both the same: it counts for nothing here */
};

/** Units are the caller's: pixels. An empty rectangle has width 0. */
struct ifx_layout_box {
	size_t x, y, width, height;
};

struct ifx_layout {
	struct ifx_layout_node *nodes;
	size_t n_nodes;
	const struct ifx_layout_edge *edges;
	size_t n_edges, n_layers, n_groups;
	/* Made; to be freed with ifx_layout_release. */
	struct ifx_layout_box *layers; /* the bands, n_layers of them */
	struct ifx_layout_box *groups; /* the frames, n_groups of them */
	struct ifx_layout_box below;   /* of the nodes without edges */
	size_t width, height;
};

enum {
	IFX_NODE_WIDTH = 168,
	IFX_NODE_HEIGHT = 26,
	IFX_NODE_GAP = 10,   /* between nodes of a column */
	IFX_FRAME = 8,       /* from the nodes of a group to their frame */
	IFX_COLUMN_GAP = 28, /* between columns of a band */
	IFX_BAND_GAP = 96,   /* between bands: room for edges */
	IFX_ROW_GAP = 56,    /* between rows of bands */
	IFX_BAND_HEAD = 28,  /* above the nodes of a band: room for its name */
	IFX_MARGIN = 16,
};

/** Fill what is made. IFX_ENOMEM: nothing is, and nothing is to be released. */
IFX_MUST_USE ifx_status ifx_layout_make(struct ifx_layout *layout);
void ifx_layout_release(struct ifx_layout *layout);

#endif
