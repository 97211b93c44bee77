/*
 * A glance at the labels and annotations of a document, line by line, without parsing it. Nearly
 * every manifest has labels, and in nearly all of them there is nothing to say about them.
 *
 * Understood are block maps of one-line `key: value`, and block scalars behind a key. Whatever is
 * written in another way is `odd`, and the document has to be parsed.
 *
 * One thing goes unseen: a second `labels` in one map, behind a quoted scalar of several lines of
 * which one stands less deep than the map and looks like a key.
 */
#ifndef IFX_RULE_GLANCE_H
#define IFX_RULE_GLANCE_H

#include "base/str.h"

struct ifx_glance {
	bool odd;   /* something is written in a way that is not understood here */
	bool typed; /* a value is no string to go-yaml v2 (yaml/resolve.h) */
	bool twice; /* a key is there twice, or `labels` or `annotations` itself in one map */
};

struct ifx_glance ifx_glance(ifx_str document);

/** concerns of a transform that looks for values which are no strings; for keys that are twice. */
bool ifx_glance_typed(ifx_str document);
bool ifx_glance_twice(ifx_str document);

#endif
