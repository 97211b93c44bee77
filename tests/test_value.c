#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule/value.h"

#define LONG63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"

/* key: an annotation, or a label if it begins with '='. why NULL: the value is good. */
static const struct {
	const char *key, *value, *why;
} cases[] = {
	/* bool_exact */
	{ "sidecar.istio.io/inject", "true", NULL },
	{ "sidecar.istio.io/inject", "false", NULL },
	{ "sidecar.istio.io/inject", "False", "not true or false" },
	{ "sidecar.istio.io/inject", "no", "not true or false" },
	{ "=sidecar.istio.io/inject", "", "not true or false" },
	/* bool_go */
	{ "prometheus.istio.io/merge-metrics", "T", NULL },
	{ "prometheus.istio.io/merge-metrics", "0", NULL },
	{ "prometheus.istio.io/merge-metrics", "False", NULL },
	{ "prometheus.istio.io/merge-metrics", "tRue", "not true or false" },
	{ "prometheus.istio.io/merge-metrics", "yes", "not true or false" },
	{ "istio.io/dry-run", "true ", "not true or false" },
	/* bool_fold */
	{ "=networking.istio.io/enable-autoallocate-ip", "FaLsE", NULL },
	{ "=networking.istio.io/enable-autoallocate-ip", "no", "not true or false" },
	/* string, presence, proxyconfig */
	{ "kubernetes.io/ingress.class", "", NULL },
	{ "proxy.istio.io/health-checks-enabled", "x", NULL },
	{ "proxy.istio.io/config", "", NULL },
	/* uint */
	{ "readiness.status.sidecar.istio.io/periodSeconds", "30", NULL },
	{ "readiness.status.sidecar.istio.io/periodSeconds", "4294967295", NULL },
	{ "readiness.status.sidecar.istio.io/periodSeconds", "4294967296",
	  "4294967296 is above 4294967295" },
	{ "readiness.status.sidecar.istio.io/periodSeconds", "30s", "not a whole number" },
	{ "readiness.status.sidecar.istio.io/periodSeconds", "-1", "not a whole number" },
	{ "readiness.status.sidecar.istio.io/periodSeconds", " 1", "not a whole number" },
	{ "readiness.status.sidecar.istio.io/periodSeconds", "", "not a whole number" },
	/* port */
	{ "status.sidecar.istio.io/port", "15020", NULL },
	{ "status.sidecar.istio.io/port", " 15020 ", NULL },
	{ "status.sidecar.istio.io/port", "0", NULL },
	{ "status.sidecar.istio.io/port", "70000", "port 70000 is above 65535" },
	{ "status.sidecar.istio.io/port", "http", "'http' is not a port" },
	{ "status.sidecar.istio.io/port", "", "a port is missing" },
	/* percent_int */
	{ "istio.io/use-waypoint-canary-weight", "0", NULL },
	{ "istio.io/use-waypoint-canary-weight", "+100", NULL },
	{ "istio.io/use-waypoint-canary-weight", "-0", NULL },
	{ "istio.io/use-waypoint-canary-weight", "101", "not from 0 to 100" },
	{ "istio.io/use-waypoint-canary-weight", "-1", "not from 0 to 100" },
	{ "istio.io/use-waypoint-canary-weight", "10%", "not a whole number" },
	{ "istio.io/use-waypoint-canary-weight", "1.5", "not a whole number" },
	/* enum */
	{ "sidecar.istio.io/interceptionMode", "REDIRECT", NULL },
	{ "sidecar.istio.io/interceptionMode", "redirect", "not one of REDIRECT,TPROXY,NONE" },
	{ "sidecar.istio.io/interceptionMode", "REDIRECT,TPROXY",
	  "not one of REDIRECT,TPROXY,NONE" },
	{ "sidecar.istio.io/interceptionMode", "", "not one of REDIRECT,TPROXY,NONE" },
	{ "sidecar.istio.io/logLevel", "warn", NULL }, /* open */
	{ "networking.istio.io/address-type", "Hostname", NULL },
	{ "networking.istio.io/traffic-distribution", "preferclose", NULL }, /* any case */
	{ "networking.istio.io/traffic-distribution", "close",
	  "not one of PreferClose,PreferSameZone,PreferSameNode" },
	{ "=istio.io/dataplane-mode", "ambient", NULL },
	{ "=istio.io/dataplane-mode", "Ambient", "not one of ambient,none" },
	{ "=istio-injection", "enabled", NULL },
	{ "=istio-injection", "true", "not one of enabled,disabled" },
	/* timestamp */
	{ "istio.io/connectedAt", "2026-08-22T10:00:00Z", NULL },
	{ "istio.io/connectedAt", "2026-08-22T10:00:00.123456789+02:00", NULL },
	{ "istio.io/connectedAt", "2026-08-22", "not an RFC 3339 time" },
	{ "istio.io/connectedAt", "2026-08-22T10:00:00.Z", "not an RFC 3339 time" },
	{ "istio.io/connectedAt", "2026-08-22T10:00:00", "not an RFC 3339 time" },
	/* host_port */
	{ "sidecar.istio.io/discoveryAddress", "istiod.istio-system.svc:15012", NULL },
	{ "sidecar.istio.io/discoveryAddress", "[2001:db8::1]:15012", NULL },
	{ "sidecar.istio.io/discoveryAddress", "2001:db8::1:15012",
	  "an IPv6 address stands in brackets before its port" },
	{ "sidecar.istio.io/discoveryAddress", "istiod", "not host:port" },
	{ "sidecar.istio.io/discoveryAddress", ":15012", "not host:port" },
	{ "sidecar.istio.io/discoveryAddress", "https://istiod:15012", "not host:port" },
	{ "sidecar.istio.io/discoveryAddress", "istiod:0", "'0' is not a port from 1 to 65535" },
	{ "sidecar.istio.io/discoveryAddress", "istiod:x", "'x' is not a port from 1 to 65535" },
	/* image_ref */
	{ "sidecar.istio.io/proxyImage", "docker.io/istio/proxyv2:1.30.0", NULL },
	{ "sidecar.istio.io/proxyImage", "foo-envoy", "an image without a slash is ignored" },
	{ "sidecar.istio.io/proxyImage", "", "not an image reference" },
	{ "sidecar.istio.io/proxyImage", "a/b c", "not an image reference" },
	/* label_value */
	{ "=topology.istio.io/network", "", NULL },
	{ "=topology.istio.io/network", "network-1_A.b", NULL },
	{ "=topology.istio.io/network", LONG63, NULL },
	{ "=topology.istio.io/network", LONG63 "x", "longer than 63 characters" },
	{ "=topology.istio.io/network", "-a",
	  "a label value begins and ends with a letter or digit" },
	{ "=topology.istio.io/network", "a.",
	  "a label value begins and ends with a letter or digit" },
	{ "=topology.istio.io/network", "a/b",
	  "a label value has letters, digits, '-', '_' and '.' only" },
	/* dns_label */
	{ "=istio.io/rev", "1-10-0", NULL },
	{ "=istio.io/rev", LONG63, NULL },
	{ "=istio.io/rev", "1.10.0",
	  "a name of 1 to 63 lower-case letters, digits and '-' is meant" },
	{ "=istio.io/rev", "", "a name of 1 to 63 lower-case letters, digits and '-' is meant" },
	{ "=istio.io/rev", "Canary",
	  "a name of 1 to 63 lower-case letters, digits and '-' is meant" },
	{ "=istio.io/rev", "a-", "a name of 1 to 63 lower-case letters, digits and '-' is meant" },
	/* dns_name, configmap_name */
	{ "=istio.io/use-waypoint", "none", NULL },
	{ "=istio.io/use-waypoint", "waypoint.v-1", NULL },
	{ "=istio.io/use-waypoint", "a..b",
	  "a name has lower-case letters, digits, '-' and '.' only" },
	{ "=istio.io/use-waypoint", "a.-b",
	  "a name has lower-case letters, digits, '-' and '.' only" },
	{ "=istio.io/use-waypoint", "a-.b",
	  "a name has lower-case letters, digits, '-' and '.' only" },
	{ "=istio.io/use-waypoint", ".a",
	  "a name has lower-case letters, digits, '-' and '.' only" },
	{ "=istio.io/use-waypoint", "", "a name has 1 to 253 characters" },
	{ "sidecar.istio.io/bootstrapOverride", "my-bootstrap", NULL },
	{ "sidecar.istio.io/bootstrapOverride", "My",
	  "a name has lower-case letters, digits, '-' and '.' only" },
	/* binding */
	{ "ambient.istio.io/waypoint-inbound-binding", "NONE", NULL },
	{ "ambient.istio.io/waypoint-inbound-binding", "PROXY/15088", NULL },
	{ "ambient.istio.io/waypoint-inbound-binding", "proxy",
	  "not NONE or PROXY, or one of them with '/port'" },
	{ "ambient.istio.io/waypoint-inbound-binding", "",
	  "not NONE or PROXY, or one of them with '/port'" },
	{ "ambient.istio.io/waypoint-inbound-binding", "PROXY/ 1", "' 1' is not a port" },
	{ "ambient.istio.io/waypoint-inbound-binding", "PROXY/", "a port is missing" },
	{ "ambient.istio.io/waypoint-inbound-binding", "PROXY/1/2", "'1/2' is not a port" },
	/* quantity */
	{ "sidecar.istio.io/proxyCPU", "100m", NULL },
	{ "sidecar.istio.io/proxyCPU", "2", NULL },
	{ "sidecar.istio.io/proxyCPU", "0.5", NULL },
	{ "sidecar.istio.io/proxyCPU", ".5", NULL },
	{ "sidecar.istio.io/proxyCPU", "1.", NULL },
	{ "sidecar.istio.io/proxyCPU", "+1", NULL },
	{ "sidecar.istio.io/proxyCPU", "-1", NULL },
	{ "sidecar.istio.io/proxyMemory", "4", NULL },
	{ "sidecar.istio.io/proxyMemory", "128Mi", NULL },
	{ "sidecar.istio.io/proxyMemory", "1.5Gi", NULL },
	{ "sidecar.istio.io/proxyMemory", "1G", NULL },
	{ "sidecar.istio.io/proxyMemory", "1E", NULL },
	{ "sidecar.istio.io/proxyMemory", "1E3", NULL },
	{ "sidecar.istio.io/proxyMemory", "1e-3", NULL },
	{ "sidecar.istio.io/proxyMemory", "1e+3", NULL },
	{ "sidecar.istio.io/proxyMemory", "100n", NULL },
	{ "sidecar.istio.io/proxyMemory", "128MB", "'MB' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "128mi", "'mi' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "128K", "'K' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "128 Mi", "' Mi' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "1e", "'e' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "1e3k", "'e3k' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "1,5", "',5' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "n,u", "not a quantity" },
	{ "sidecar.istio.io/proxyMemory", "", "not a quantity" },
	{ "sidecar.istio.io/proxyMemory", "Mi", "not a quantity" },
	{ "sidecar.istio.io/proxyMemory", "-", "not a quantity" },
	{ "sidecar.istio.io/proxyMemory", "1\n", "'\n' is not a suffix of a quantity" },
	{ "sidecar.istio.io/proxyMemory", "1e9223372036854775807", NULL },
	{ "sidecar.istio.io/proxyMemory", "1e9223372036854775808", "the exponent does not fit" },
	{ "sidecar.istio.io/proxyMemory", "1e-9223372036854775808", NULL },
	/* duration_go */
	{ "sidecar.istio.io/statsFlushInterval", "5s", NULL },
	{ "sidecar.istio.io/statsFlushInterval", "5", "not a Go duration such as 45s or 1m30s" },
	{ "sidecar.istio.io/statsFlushInterval", "x", "not a duration" },
	/* list_comma */
	{ "inject.istio.io/templates", "sidecar, custom", NULL },
	{ "galley.istio.io/analyze-suppress", "IST0107,IST0108", NULL },
	{ "galley.istio.io/analyze-suppress", "*", NULL },
	{ "galley.istio.io/analyze-suppress", "IST0107, IST0108",
	  "the blank beside 'IST0108' is taken for a part of it" },
	/* port_list */
	{ "traffic.sidecar.istio.io/includeInboundPorts", "*", NULL },
	{ "traffic.sidecar.istio.io/includeInboundPorts", "", NULL },
	{ "traffic.sidecar.istio.io/includeInboundPorts", "80, 443 ,8080", NULL },
	{ "traffic.sidecar.istio.io/includeInboundPorts", "80,", "a port is missing" },
	{ "traffic.sidecar.istio.io/includeInboundPorts", "80,*",
	  "'*' stands alone, without ports and blanks" },
	{ "traffic.sidecar.istio.io/includeInboundPorts", "1-1024", "'1-1024' is not a port" },
	{ "traffic.sidecar.istio.io/excludeInboundPorts", "*", "'*' is not allowed here" },
	{ "traffic.sidecar.istio.io/excludeInboundPorts", "70000", "port 70000 is above 65535" },
	/* cidr_list */
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "*", NULL },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "", NULL },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/8,fd00::/8", NULL },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "::ffff:1.2.3.0/120", NULL },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/8, 10.1.0.0/16",
	  "blanks are not allowed here" },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.1",
	  "'10.0.0.1' is not an address range" },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/33",
	  "'10.0.0.0/33' is not an address range" },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/08",
	  "'10.0.0.0/08' is not an address range" },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "010.0.0.0/8",
	  "'010.0.0.0/8' is not an address range" },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "fe80::%eth0/64",
	  "'fe80::%eth0/64' is not an address range" },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/8,",
	  "an address range is missing" },
	{ "traffic.sidecar.istio.io/includeOutboundIPRanges", "* ",
	  "'*' stands alone, without ranges and blanks" },
	{ "traffic.sidecar.istio.io/excludeOutboundIPRanges", "*", "'*' is not allowed here" },
	/* iface_list */
	{ "istio.io/reroute-virtual-interfaces", "net1,veth-a.b_c:1,eth+", NULL },
	{ "istio.io/reroute-virtual-interfaces", "", NULL },
	{ "istio.io/reroute-virtual-interfaces", "a123456789012345",
	  "'a123456789012345' has more than 15 characters" },
	{ "istio.io/reroute-virtual-interfaces", "a b", "'a b' is not the name of an interface" },
	{ "istio.io/reroute-virtual-interfaces", "a/b", "'a/b' is not the name of an interface" },
	{ "istio.io/reroute-virtual-interfaces", "a,,b", "an interface is missing" },
	/* json */
	{ "sidecar.istio.io/userVolume", "{}", NULL },
	{ "sidecar.istio.io/userVolume", " ", "empty, JSON is meant" },
	{ "sidecar.istio.io/status", "", NULL },
	/* holes of templates */
	{ "sidecar.istio.io/proxyCPU", "{{ .Values.cpu }}", NULL },
	{ "sidecar.istio.io/inject", "${INJECT}", NULL },
};

static void values_are_judged_as_their_reader_does(void **state)
{
	struct ifx_buf why;

	(void)state;
	ifx_buf_init(&why, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool label = cases[i].key[0] == '=';
		const struct ifx_key_fact *fact =
			label ? ifx_fact_label(ifx_str_of(cases[i].key + 1))
			      : ifx_fact_annotation(ifx_str_of(cases[i].key));
		bool ok;

		if (!fact)
			fail_msg("there is no '%s'", cases[i].key);
		ok = ifx_value_ok(fact, ifx_str_of(cases[i].value), &why);
		if (ok != !cases[i].why)
			fail_msg("%s: '%s' is %d", cases[i].key, cases[i].value, ok);
		if (!ok && strcmp(why.data, cases[i].why) != 0)
			fail_msg("%s: '%s': %s", cases[i].key, cases[i].value, why.data);
		assert_true(!ok || !why.len);
		assert_int_equal(ifx_value_ok(fact, ifx_str_of(cases[i].value), NULL), ok);
		ifx_buf_clear(&why);
	}
	ifx_buf_release(&why);
}

/* Bytes that no key wants must not hurt any checker. */
static void no_checker_reads_beyond_the_value(void **state)
{
	static const char bytes[] = "\0\xff/:,.[*-9eE";
	const struct ifx_key_fact *facts;
	size_t n;

	(void)state;
	for (int labels = 0; labels < 2; labels++) {
		facts = labels ? ifx_fact_labels(&n) : ifx_fact_annotations(&n);
		for (size_t i = 0; i < n; i++) {
			ifx_value_ok(&facts[i], IFX_NONE, NULL);
			for (size_t from = 0; from < sizeof(bytes); from++)
				for (size_t to = from; to < sizeof(bytes); to++)
					ifx_value_ok(&facts[i],
						     (ifx_str){ bytes + from, to - from }, NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_judged_as_their_reader_does),
		cmocka_unit_test(no_checker_reads_beyond_the_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
