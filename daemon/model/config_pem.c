/* Files with certificates and keys that the configuration names. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "doc.h"
#include "file.h"

enum { PEM_MOST = 4 << 20 };

void
config_pem_check(const struct config_reader *r, const struct doc_node *at,
    const char *path, const char *begin)
{
	char *text = NULL;
	size_t len;
	int err;

	if (!r->files || path == NULL)
		return;
	err = file_read_regular(path, PEM_MOST, &text, &len);
	if (err < 0) {
		doc_error(r->errors, at, "%s cannot be read: %s", path,
		    file_why(err));
		return;
	}
	if (strstr(text, begin) == NULL)
		doc_error(r->errors, at,
		    "%s is no PEM file of that kind: it has no line that "
		    "starts with %s",
		    path, begin);
	explicit_bzero(text, len);
	free(text);
}
