/*
 * A plain pointer chase: one random cycle through all lines of a piece of memory.
 *
 * usage: chase BYTES SECONDS huge|plain CPU
 *
 * It prints "ready" when the cycle is linked. For each line that it reads it then follows pointers for about SECONDS
 * and prints the nanoseconds of a load.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { LINE = 64, HUGE = 2 << 20 };

static uint64_t state = 88172645463325252u;

/* Marsaglia, Xorshift RNGs, 2003 */
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

#define TEN(step) step step step step step step step step step step

/* 200 dependent loads a turn. */
static void **chase(void **p, uint64_t turns)
{
    while (turns--) {
        TEN(TEN(p = *p;))
        TEN(TEN(p = *p;))
    }
    return p;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: %s BYTES SECONDS huge|plain CPU\n", argv[0]);
        return 2;
    }
    size_t bytes = strtoull(argv[1], NULL, 10), slots = bytes / LINE;
    double seconds = atof(argv[2]);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(atoi(argv[4]), &set);
    if (sched_setaffinity(0, sizeof set, &set)) {
        perror("chase: pinning");
        return 1;
    }
    char *data = aligned_alloc(HUGE, (bytes + HUGE - 1) / HUGE * HUGE);
    size_t *order = malloc(slots * sizeof *order);
    if (!data || !order || madvise(data, bytes, strcmp(argv[3], "huge") == 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE)) {
        perror("chase: memory");
        return 1;
    }
    memset(data, 0, bytes);
    for (size_t i = 0; i < slots; i++)
        order[i] = i;
    for (size_t i = slots - 1; i > 0; i--) {
        size_t j = next_random() % (i + 1), keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
    for (size_t i = 0; i < slots; i++)
        *(void **)(data + order[i] * LINE) = data + order[(i + 1) % slots] * LINE;
    void **p = (void **)(data + order[0] * LINE);
    free(order);
    printf("ready\n");
    fflush(stdout);

    char line[256];
    while (fgets(line, sizeof line, stdin)) {
        double start = now(), end;
        uint64_t turns = 0;
        do {
            p = chase(p, 1000);
            turns += 1000;
            end = now();
        } while (end - start < seconds);
        printf("load %.4f ns at %p\n", (end - start) / (turns * 200) * 1e9, (void *)p);
        fflush(stdout);
    }
    return 0;
}
