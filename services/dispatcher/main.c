/* dispatcher: places each call at its instant, within its limits, once. */
#include "app.h"

int main(int argc, char **argv)
{
	return app_run(argc, argv);
}
