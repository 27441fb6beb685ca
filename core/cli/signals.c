/* Ctrl-C. Programs look at the wish to stop between tiles; Lua code is stopped by a hook, which
 * raises an error at the next step of the user's code. */
#include "core/cli/cli.h"
#include "imnn.h"
#include <errno.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A handler has no arguments: what it needs belongs to the process. */
static lua_State *state;
static pthread_t main_thread;
static char library_source[4096]; /* how the sources of the library's files begin */
static atomic_bool deadly, pressed, hooked;
static double hooked_at; /* of the handler alone, which does not interrupt itself */

/** The level of the innermost function written in Lua: what C's functions do is done for it. A
 *  hook is not a level of its own. */
static int innermost(lua_State *L, lua_Debug *at)
{
    int level = 0;
    while (lua_getstack(L, level, at) && lua_getinfo(L, "S", at) && *at->what == 'C') level++;
    return level;
}

/** Raise, unless a program or a loop of the library has answered or will: then look again after
 *  some thousands of instructions, so that what the library still makes of what it has got takes no
 *  longer than usual. (LuaJIT compiles nothing where it calls hooks, and gives up a loop for good
 *  after some attempts.) */
static void hook(lua_State *L, lua_Debug *why)
{
    enum { SELDOM = 5000 };
    lua_Debug at = {.source = ""};
    int level = innermost(L, &at);
    if (!strncmp(at.source, library_source, strlen(library_source))) {
        lua_sethook(L, hook, LUA_MASKCOUNT, SELDOM);
        return;
    }
    lua_sethook(L, NULL, 0, 0);
    atomic_store(&hooked, false);
    if (!imnn_interrupted()) return;
    luaL_where(L, level);
    lua_pushliteral(L, "interrupted");
    lua_concat(L, 2);
    lua_error(L);
}

static void say(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void on_interrupt(int signal_number)
{
    if (!pthread_equal(pthread_self(), main_thread)) { /* Lua belongs to one thread */
        pthread_kill(main_thread, signal_number);
        return;
    }
    int error = errno;
    bool again = atomic_load(&hooked) && imnn_seconds() - hooked_at > 1;
    if (again && atomic_load(&deadly)) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT); /* as soon as this handler returns; shells call it status 130 */
    } else if (again) {
        say("still computing; ctrl-\\ ends imnn\n");
    }
    if (!atomic_exchange(&hooked, true)) hooked_at = imnn_seconds();
    atomic_store(&pressed, true);
    imnn_interrupt();
    lua_sethook(state, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
    errno = error;
}

/** SIGTERM, SIGUSR1: a loop that listens comes to an end by itself. */
static void on_ending(int signal_number)
{
    if (imnn_ending_ask()) return;
    signal(signal_number, SIG_DFL);
    raise(signal_number); /* as soon as this handler returns */
}

void cli_signals_start(lua_State *L, const char *library)
{
    struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: reading ends, too */
    state = L;
    main_thread = pthread_self();
    snprintf(library_source, sizeof library_source, "@%s", library);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = on_ending;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

void cli_signals_deadly(bool yes) { atomic_store(&deadly, yes); }

bool cli_signals_taken(void)
{
    lua_sethook(state, NULL, 0, 0);
    atomic_store(&hooked, false);
    imnn_interrupted();
    return atomic_exchange(&pressed, false);
}
