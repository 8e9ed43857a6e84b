/*
 * The hosts file and resolv.conf: others write them, DHCP servers have a say.
 * Besides memory errors: no more is found than there is room for, and what is
 * found is an address.
 */
#include "build.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"

enum { MOST = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct addr *a, size_t n)
{
	if (n > MOST)
		abort();
	for (size_t i = 0; i < n; i++)
		if (!addr_family(&a[i]))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr a[MOST];
	/* A copy of that size, so that a read beyond it is seen. */
	char *text = malloc(size ? size : 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	struct hosts *h = hosts_parse(text, size);
	check(a, hosts_find(h, "a.test", AF_UNSPEC, a, MOST));
	check(a, hosts_find(h, "LocalHost.", AF_INET6, a, MOST));
	hosts_free(h);
	check(a, hosts_nameservers(text, size, a, MOST));
	free(text);
	return 0;
}
