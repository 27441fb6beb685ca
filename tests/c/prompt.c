/* The `imnn` executable at a terminal: what is typed, and when, is a table of steps. */
#include "tests/support/check.h"
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Milliseconds that an answer may take; and after which the terminal is surely in the hands of the
 * prompt: a ctrl-D that comes before is the end of a line that nobody reads. */
enum { PATIENCE = 20000, LATER = 100, ARGUMENTS = 4 };

/** Wait until this text appears, then that many milliseconds, then type. */
typedef struct step {
    const char *until;
    int pause;
    const char *keys;
} step;

typedef struct session {
    int terminal;
    char seen[1 << 16]; /* and not looked at yet */
    size_t length;
} session;

/** Read on, for at most so many milliseconds; false at the end of the output or of patience. */
static bool listen(session *s, int patience)
{
    struct pollfd in = {.fd = s->terminal, .events = POLLIN};
    if (poll(&in, 1, patience) <= 0 || s->length + 1 >= sizeof s->seen) return false;
    ssize_t n = read(s->terminal, s->seen + s->length, sizeof s->seen - s->length - 1);
    if (n <= 0) return false;
    s->length += (size_t)n;
    s->seen[s->length] = 0;
    return true;
}

static int take(session *s, const step *next)
{
    char *found;
    while (!(found = strstr(s->seen, next->until)))
        if (!listen(s, PATIENCE))
            return printf("no \"%s\" before \"%s\" in: %s\n", next->until, next->keys, s->seen), 1;
    found += strlen(next->until);
    s->length -= (size_t)(found - s->seen);
    memmove(s->seen, found, s->length + 1); /* what comes after it is for the next step */
    usleep((useconds_t)next->pause * 1000);
    CHECK(write(s->terminal, next->keys, strlen(next->keys)) == (ssize_t)strlen(next->keys));
    return 0;
}

/** Run imnn, take the steps (the last has no keys), and wait for its end with this status: that of
 *  a shell, 128 more than the number of a signal that ended it. */
static int run(const char *const arguments[ARGUMENTS], const step *steps, int expected)
{
    static session s;
    const char *program = getenv("IMNN_PROGRAM");
    int status, failed = 0;
    CHECK(program);
    pid_t child = forkpty(&s.terminal, NULL, NULL, NULL);
    CHECK(child >= 0);
    if (child == 0) {
        const char *argv[ARGUMENTS + 2] = {program};
        for (int i = 0; i < ARGUMENTS; i++) argv[i + 1] = arguments[i];
        execv(program, (char **)(uintptr_t)argv);
        _exit(127);
    }
    s.seen[s.length = 0] = 0;
    for (; steps->keys && !failed; steps++) failed = take(&s, steps);
    if (failed) kill(child, SIGKILL);
    while (!failed && listen(&s, PATIENCE)) continue;
    for (int left = PATIENCE; !waitpid(child, &status, WNOHANG); left -= 10, usleep(10000))
        if (left <= 0) kill(child, SIGKILL); /* it should have ended by itself */
    close(s.terminal);
    status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (!failed && status != expected)
        failed = printf("status %d, not %d, after: %s\n", status, expected, s.seen);
    return failed != 0;
}

static int reads_text(const char *path, const char *expected)
{
    char text[1000] = "";
    FILE *f = fopen(path, "r");
    CHECK(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    CHECK(!strcmp(text, expected));
    return 0;
}

static int prompt(const char *home)
{
    const char *const none[ARGUMENTS] = {0};
    const step steps[] = {
        {"ctrl-D leaves", 0, ""},
        {"> ", 0, "print 'on' while true do end\n"},
        {"\non\r", 0, "\003"}, /* ends a computation, */
        {"input 1:1: interrupted", 0, ""},
        {"> ", 0, "rubbish"},
        {"rubbish", 0, "\003"}, /* a line, */
        {"^C", 0, ""},
        {"> ", 0, "for\n"},
        {">> ", 0, "\003"}, /* and an unfinished statement */
        {"^C", 0, ""},
        {"> ", 0, "6 * 7\n"},
        {"\n42\r", 0, ""},
        {"> ", 0, "string.re\t"},
        {"rep      reverse", 0, "p('\xce\xb8', 2)\n"},
        {"\n\xce\xb8\xce\xb8\r", 0, ""},
        {"> ", 0, "\033[A\033[A\n"}, /* two lines back */
        {"\n42\r", 0, ""},
        {"> ", 0, "?np.sum\n"},
        {"\nnp.sum(x[, opts])\r", 0, ""},
        {"> ", LATER, "\004"},
        {0},
    };
    char history[100];
    snprintf(history, sizeof history, "%s/.imnn_history", home);
    if (run(none, steps, 0)) return 1;
    if (reads_text(history, "print 'on' while true do end\nfor\n6 * 7\n"
                            "string.rep('\xce\xb8', 2)\n6 * 7\n?np.sum\n"))
        return 1;
    CHECK(unlink(history) == 0);
    return 0;
}

static int prompt_remembers(const char *home)
{
    const char *const none[ARGUMENTS] = {0};
    const step first[] = {
        {"> ", 0, "'remembered'\n"}, {"\nremembered\r", 0, ""}, {"> ", LATER, "\004"}, {0}};
    const step second[] = {
        {"> ", 0, "\033[A\n"}, {"\nremembered\r", 0, ""}, {"> ", LATER, "\004"}, {0}};
    char path[100];
    setenv("XDG_STATE_HOME", home, 1);
    int failed = run(none, first, 0) || run(none, second, 0);
    snprintf(path, sizeof path, "%s/imnn/history", home);
    failed = failed || reads_text(path, "'remembered'\n");
    unsetenv("XDG_STATE_HOME");
    if (failed) return 1;
    CHECK(unlink(path) == 0);
    *strrchr(path, '/') = 0;
    CHECK(rmdir(path) == 0);
    return 0;
}

static int script_ends(void)
{
    const char *const code[ARGUMENTS] = {"-e", "print 'on' while true do end"};
    const step steps[] = {
        {"on\r\n", 0, "\003"}, {"imnn: (command line):1: interrupted", 0, ""}, {0}};
    return run(code, steps, 130);
}

static int second_time_ends_what_does_not_look(void)
{
    const char *const code[ARGUMENTS] = {
        "-e", "print 'on' ; ('a'):rep(1e5):find(('a*'):rep(50) .. 'b')"}; /* takes for ever in C */
    const step steps[] = {{"on\r\n", 0, "\003"}, {"^C", 1200, "\003"}, {0}};
    return run(code, steps, 130);
}

/* Populations without an end, and with a line on the screen. */
static const char populations[] =
    "function simulator(key, t) return t[1] + np.sqrt(t[2]) * random.normal(key, { 10 }) end "
    "p = lfi.PopulationMonteCarlo { target_data = simulator(random.PRNGKey(1), np.array { 1, 2 }),"
    " prior = lfi.uniform({ -10, 0 }, { 10, 10 }), simulator = simulator,"
    " compressor = function(d) return np.stack { d:mean(), d:var() } end } "
    "p { key = random.PRNGKey(2), n_points = 1000, max_iteration = 1, progress = false } "
    "function go() p { acceptance_ratio = 0, min_progress = 0, max_iteration = 1e6 } end";

/** Ctrl-C at some moment of a run, again and again: the prompt comes back, the run can be looked at
 *  and goes on. */
static int populations_are_interrupted(const char *home)
{
    char history[100];
    const char *const code[ARGUMENTS] = {"-e", populations, "-i"};
    enum { TIMES = 6 };
    step steps[5 * TIMES + 2] = {{0}};
    for (int i = 0; i < TIMES; i++) {
        step *next = steps + 5 * i;
        next[0] = (step){"> ", 0, "go()\n"};
        next[1] = (step){"a second", 50 + 37 * i, "\003"};
        next[2] = (step){"(command line):1: interrupted", 0, ""};
        next[3] = (step){"> ", 0, "p.reason[1], #p:samples()\n"};
        next[4] = (step){"interrupted\t1000\r", 0, ""};
    }
    steps[5 * TIMES] = (step){"> ", LATER, "\004"};
    if (run(code, steps, 0)) return 1;
    snprintf(history, sizeof history, "%s/.imnn_history", home);
    CHECK(unlink(history) == 0);
    return 0;
}

int main(void)
{
    char home[] = "/tmp/imnn-prompt-XXXXXX";
    CHECK(mkdtemp(home));
    setenv("HOME", home, 1);
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("XDG_STATE_HOME");
    int failed = prompt(home) || prompt_remembers(home) || script_ends() ||
                 second_time_ends_what_does_not_look() || populations_are_interrupted(home);
    if (!failed) CHECK(rmdir(home) == 0);
    return failed;
}
