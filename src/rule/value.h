/*
 * Would Istio take this value? One checker per value type of the catalogue, each following
 * the code that reads it.
 */
#ifndef IFX_RULE_VALUE_H
#define IFX_RULE_VALUE_H

#include "rule/facts.h"

/**
 * True when Istio's reader of this key accepts `value` as meant. Otherwise `why` (may be NULL) gets
 * a short clause: "not a quantity", "port 70000 is above 65535", "'*' is not allowed here".
 * IFX_VALUE_PROXYCONFIG and IFX_VALUE_JSON are only checked for being not empty where that
 * matters; their content is checked by whoever parses it.
 */
bool ifx_value_ok(const struct ifx_key_fact *fact, ifx_str value, struct ifx_buf *why);

#endif
