/*
 * The four loops of STREAM in plain C with OpenMP: what a compiler makes of them, with ordinary stores.
 * Based on a variant of the STREAM benchmark code.
 *
 * usage: stream ELEMENTS SECONDS plain|huge
 *
 * It prints "ready" when its arrays are touched. For each line that it reads it then runs rounds of the four loops
 * for about SECONDS and prints the bytes that STREAM credits, over the time that each loop took in all.
 */
#define _GNU_SOURCE
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { COPY, SCALE, ADD, TRIAD, LOOPS };

static double *array(size_t elements, int huge)
{
    size_t bytes = elements * sizeof(double);
    double *data = huge ? aligned_alloc(2 << 20, (bytes + (2 << 20) - 1) / (2 << 20) * (2 << 20)) : malloc(bytes);
    if (!data || (huge && madvise(data, bytes, MADV_HUGEPAGE))) {
        perror("stream: memory");
        exit(1);
    }
    return data;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s ELEMENTS SECONDS plain|huge\n", argv[0]);
        return 2;
    }
    size_t n = strtoull(argv[1], NULL, 10);
    double seconds = atof(argv[2]);
    int huge = strcmp(argv[3], "huge") == 0;
    double *a = array(n, huge), *b = array(n, huge), *c = array(n, huge);
    const double q = 0.4;
    double expected = 1.0; /* of a: 0.96 of it after each round */

    #pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        a[i] = 1.0;
        b[i] = 2.0;
        c[i] = 0.0;
    }
    printf("ready %d threads\n", omp_get_max_threads());
    fflush(stdout);

    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        double time[LOOPS] = { 0 };
        double rounds = 0, start = omp_get_wtime(), last;
        do {
            double t0 = omp_get_wtime();
            #pragma omp parallel for schedule(static)
            for (size_t i = 0; i < n; i++)
                c[i] = a[i];
            double t1 = omp_get_wtime();
            #pragma omp parallel for schedule(static)
            for (size_t i = 0; i < n; i++)
                b[i] = q * c[i];
            double t2 = omp_get_wtime();
            #pragma omp parallel for schedule(static)
            for (size_t i = 0; i < n; i++)
                c[i] = a[i] + b[i];
            double t3 = omp_get_wtime();
            #pragma omp parallel for schedule(static)
            for (size_t i = 0; i < n; i++)
                a[i] = b[i] + q * c[i];
            last = omp_get_wtime();
            time[COPY] += t1 - t0;
            time[SCALE] += t2 - t1;
            time[ADD] += t3 - t2;
            time[TRIAD] += last - t3;
            expected = q * expected + q * (expected + q * expected);
            rounds += 1;
        } while (last - start < seconds);
        for (size_t i = 0; i < n; i += n / 7 + 1)
            if (fabs(a[i] / expected - 1) > 1e-9) {
                fprintf(stderr, "stream: element %zu is %g, expected %g\n", i, a[i], expected);
                return 1;
            }
        double bytes = rounds * n * sizeof(double);
        printf("copy %.0f scale %.0f add %.0f triad %.0f\n", 2 * bytes / time[COPY], 2 * bytes / time[SCALE],
               3 * bytes / time[ADD], 3 * bytes / time[TRIAD]);
        fflush(stdout);
    }
    return 0;
}
