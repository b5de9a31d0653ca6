/* `--watch`: notices that the root folder changed, and loads its index anew once it has been quiet. */
#pragma once
#include <stdbool.h>

/* Loads the site for the first time, watching if it is wanted. Ends the process if that is not possible. `speaks` as in server_run. */
void site_start(int epoll, bool speaks);
/* The descriptor whose events are for `watching_ready`, or -1. */
extern int watching;
void watching_ready(void);
/* The site is to be read again, whatever was noticed: SIGHUP. */
void watching_reload(void);
/* Loads the site if it is time. Returns the milliseconds until this is to be called again, -1 for never. */
int watching_tick(void);
