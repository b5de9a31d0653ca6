/* The loop of one worker. */
#pragma once
#include <stdbool.h>

/* With `speaks` it says what it serves, and what is wrong with the rules of the site: one worker does so for all. Serves until it is told to end (SIGTERM, SIGINT), and then until its connections are done or the time for that is over. */
_Noreturn void server_run(bool speaks);
