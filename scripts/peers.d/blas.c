/*
 * A BLAS by its own threads: a product of matrices, or a factorisation with partial pivoting, for each line it reads.
 *
 * usage: blas LIBRARY dgemm|dgetrf ORDER
 *
 * LIBRARY is a name that the loader finds (libopenblas.so.0, libblis.so.4, libmkl_rt.so.3). It prints the rate in flop/s
 * by the usual counts, 2 N^3 and 2/3 N^3. Matrices are random in [-0.5, 0.5), by columns, in transparent huge pages.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef void (*dgemm_t)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *,
                        int);
typedef void (*dgetrf_t)(int *, int *, double *, int *, int *, int *);

enum { COLUMN_MAJOR = 102, NO_TRANSPOSE = 111 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fill(double *matrix, size_t elements, uint64_t state) {
    for (size_t i = 0; i < elements; i++) {
        state ^= state << 13; /* xorshift64 */
        state ^= state >> 7;
        state ^= state << 17;
        matrix[i] = (state >> 11) * 0x1p-53 - 0.5;
    }
}

static double *matrix(size_t elements) {
    size_t huge = 2 << 20, bytes = (elements * sizeof(double) + huge - 1) / huge * huge;
    double *memory = aligned_alloc(huge, bytes);
    if (!memory) {
        fprintf(stderr, "no memory for %zu bytes\n", bytes);
        exit(1);
    }
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

static void *symbol(void *library, const char *name) {
    void *address = dlsym(library, name);
    if (!address) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return address;
}

/* What the library says of itself; its name where it has no such function. */
static const char *version(void *library, const char *name) {
    static char text[256];
    const char *(*plain)(void) = (const char *(*)(void))dlsym(library, "openblas_get_config");
    void (*mkl)(char *, int) = (void (*)(char *, int))dlsym(library, "mkl_get_version_string");
    if (!plain)
        plain = (const char *(*)(void))dlsym(library, "bli_info_get_version_str");
    if (mkl)
        mkl(text, sizeof text - 1);
    else
        snprintf(text, sizeof text, "%s", plain ? plain() : "");
    return text[0] ? text : name;
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: blas LIBRARY dgemm|dgetrf ORDER\n");
        return 2;
    }
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    int n = atoi(arguments[3]), product = !strcmp(arguments[2], "dgemm");
    size_t elements = (size_t)n * n;
    double *a = matrix(elements), *b = product ? matrix(elements) : NULL, *c = product ? matrix(elements) : NULL;
    int *pivots = malloc(n * sizeof *pivots), info = 0;
    dgemm_t dgemm = product ? (dgemm_t)symbol(library, "cblas_dgemm") : NULL;
    dgetrf_t dgetrf = product ? NULL : (dgetrf_t)symbol(library, "dgetrf_");
    fill(a, elements, 1);
    if (product) {
        fill(b, elements, 2);
        memset(c, 0, elements * sizeof *c);
    }
    printf("ready %s\n", version(library, arguments[1]));
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        double start, flops = 2.0 * n * n * n;
        if (product) {
            start = now();
            dgemm(COLUMN_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, n, n, n, 1.0, a, n, b, n, 0.0, c, n);
        } else {
            fill(a, elements, 1);
            flops /= 3.0;
            start = now();
            dgetrf(&n, &n, a, &n, pivots, &info);
        }
        double seconds = now() - start;
        if (info) {
            fprintf(stderr, "dgetrf: info = %d\n", info);
            return 1;
        }
        printf("rate %.6e\n", flops / seconds);
        fflush(stdout);
    }
    return 0;
}
