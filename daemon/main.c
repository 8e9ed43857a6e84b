/* Arguments and wiring: the one file that knows everybody. */
#include "build.h"

#include <string.h>

#include "print.h"
#include "reflect.h"

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "reflect") == 0)
		return reflect_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "print") == 0)
		return print_main(argc - 1, argv + 1);
	return 0;
}
