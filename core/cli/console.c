/* Reading lines with libedit: what lua/imnn/repl.lua makes the prompt of. */
#include "core/cli/cli.h"
#include "imnn.h"
#include <errno.h>
#include <histedit.h>
#include <lauxlib.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { REMEMBERED = 1000 };

/* libedit's callbacks have no room for data of their own, and there is one terminal. */
static struct {
    EditLine *edit;
    History *history;
    lua_State *L;
    const char *prompt;
    sigset_t open; /* the signals that may arrive while waiting for a key */
    bool cancelled;
    int completer; /* reference to the Lua function */
} console = {.completer = LUA_NOREF};
static volatile sig_atomic_t changed; /* the window, or the terminal's mode while we were stopped */

static void on_change(int signal_number) { changed = signal_number; }

static char *prompt(EditLine *edit) { return (char *)(uintptr_t)console.prompt; }

/** Wait for a byte: 1, 0 at the end of the input, -1 when cancelled or failed. */
static int next_byte(EditLine *edit, char *byte)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (ppoll(&in, 1, NULL, &console.open) < 0) {
        if (errno != EINTR) return -1;
        console.cancelled = cli_signals_taken();
        if (console.cancelled) return -1;
        if (changed == SIGCONT) el_set(edit, EL_PREP_TERM, 0), el_set(edit, EL_PREP_TERM, 1);
        if (changed == SIGWINCH) el_resize(edit);
        if (changed) el_set(edit, EL_REFRESH);
        changed = 0;
    }
    return (int)read(STDIN_FILENO, byte, 1);
}

static int next_character(EditLine *edit, wchar_t *character)
{
    mbstate_t state = {0};
    for (;;) {
        char byte;
        int n = next_byte(edit, &byte);
        if (n != 1) return n;
        size_t length = mbrtowc(character, &byte, 1, &state);
        if (length == (size_t)-1) memset(&state, 0, sizeof state); /* not UTF-8: forget it */
        else if (length != (size_t)-2) return 1;
    }
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/** Ask Lua what could go on: it gives the text to insert, or a list to show, or neither. */
static unsigned char complete(EditLine *edit, int key)
{
    lua_State *L = console.L;
    const LineInfo *line = el_line(edit);
    unsigned char answer = CC_ERROR;
    if (console.completer == LUA_NOREF) return answer;
    lua_rawgeti(L, LUA_REGISTRYINDEX, console.completer);
    lua_pushlstring(L, line->buffer, (size_t)(line->cursor - line->buffer));
    lua_pushinteger(L, columns());
    int failed = lua_pcall(L, 2, 2, 0);
    if (!failed && lua_isstring(L, -2)) {
        if (el_insertstr(edit, lua_tostring(L, -2)) == 0) answer = CC_REFRESH;
    } else if (!failed && lua_isstring(L, -1)) {
        printf("\n%s\n", lua_tostring(L, -1));
        answer = CC_REDISPLAY;
    }
    lua_pop(L, failed ? 1 : 2);
    return answer;
}

static void start(lua_State *L)
{
    struct sigaction action = {.sa_handler = on_change, .sa_flags = SA_RESTART};
    HistEvent event;
    setlocale(LC_CTYPE, ""); /* and no other: numbers are written with a point */
    console.L = L;
    console.edit = el_init("imnn", stdin, stdout, stderr);
    console.history = history_init();
    if (!console.edit || !console.history) luaL_error(L, "the terminal cannot edit lines");
    history(console.history, &event, H_SETSIZE, REMEMBERED);
    history(console.history, &event, H_SETUNIQUE, 1);
    el_set(console.edit, EL_EDITOR, "emacs");
    el_set(console.edit, EL_PROMPT, prompt);
    el_set(console.edit, EL_HIST, history, console.history);
    el_set(console.edit, EL_GETCFN, next_character);
    el_set(console.edit, EL_ADDFN, "imnn-complete", "go on with what fits", complete);
    el_set(console.edit, EL_BIND, "^I", "imnn-complete", NULL);
    el_set(console.edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(console.edit, EL_BIND, "\\e[3~", "ed-delete-next-char", NULL);
    el_source(console.edit, NULL); /* the user's own ~/.editrc */
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
}

/** line(prompt): a line; nil at the end of the input; false after ctrl-C. */
static int line(lua_State *L)
{
    sigset_t held;
    int length = 0;
    console.prompt = luaL_checkstring(L, 1);
    if (!console.edit) start(L);
    /* Signals arrive only while next_byte waits, so none is lost between looking and waiting. */
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGWINCH);
    sigaddset(&held, SIGCONT);
    sigprocmask(SIG_BLOCK, &held, &console.open);
    console.cancelled = false;
    el_resize(console.edit); /* the window may have changed since */
    const char *text = el_gets(console.edit, &length);
    sigprocmask(SIG_SETMASK, &console.open, NULL);
    if (console.cancelled) {
        puts("^C");
        lua_pushboolean(L, false);
    } else if (!text || length <= 0) {
        putchar('\n');
        lua_pushnil(L);
    } else {
        while (length > 0 && text[length - 1] == '\n') length--;
        lua_pushlstring(L, text, (size_t)length);
    }
    return 1;
}

/** remember(line): for the arrow keys. */
static int remember(lua_State *L)
{
    HistEvent event;
    const char *text = luaL_checkstring(L, 1);
    if (!console.edit) start(L);
    history(console.history, &event, H_ENTER, text);
    return 0;
}

/** completer(function (text before the cursor, width of the terminal)): see complete(). */
static int completer(lua_State *L)
{
    luaL_unref(L, LUA_REGISTRYINDEX, console.completer);
    lua_settop(L, 1);
    console.completer = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/** terminal(): whether somebody is there to edit lines. */
static int terminal(lua_State *L)
{
    lua_pushboolean(L, imnn_terminal(STDIN_FILENO) && imnn_terminal(STDOUT_FILENO));
    return 1;
}

/** interrupted(): whether ctrl-C was pressed since the last question. */
static int interrupted(lua_State *L)
{
    lua_pushboolean(L, cli_signals_taken());
    return 1;
}

void cli_push_console(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"line", line},         {"remember", remember},       {"completer", completer},
        {"terminal", terminal}, {"interrupted", interrupted}, {NULL, NULL}};
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    lua_pushstring(L, imnn_version());
    lua_setfield(L, -2, "version");
}
