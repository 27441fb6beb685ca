/* The `imnn` executable: what its files share. */
#ifndef CORE_CLI_H
#define CORE_CLI_H
#include <lua.h>
#include <stdbool.h>

/** Answer ctrl-C from now on: imnn_interrupt(), and an error at the next step of the user's code.
 *  library  the folder of the library's own Lua files, whose loops end in their own way */
void cli_signals_start(lua_State *L, const char *library);
/** Whether a second ctrl-C, more than a second after a first that had no effect, may end the
 *  process: for scripts, not at the prompt. */
void cli_signals_deadly(bool yes);
/** Whether somebody pressed ctrl-C since the last call; takes back what it has set off. */
bool cli_signals_taken(void);

/** Push a table of functions that lua/imnn/repl.lua makes the prompt of. */
void cli_push_console(lua_State *L);
#endif
