/* belfry: the command line for people, and for their scripts. */
#include "app.h"

int main(int argc, char **argv)
{
	return app_run(argc, argv);
}
