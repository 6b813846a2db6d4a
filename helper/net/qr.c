#include "config.h"

#include "qr.h"

#include <stdlib.h>

#ifdef HAVE_QRENCODE
#include <qrencode.h>
#include <stdio.h>

enum { QUIET_ZONE = 4 /* modules that must stay light around the code (ISO/IEC 18004) */ };

static bool is_light(const QRcode *code, int x, int y)
{
    bool inside = x >= 0 && y >= 0 && x < code->width && y < code->width;
    return !inside || !(code->data[y * code->width + x] & 1);
}

static void write_line(FILE *out, const QRcode *code, int y)
{
    static const char *const BLOCKS[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};
    fputs("\033[40;97m", out);
    for (int x = -QUIET_ZONE; x < code->width + QUIET_ZONE; x++)
        fputs(BLOCKS[is_light(code, x, y)][is_light(code, x, y + 1)], out);
    fputs("\033[0m\n", out);
}

char *qr_text(const char *text, unsigned columns)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (!code)
        return NULL;
    char *result = NULL;
    size_t size = 0;
    FILE *out = (unsigned)code->width + 2 * QUIET_ZONE <= columns ? open_memstream(&result, &size) : NULL;
    if (out) {
        for (int y = -QUIET_ZONE; y < code->width + QUIET_ZONE; y += 2)
            write_line(out, code, y);
        if (fclose(out) != 0) {
            free(result);
            result = NULL;
        }
    }
    QRcode_free(code);
    return result;
}
#else
char *qr_text(const char *text, unsigned columns)
{
    (void)text;
    (void)columns;
    return NULL;
}
#endif

void qr_show(struct terminal *t, const char *text)
{
    char *lines = t->has_colours && t->is_utf8 ? qr_text(text, terminal_columns(t)) : NULL;
    if (lines)
        terminal_say(t, "%s\n", lines);
    free(lines);
}
