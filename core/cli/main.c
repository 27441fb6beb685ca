/* The `imnn` executable: runs scripts, is the prompt. What can be Lua is in lua/imnn/repl.lua. */
#include "core/cli/cli.h"
#include "imnn.h"
#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 1, MISUSED = 2, INTERRUPTED = 130 };

static const char help[] =
    "imnn [OPTIONS] [SCRIPT [ARGUMENTS]]\n"
    "\n"
    "Runs a Lua script; without one, a prompt.\n"
    "  SCRIPT      a file, or - for the standard input; its arguments are in `arg` and `...`\n"
    "  -e CODE     run CODE, in which np, random, stax, optimizers, lfi, imnn, ... are there\n"
    "  -i          go on to the prompt after CODE or SCRIPT\n"
    "  help [NAME] tell about a function, a module, or what there is\n"
    "  doctor      say what was found on this machine, and how fast it is\n"
    "  --version   versions, and the papers to cite\n"
    "  --help      this text\n"
    "\n"
    "At the prompt an expression shows its value, ?np.sum tells about a function, TAB completes\n"
    "names, and what `local` names at the start of a line stays for the next lines.\n"
    "\n"
    "Environment: OMP_NUM_THREADS limits the threads; IMNN_TRACEBACK=1 shows the calls that led "
    "to\n"
    "an error; IMNN_MAX_CPU_ISA=AVX2 or SSE2 keeps to older processors' instructions.\n";

/** What the words before a script ask for. */
typedef struct command {
    bool prompt, help;
    lua_CFunction task; /* help, doctor, version, worker */
    const char *script; /* NULL: none */
    int codes, rest;    /* how many -e; index of the script's first argument */
} command;

/** An error becomes the text that is shown. */
static int describe(lua_State *L)
{
    const char *trace = getenv("IMNN_TRACEBACK");
    if (!lua_isstring(L, 1)) {
        if (!luaL_callmeta(L, 1, "__tostring"))
            lua_pushfstring(L, "an error that is no text, but a %s", luaL_typename(L, 1));
        lua_replace(L, 1);
    }
    lua_settop(L, 1);
    if (trace && !strcmp(trace, "1")) luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

/** Tell the error on top of the stack; the exit status. */
static int complain(lua_State *L)
{
    const char *text = lua_tostring(L, -1);
    fflush(stdout);
    fprintf(stderr, "imnn: %s\n", text ? text : "an error that has no text");
    lua_pop(L, 1);
    return cli_signals_taken() ? INTERRUPTED : FAILED;
}

/** Call the function below its n arguments; the exit status. */
static int call(lua_State *L, int n)
{
    int at = lua_gettop(L) - n;
    lua_pushcfunction(L, describe);
    lua_insert(L, at);
    int failed = lua_pcall(L, n, 0, at);
    lua_remove(L, at);
    return failed ? complain(L) : 0;
}

/** Run the chunk on top of the stack, or tell why it did not load. Its n arguments lie below it.
 *  Compiled code does not look at hooks, so the user's own code is interpreted: ctrl-C ends any
 *  loop. */
static int run(lua_State *L, int failed, int n)
{
    if (failed) return complain(L);
    luaJIT_setmode(L, -1, LUAJIT_MODE_ALLFUNC | LUAJIT_MODE_OFF);
    lua_insert(L, -n - 1);
    return call(L, n);
}

static int perform(lua_State *L, lua_CFunction task)
{
    lua_pushcfunction(L, task);
    return call(L, 0);
}

/** Push require(module), or its member of that name. */
static void push_module(lua_State *L, const char *module, const char *name)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    lua_call(L, 1, 1);
    if (name) lua_getfield(L, -1, name);
}

static int preload(lua_State *L)
{
    push_module(L, "imnn.repl", "preload");
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_call(L, 1, 0);
    return 0;
}

static int prompt(lua_State *L)
{
    push_module(L, "imnn.repl", "run");
    cli_push_console(L);
    lua_call(L, 1, 0);
    return 0;
}

/** About the words behind `help`, which are in `arg`. */
static int tell(lua_State *L)
{
    push_module(L, "imnn.help", "of");
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "concat");
    lua_getglobal(L, "arg");
    lua_pushstring(L, " ");
    lua_pushinteger(L, 2);
    lua_call(L, 3, 1);
    lua_remove(L, -2);
    lua_call(L, 1, 0);
    return 0;
}

static int doctor(lua_State *L)
{
    push_module(L, "imnn.doctor", NULL);
    lua_call(L, 0, 0);
    return 0;
}

static int version(lua_State *L)
{
    lua_getglobal(L, "print");
    push_module(L, "imnn.cite", NULL);
    lua_call(L, 0, 1);
    lua_call(L, 1, 0);
    return 0;
}

enum { WORKER_FD = 3 };

/** Make simulations for the process at the other end of a socket. It starts us, nobody else. */
static int work(lua_State *L)
{
    imnn_worker *w;
    if (imnn_worker_open(&w, WORKER_FD) != IMNN_OK)
        return luaL_error(L, "--worker is for simulators, which start it themselves");
    if (imnn_worker_serve(w) == IMNN_EVALUE) {
        push_module(L, "imnn.simulators.worker", NULL);
        lua_pushlightuserdata(L, w);
        lua_call(L, 1, 0);
    }
    imnn_worker_close(w);
    return 0;
}

static int misused(const char *problem, const char *word)
{
    fprintf(stderr, "imnn: %s %s; imnn --help lists the options\n", problem, word);
    return MISUSED;
}

/** 0, or the exit status after a complaint. */
static int parse(command *c, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *word = argv[i];
        if (!strcmp(word, "-e")) {
            if (++i == argc) return misused("no code after", word);
            c->codes++;
        } else if (!strcmp(word, "-i")) {
            c->prompt = true;
        } else if (!strcmp(word, "-v") || !strcmp(word, "--version")) {
            c->task = version;
        } else if (!strcmp(word, "--worker")) {
            c->task = work;
        } else if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
            c->help = true;
        } else {
            return misused("unknown option", word);
        }
    }
    if (i < argc && !strcmp(argv[i], "doctor")) c->task = doctor;
    else if (i < argc && !strcmp(argv[i], "help")) c->task = tell;
    else if (i < argc) c->script = argv[i];
    c->rest = i < argc ? i + 1 : i;
    if (!c->codes && !c->script) c->prompt = true;
    return 0;
}

static int run_codes(lua_State *L, const command *c, char **argv)
{
    int status = perform(L, preload);
    for (int i = 1; i < c->rest && !status; i++) {
        if (strcmp(argv[i], "-e") != 0) continue;
        const char *code = argv[++i];
        status = run(L, luaL_loadbuffer(L, code, strlen(code), "=(command line)"), 0);
    }
    return status;
}

static int run_script(lua_State *L, const command *c, int argc, char **argv)
{
    if (!lua_checkstack(L, argc - c->rest)) return misused("too many arguments for", c->script);
    for (int i = c->rest; i < argc; i++) lua_pushstring(L, argv[i]);
    const char *file = strcmp(c->script, "-") != 0 ? c->script : NULL; /* NULL: standard input */
    return run(L, luaL_loadfile(L, file), argc - c->rest);
}

/** The folder of bin, lib and share; the build folder has the layout of an installation. */
static void find_prefix(char *prefix, size_t room)
{
    ssize_t n = readlink("/proc/self/exe", prefix, room - 1);
    prefix[n < 0 ? 0 : n] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(prefix, '/');
        if (slash) *slash = 0;
    }
}

/** package.path and `arg`. */
static void set_globals(lua_State *L, const char *modules, const command *c, int argc, char **argv)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", modules, modules, lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_pop(L, 2);
    lua_newtable(L);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, c->script ? i - c->rest + 1 : i);
    }
    lua_setglobal(L, "arg");
}

static int perform_all(lua_State *L, const command *c, int argc, char **argv)
{
    int status = 0;
    if (c->task) return perform(L, c->task);
    if (c->codes) status = run_codes(L, c, argv);
    if (c->script && !status) status = run_script(L, c, argc, argv);
    if (!c->prompt) return status;
    cli_signals_deadly(false); /* who has a prompt has something to lose */
    return perform(L, prompt);
}

int main(int argc, char **argv)
{
    command c = {0};
    char prefix[4096], modules[4200], library[4300];
    int status = parse(&c, argc, argv);
    if (status) return status;
    if (c.help) return fputs(help, stdout) < 0;
    /* Lines of a script are there as soon as they are printed, in a log, too, and are not lost with
     * a program that a signal ends. */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    lua_State *L = luaL_newstate();
    if (!L) return fputs("imnn: out of memory\n", stderr), FAILED;
    luaL_openlibs(L);
    find_prefix(prefix, sizeof prefix);
    snprintf(modules, sizeof modules, "%s/share/lua/5.1", prefix);
    snprintf(library, sizeof library, "%s/imnn/", modules);
    set_globals(L, modules, &c, argc, argv);
    cli_signals_start(L, library);
    cli_signals_deadly(true);
    status = perform_all(L, &c, argc, argv);
    lua_close(L);
    return status;
}
