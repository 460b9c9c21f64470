/*
 * STREAM's four loops with OpenMP, printed as STREAM 5.10 prints them, for the test of its reader.
 * Based on a variant of the STREAM benchmark code; its results are none of STREAM's.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOPS = 4, TIMES = 5 };
static const char *names[LOOPS] = { "Copy:      ", "Scale:     ", "Add:       ", "Triad:     " };
static const double arrays[LOOPS] = { 2, 2, 3, 3 };

int main(void)
{
    const size_t n = 4000000;
    double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
    if (!a || !b || !c)
        return 1;
    double times[LOOPS][TIMES];
    int threads = 0;
    #pragma omp parallel
    #pragma omp atomic
    threads++;
    #pragma omp parallel for
    for (size_t i = 0; i < n; i++) {
        a[i] = 1.0;
        b[i] = 2.0;
        c[i] = 0.0;
    }
    for (int k = 0; k < TIMES; k++) {
        for (int loop = 0; loop < LOOPS; loop++) {
            double begin = omp_get_wtime();
            #pragma omp parallel for
            for (size_t i = 0; i < n; i++) {
                switch (loop) {
                case 0: c[i] = a[i]; break;
                case 1: b[i] = 3.0 * c[i]; break;
                case 2: c[i] = a[i] + b[i]; break;
                default: a[i] = b[i] + 3.0 * c[i];
                }
            }
            times[loop][k] = omp_get_wtime() - begin;
        }
    }
    printf("STREAM version $Revision: 5.10 $\n");
    printf("This system uses %zu bytes per array element.\n", sizeof *a);
    printf("Array size = %zu (elements), Offset = 0 (elements)\n", n);
    printf("Memory per array = %.1f MiB (= %.1f GiB).\n", n * 8.0 / 1024 / 1024, n * 8.0 / 1024 / 1024 / 1024);
    printf("Each kernel will be executed %d times.\n", TIMES);
    printf("Number of Threads counted = %d\n", threads);
    printf("Function    Best Rate MB/s  Avg time     Min time     Max time\n");
    for (int loop = 0; loop < LOOPS; loop++) {
        double least = 1e30, most = 0, sum = 0;
        for (int k = 1; k < TIMES; k++) {
            least = fmin(least, times[loop][k]);
            most = fmax(most, times[loop][k]);
            sum += times[loop][k];
        }
        printf("%s%12.1f  %11.6f  %11.6f  %11.6f\n", names[loop], 1e-6 * arrays[loop] * n * 8 / least, sum / (TIMES - 1), least, most);
    }
    double expect = 1.0;
    for (int k = 0; k < TIMES; k++)
        expect = 3.0 * expect + 3.0 * (expect + 3.0 * expect);
    int good = fabs(a[n / 2] / expect - 1) < 1e-13;
    printf(good ? "Solution Validates: avg error less than 1.000000e-13 on all three arrays\n" : "Failed Validation on array a[]\n");
    return good ? 0 : 1;
}
