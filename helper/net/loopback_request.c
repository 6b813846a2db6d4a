#include "config.h"

#include "loopback.h"

#include <string.h>
#include <strings.h>

static enum request_result bad(unsigned code, const char *words, unsigned *status, const char **problem)
{
    *status = code;
    *problem = words;
    return REQUEST_BAD;
}

/* Splits "GET /target HTTP/1.1" and checks it. */
static enum request_result parse_first_line(char *line, char **target, unsigned *status, const char **problem)
{
    char *space = strchr(line, ' ');
    char *version = space ? strchr(space + 1, ' ') : NULL;
    if (!version)
        return bad(400, "This is not an HTTP request.", status, problem);
    *space = '\0';
    *version++ = '\0';
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return bad(400, "This is not an HTTP/1.1 request.", status, problem);
    if (strcmp(line, "GET") != 0)
        return bad(405, "Only GET is understood here.", status, problem);
    *target = space + 1;
    if (**target != '/')
        return bad(400, "The request does not name a path.", status, problem);
    return REQUEST_GOOD;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        text[--len] = '\0';
    return text;
}

/* Looks at one header line; counts those that are Host, and those whose value is the right one. */
static bool parse_header(char *line, const char *authority, unsigned *hosts, unsigned *right)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line || line[0] == ' ' || line[0] == '\t')
        return false;
    *colon = '\0';
    if (strcasecmp(line, "Host") != 0)
        return true;
    ++*hosts;
    if (strcasecmp(trim(colon + 1), authority) == 0)
        ++*right;
    return true;
}

/* Ends the line at its CRLF and returns the next one; NULL after the last. */
static char *next_line(char *line)
{
    char *end = strstr(line, "\r\n");
    if (!end)
        return NULL;
    *end = '\0';
    return end + 2;
}

enum request_result loopback_parse(char *data, size_t len, const char *authority, char **target, unsigned *status,
                                   const char **problem)
{
    char *end = len > 0 ? memmem(data, len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return len >= LOOPBACK_REQUEST_MAX ? bad(431, "The request is too long.", status, problem) : REQUEST_MORE;
    end[2] = '\0';
    if (strlen(data) != (size_t)(end + 2 - data))
        return bad(400, "The request holds a NUL byte.", status, problem);
    char *line = data;
    char *next = next_line(line);
    if (parse_first_line(line, target, status, problem) == REQUEST_BAD)
        return REQUEST_BAD;
    unsigned hosts = 0;
    unsigned right = 0;
    while (next && *next) {
        line = next;
        next = next_line(line);
        if (!parse_header(line, authority, &hosts, &right))
            return bad(400, "A header of the request is malformed.", status, problem);
    }
    /* A web page elsewhere that got its name to point here (DNS rebinding) is known by its Host. */
    if (hosts != 1 || right != 1)
        return bad(403, "The request was made for another host.", status, problem);
    if ((*target)[1] != '?')
        return bad(404, "There is nothing at this address.", status, problem);
    return REQUEST_GOOD;
}
