/* Arguments and wiring: the one file that knows everybody. */
#include "build.h"

int
main(void)
{
	return 0;
}
