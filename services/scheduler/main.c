/* scheduler: plans calls, feeds them to the dispatchers, sweeps, completes. One of them leads. */
#include "app.h"

int main(int argc, char **argv)
{
	return app_run(argc, argv);
}
