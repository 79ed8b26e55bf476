/* cron-next: the instants at which cron expressions fire, line by line. */
#include "app.h"

int main(int argc, char **argv)
{
	return app_run(argc, argv);
}
