/* Runs a program over a stream of inputs: reads the stream's file, then one order a line from standard input.

     run N    N times the whole stream, each time from the program's first state, and a first time that does not count;
              answers with the time of all N in ns and the checksum of the last outputs
     copy N   the same without the program: inputs in, outputs out

   image.h is made for each program: what is in the image, and the values of functions. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <time.h>

#include "iec.h"
#include "image.h"

void program_init(void);
void program_run(void);

TIME CURRENT_TIME;
LREAL INTERVAL;

/* What the program reaches, and one copy of it for each cycle. */
#define FIELD(type, name) type name;
#define POINTER(type, name) type *IMAGE_##name;
#define POINT_IN(type, name) IMAGE_##name = &inputs.name;
#define POINT_OUT(type, name) IMAGE_##name = &outputs.name;
#define TAKE(type, name) type##_take(&to->name, *words++);
#define GIVE(type, name) hash = add(hash, type##_give(from->name));

typedef struct { INPUTS(FIELD) } INPUT_IMAGE;
typedef struct { OUTPUTS(FIELD) } OUTPUT_IMAGE;

static INPUT_IMAGE inputs;
static OUTPUT_IMAGE outputs;
INPUTS(POINTER)
OUTPUTS(POINTER)

static void BOOL_take(BOOL *to, uint64_t word) { *to = word != 0; }
static void LINT_take(LINT *to, uint64_t word) { *to = (LINT)word; }
static void LREAL_take(LREAL *to, uint64_t word) { memcpy(to, &word, sizeof word); }
static inline uint64_t BOOL_give(BOOL from) { return from; }
static inline uint64_t LINT_give(LINT from) { return (uint64_t)from; }
static inline uint64_t LREAL_give(LREAL from) {
    uint64_t word;
    memcpy(&word, &from, sizeof word);
    return word;
}

static void take(INPUT_IMAGE *to, const uint64_t *words) { INPUTS(TAKE) }

/* FNV-1a over words. */
static uint64_t add(uint64_t hash, uint64_t word) { return (hash ^ word) * UINT64_C(0x100000001b3); }

static uint64_t give(uint64_t hash, const OUTPUT_IMAGE *from) {
    OUTPUTS(GIVE)
    return hash;
}

static LREAL known(const LREAL (*table)[2], size_t count, LREAL x) {
    for (size_t at = 0; at < count; at++) {
        if (table[at][0] == x) return table[at][1];
    }
    fprintf(stderr, "no value of the function for %a\n", x);
    exit(1);
}

LREAL function_tan(LREAL x) { return known(TAN, sizeof TAN / sizeof TAN[0], x); }
LREAL function_expm1(LREAL x) { return known(EXPM1, sizeof EXPM1 / sizeof EXPM1[0], x); }

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static INPUT_IMAGE stream[CYCLES];
static OUTPUT_IMAGE results[CYCLES];

static uint64_t pass(int with_program) {
    CURRENT_TIME = 0;
    INTERVAL = INTERVAL_S;
    memset(&outputs, 0, sizeof outputs);
    program_init();
    uint64_t begun = now();
    for (size_t cycle = 0; cycle < CYCLES; cycle++) {
        inputs = stream[cycle];
        if (with_program) program_run();
        results[cycle] = outputs;
        CURRENT_TIME += INTERVAL_NS;
        /* The images are somebody else's: they are written and read in every cycle. */
        __asm__ volatile("" ::: "memory");
    }
    return now() - begun;
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    INPUTS(POINT_IN)
    OUTPUTS(POINT_OUT)
    FILE *file = fopen(arguments[1], "rb");
    if (file == NULL) return 1;
    uint64_t words[INPUT_COUNT];
    for (size_t cycle = 0; cycle < CYCLES; cycle++) {
        if (fread(words, sizeof words, 1, file) != 1) return 1;
        take(&stream[cycle], words);
    }
    fclose(file);
    char order[16];
    int passes;
    while (scanf("%15s %d", order, &passes) == 2) {
        int with_program = strcmp(order, "run") == 0;
        pass(with_program);
        uint64_t time = 0;
        for (int at = 0; at < passes; at++) time += pass(with_program);
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (size_t cycle = 0; cycle < CYCLES; cycle++) hash = give(hash, &results[cycle]);
        printf("%llu %llu\n", (unsigned long long)time, (unsigned long long)hash);
        fflush(stdout);
    }
    return 0;
}
