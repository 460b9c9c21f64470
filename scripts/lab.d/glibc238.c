// What the emulator's module asks of glibc 2.38 and Debian 12 has under older names.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

unsigned long long __isoc23_strtoull(const char *text, char **end, int base) { return strtoull(text, end, base); }

int __isoc23_sscanf(const char *text, const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    int read = vsscanf(text, format, rest);
    va_end(rest);
    return read;
}
