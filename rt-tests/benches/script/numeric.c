/* PROGRAM NUMERIC: the tool of numeric.rhai, as a compiler from Structured Text to C would write it down. */
#include <math.h>

#include "iec.h"

static const LREAL PI = 3.14159265358979323846;

/* FUNCTION_BLOCK LOWPASS, FUNCTION_BLOCK NOTCH: a state variable filter, KIND says which. */
typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    DECLARE_VAR(LREAL, IN)
    DECLARE_VAR(LREAL, F)
    DECLARE_VAR(LREAL, Q)
    DECLARE_VAR(LREAL, OUT)
    DECLARE_VAR(BOOL, ERR)
    DECLARE_VAR(LINT, KIND)
    DECLARE_VAR(LREAL, DT)
    DECLARE_VAR(BOOL, PRIMED)
    DECLARE_VAR(BOOL, CAPPED)
    DECLARE_VAR(LREAL, X0)
    DECLARE_VAR(LREAL, X1)
    DECLARE_VAR(LREAL, NEXT0)
    DECLARE_VAR(LREAL, NEXT1)
    DECLARE_VAR(LREAL, Y)
    DECLARE_VAR(LREAL, A00)
    DECLARE_VAR(LREAL, A01)
    DECLARE_VAR(LREAL, A10)
    DECLARE_VAR(LREAL, A11)
    DECLARE_VAR(LREAL, B0)
    DECLARE_VAR(LREAL, B1)
    DECLARE_VAR(LREAL, C0)
    DECLARE_VAR(LREAL, C1)
    DECLARE_VAR(LREAL, D)
    DECLARE_VAR(LREAL, SHARE)
    DECLARE_VAR(LREAL, G)
    DECLARE_VAR(LREAL, DAMPING)
    DECLARE_VAR(LREAL, G1)
    DECLARE_VAR(LREAL, G2)
    DECLARE_VAR(LREAL, G3)
} BIQUAD;

enum { LOWPASS, NOTCH };

static void BIQUAD_init(BIQUAD *me, LINT kind, LREAL f, LREAL q) {
    memset(me, 0, sizeof *me);
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->KIND, kind);
    INIT_VAR(me->F, f);
    INIT_VAR(me->Q, q);
}

static void BIQUAD_body(BIQUAD *me) {
    ENABLE(me);
    if (GET_VAR(me->DT, ) != INTERVAL) {
        SET_VAR(me->SHARE, , GET_VAR(me->F, ) * INTERVAL);
        SET_VAR(me->CAPPED, , GET_VAR(me->SHARE, ) > 0.45);
        if (GET_VAR(me->CAPPED, )) {
            SET_VAR(me->SHARE, , 0.45);
        }
        SET_VAR(me->G, , function_tan(PI * GET_VAR(me->SHARE, )));
        SET_VAR(me->DAMPING, , 1.0 / GET_VAR(me->Q, ));
        SET_VAR(me->G1, , 1.0 / (1.0 + GET_VAR(me->G, ) * (GET_VAR(me->G, ) + GET_VAR(me->DAMPING, ))));
        SET_VAR(me->G2, , GET_VAR(me->G, ) * GET_VAR(me->G1, ));
        SET_VAR(me->G3, , GET_VAR(me->G, ) * GET_VAR(me->G, ) * GET_VAR(me->G1, ));
        SET_VAR(me->A00, , 2.0 * GET_VAR(me->G1, ) - 1.0);
        SET_VAR(me->A10, , 2.0 * GET_VAR(me->G2, ));
        SET_VAR(me->A01, , -2.0 * GET_VAR(me->G2, ));
        SET_VAR(me->A11, , 1.0 - 2.0 * GET_VAR(me->G3, ));
        SET_VAR(me->B0, , 2.0 * GET_VAR(me->G2, ));
        SET_VAR(me->B1, , 2.0 * GET_VAR(me->G3, ));
        if (GET_VAR(me->KIND, ) == LOWPASS) {
            SET_VAR(me->C0, , GET_VAR(me->G2, ));
            SET_VAR(me->C1, , 1.0 - GET_VAR(me->G3, ));
            SET_VAR(me->D, , GET_VAR(me->G3, ));
        } else {
            SET_VAR(me->C0, , -GET_VAR(me->DAMPING, ) * GET_VAR(me->G1, ));
            SET_VAR(me->C1, , -GET_VAR(me->DAMPING, ) * -GET_VAR(me->G2, ));
            SET_VAR(me->D, , 1.0 - GET_VAR(me->DAMPING, ) * GET_VAR(me->G2, ));
        }
        SET_VAR(me->DT, , INTERVAL);
    }
    if (!GET_VAR(me->PRIMED, )) {
        SET_VAR(me->X0, , 0.0);
        SET_VAR(me->X1, , GET_VAR(me->IN, ));
    }
    SET_VAR(me->NEXT0, , GET_VAR(me->A00, ) * GET_VAR(me->X0, ) + GET_VAR(me->A01, ) * GET_VAR(me->X1, ) + GET_VAR(me->B0, ) * GET_VAR(me->IN, ));
    SET_VAR(me->NEXT1, , GET_VAR(me->A10, ) * GET_VAR(me->X0, ) + GET_VAR(me->A11, ) * GET_VAR(me->X1, ) + GET_VAR(me->B1, ) * GET_VAR(me->IN, ));
    SET_VAR(me->Y, , GET_VAR(me->C0, ) * GET_VAR(me->X0, ) + GET_VAR(me->C1, ) * GET_VAR(me->X1, ) + GET_VAR(me->D, ) * GET_VAR(me->IN, ));
    if (function_finite(GET_VAR(me->NEXT0, )) && function_finite(GET_VAR(me->NEXT1, )) && function_finite(GET_VAR(me->Y, ))) {
        SET_VAR(me->X0, , GET_VAR(me->NEXT0, ));
        SET_VAR(me->X1, , GET_VAR(me->NEXT1, ));
        SET_VAR(me->OUT, , GET_VAR(me->Y, ));
        SET_VAR(me->PRIMED, , TRUE);
        SET_VAR(me->ERR, , GET_VAR(me->CAPPED, ));
    } else {
        SET_VAR(me->ERR, , TRUE);
    }
}

/* FUNCTION_BLOCK LAG1: keeps its share as long as the interval is the same. */
typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    DECLARE_VAR(LREAL, IN)
    DECLARE_VAR(LREAL, T)
    DECLARE_VAR(LREAL, OUT)
    DECLARE_VAR(BOOL, ERR)
    DECLARE_VAR(BOOL, PRIMED)
    DECLARE_VAR(LREAL, DT)
    DECLARE_VAR(LREAL, SHARE)
    DECLARE_VAR(LREAL, Y)
} LAG1;

static void LAG1_init(LAG1 *me, LREAL t) {
    memset(me, 0, sizeof *me);
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->T, t);
}

static void LAG1_body(LAG1 *me) {
    ENABLE(me);
    if (GET_VAR(me->DT, ) != INTERVAL) {
        SET_VAR(me->SHARE, , -function_expm1(-INTERVAL / GET_VAR(me->T, )));
        SET_VAR(me->DT, , INTERVAL);
    }
    if (GET_VAR(me->PRIMED, ) && GET_VAR(me->T, ) > 0.0) {
        SET_VAR(me->Y, , GET_VAR(me->OUT, ) + GET_VAR(me->SHARE, ) * (GET_VAR(me->IN, ) - GET_VAR(me->OUT, )));
    } else {
        SET_VAR(me->Y, , GET_VAR(me->IN, ));
    }
    SET_VAR(me->ERR, , !function_finite(GET_VAR(me->Y, )));
    if (!GET_VAR(me->ERR, )) {
        SET_VAR(me->OUT, , GET_VAR(me->Y, ));
        SET_VAR(me->PRIMED, , TRUE);
    }
}

/* FUNCTION_BLOCK DOUBLE_ADD, DOUBLE_PRODUCT, as functions of a structured type: two numbers that do not overlap. */
typedef struct { LREAL HIGH; LREAL LOW; } DOUBLE;

static inline DOUBLE function_sum(LREAL a, LREAL b) {
    DOUBLE result;
    LREAL part;
    result.HIGH = a + b;
    part = result.HIGH - a;
    result.LOW = (a - (result.HIGH - part)) + (b - part);
    return result;
}

static inline LREAL function_upper(LREAL a) {
    LREAL scaled = 134217729.0 * a;
    return scaled - (scaled - a);
}

static inline DOUBLE function_product(LREAL a, LREAL b) {
    DOUBLE result;
    LREAL a1 = function_upper(a), b1 = function_upper(b);
    LREAL a2 = a - a1, b2 = b - b1;
    result.HIGH = a * b;
    result.LOW = ((a1 * b1 - result.HIGH) + a1 * b2 + a2 * b1) + a2 * b2;
    return result;
}

static inline DOUBLE function_double_add(DOUBLE a, DOUBLE b) {
    DOUBLE high = function_sum(a.HIGH, b.HIGH), low = function_sum(a.LOW, b.LOW);
    DOUBLE carried = function_sum(high.HIGH, high.LOW + low.HIGH);
    return function_sum(carried.HIGH, carried.LOW + low.LOW);
}

static inline DOUBLE function_double_negate(DOUBLE a) {
    DOUBLE result;
    result.HIGH = -a.HIGH;
    result.LOW = -a.LOW;
    return result;
}

static inline DOUBLE function_double_multiply(DOUBLE a, DOUBLE b) {
    DOUBLE product = function_product(a.HIGH, b.HIGH);
    return function_sum(product.HIGH, product.LOW + (a.HIGH * b.LOW + a.LOW * b.HIGH));
}

static inline DOUBLE function_to_double(LREAL a) {
    DOUBLE result;
    result.HIGH = a;
    result.LOW = 0.0;
    return result;
}

/* FUNCTION_BLOCK MOVING */
enum { CAPACITY = 256 };

typedef struct { BYTE table[CAPACITY]; } PLACES;
typedef struct { LREAL table[CAPACITY]; } SAMPLES;

typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    DECLARE_VAR(LREAL, IN)
    DECLARE_VAR(LREAL, MEAN)
    DECLARE_VAR(LREAL, MIN)
    DECLARE_VAR(LREAL, MAX)
    DECLARE_VAR(LREAL, SIGMA)
    DECLARE_VAR(BOOL, ERR)
    DECLARE_VAR(LINT, SIZE)
    DECLARE_VAR(LINT, COUNT)
    DECLARE_VAR(LINT, NEXT)
    DECLARE_VAR(SAMPLES, RING)
    DECLARE_VAR(DOUBLE, FIRST)
    DECLARE_VAR(DOUBLE, SECOND)
    DECLARE_VAR(DOUBLE, TURN_FIRST)
    DECLARE_VAR(DOUBLE, TURN_SECOND)
    DECLARE_VAR(PLACES, LOWEST)
    DECLARE_VAR(LINT, LOWEST_HEAD)
    DECLARE_VAR(LINT, LOWEST_COUNT)
    DECLARE_VAR(PLACES, HIGHEST)
    DECLARE_VAR(LINT, HIGHEST_HEAD)
    DECLARE_VAR(LINT, HIGHEST_COUNT)
    DECLARE_VAR(LREAL, N)
    DECLARE_VAR(LREAL, VARIANCE)
    DECLARE_VAR(DOUBLE, SPREAD)
    DECLARE_VAR(LREAL, OLD)
} MOVING;

static void MOVING_init(MOVING *me, LINT size) {
    memset(me, 0, sizeof *me);
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->SIZE, size);
}

#define LOWEST_BACK() \
    GET_VAR(me->LOWEST, .table[(GET_VAR(me->LOWEST_HEAD, ) + GET_VAR(me->LOWEST_COUNT, ) - 1) & (CAPACITY - 1)])
#define HIGHEST_BACK() \
    GET_VAR(me->HIGHEST, .table[(GET_VAR(me->HIGHEST_HEAD, ) + GET_VAR(me->HIGHEST_COUNT, ) - 1) & (CAPACITY - 1)])

static void MOVING_body(MOVING *me) {
    ENABLE(me);
    SET_VAR(me->ERR, , !(GET_VAR(me->IN, ) <= 1e140 && GET_VAR(me->IN, ) >= -1e140));
    if (GET_VAR(me->ERR, )) {
        return;
    }
    if (GET_VAR(me->COUNT, ) >= GET_VAR(me->SIZE, )) {
        SET_VAR(me->OLD, , GET_VAR(me->RING, .table[GET_VAR(me->NEXT, )]));
        SET_VAR(me->FIRST, , function_double_add(GET_VAR(me->FIRST, ), function_to_double(-GET_VAR(me->OLD, ))));
        SET_VAR(me->SECOND, , function_double_add(GET_VAR(me->SECOND, ), function_double_negate(function_product(GET_VAR(me->OLD, ), GET_VAR(me->OLD, )))));
        if (GET_VAR(me->LOWEST_COUNT, ) > 0 && GET_VAR(me->LOWEST, .table[GET_VAR(me->LOWEST_HEAD, )]) == GET_VAR(me->NEXT, )) {
            SET_VAR(me->LOWEST_HEAD, , (GET_VAR(me->LOWEST_HEAD, ) + 1) & (CAPACITY - 1));
            SET_VAR(me->LOWEST_COUNT, , GET_VAR(me->LOWEST_COUNT, ) - 1);
        }
        if (GET_VAR(me->HIGHEST_COUNT, ) > 0 && GET_VAR(me->HIGHEST, .table[GET_VAR(me->HIGHEST_HEAD, )]) == GET_VAR(me->NEXT, )) {
            SET_VAR(me->HIGHEST_HEAD, , (GET_VAR(me->HIGHEST_HEAD, ) + 1) & (CAPACITY - 1));
            SET_VAR(me->HIGHEST_COUNT, , GET_VAR(me->HIGHEST_COUNT, ) - 1);
        }
    } else {
        SET_VAR(me->COUNT, , GET_VAR(me->COUNT, ) + 1);
    }
    SET_VAR(me->RING, .table[GET_VAR(me->NEXT, )], GET_VAR(me->IN, ));
    SET_VAR(me->FIRST, , function_double_add(GET_VAR(me->FIRST, ), function_to_double(GET_VAR(me->IN, ))));
    SET_VAR(me->SECOND, , function_double_add(GET_VAR(me->SECOND, ), function_product(GET_VAR(me->IN, ), GET_VAR(me->IN, ))));
    SET_VAR(me->TURN_FIRST, , function_double_add(GET_VAR(me->TURN_FIRST, ), function_to_double(GET_VAR(me->IN, ))));
    SET_VAR(me->TURN_SECOND, , function_double_add(GET_VAR(me->TURN_SECOND, ), function_product(GET_VAR(me->IN, ), GET_VAR(me->IN, ))));
    while (GET_VAR(me->LOWEST_COUNT, ) > 0 && GET_VAR(me->RING, .table[LOWEST_BACK()]) >= GET_VAR(me->IN, )) {
        SET_VAR(me->LOWEST_COUNT, , GET_VAR(me->LOWEST_COUNT, ) - 1);
    }
    SET_VAR(me->LOWEST_COUNT, , GET_VAR(me->LOWEST_COUNT, ) + 1);
    SET_VAR(me->LOWEST, .table[(GET_VAR(me->LOWEST_HEAD, ) + GET_VAR(me->LOWEST_COUNT, ) - 1) & (CAPACITY - 1)], (BYTE)GET_VAR(me->NEXT, ));
    while (GET_VAR(me->HIGHEST_COUNT, ) > 0 && GET_VAR(me->RING, .table[HIGHEST_BACK()]) <= GET_VAR(me->IN, )) {
        SET_VAR(me->HIGHEST_COUNT, , GET_VAR(me->HIGHEST_COUNT, ) - 1);
    }
    SET_VAR(me->HIGHEST_COUNT, , GET_VAR(me->HIGHEST_COUNT, ) + 1);
    SET_VAR(me->HIGHEST, .table[(GET_VAR(me->HIGHEST_HEAD, ) + GET_VAR(me->HIGHEST_COUNT, ) - 1) & (CAPACITY - 1)], (BYTE)GET_VAR(me->NEXT, ));
    if (GET_VAR(me->NEXT, ) + 1 >= GET_VAR(me->SIZE, )) {
        SET_VAR(me->NEXT, , 0);
        SET_VAR(me->FIRST, , GET_VAR(me->TURN_FIRST, ));
        SET_VAR(me->SECOND, , GET_VAR(me->TURN_SECOND, ));
        SET_VAR(me->TURN_FIRST, , function_to_double(0.0));
        SET_VAR(me->TURN_SECOND, , function_to_double(0.0));
    } else {
        SET_VAR(me->NEXT, , GET_VAR(me->NEXT, ) + 1);
    }

    SET_VAR(me->N, , (LREAL)GET_VAR(me->COUNT, ));
    SET_VAR(me->MIN, , GET_VAR(me->RING, .table[GET_VAR(me->LOWEST, .table[GET_VAR(me->LOWEST_HEAD, )])]));
    SET_VAR(me->MAX, , GET_VAR(me->RING, .table[GET_VAR(me->HIGHEST, .table[GET_VAR(me->HIGHEST_HEAD, )])]));
    SET_VAR(me->MEAN, , function_limit(TRUE, NULL, GET_VAR(me->MIN, ), (GET_VAR(me->FIRST, .HIGH) + GET_VAR(me->FIRST, .LOW)) / GET_VAR(me->N, ), GET_VAR(me->MAX, )));
    SET_VAR(me->SPREAD, , function_double_add(function_double_multiply(function_to_double(GET_VAR(me->N, )), GET_VAR(me->SECOND, )), function_double_negate(function_double_multiply(GET_VAR(me->FIRST, ), GET_VAR(me->FIRST, )))));
    SET_VAR(me->VARIANCE, , (GET_VAR(me->SPREAD, .HIGH) + GET_VAR(me->SPREAD, .LOW)) / (GET_VAR(me->N, ) * (GET_VAR(me->N, ) - 1.0)));
    if (GET_VAR(me->VARIANCE, ) > 0.0 && GET_VAR(me->MIN, ) < GET_VAR(me->MAX, )) {
        SET_VAR(me->SIGMA, , sqrt(GET_VAR(me->VARIANCE, )));
    } else {
        SET_VAR(me->SIGMA, , 0.0);
    }
}

/* FUNCTION_BLOCK PID */
typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    DECLARE_VAR(LREAL, SP)
    DECLARE_VAR(LREAL, PV)
    DECLARE_VAR(BOOL, AUTO)
    DECLARE_VAR(LREAL, MAN)
    DECLARE_VAR(LREAL, KP)
    DECLARE_VAR(LREAL, TI)
    DECLARE_VAR(LREAL, TD)
    DECLARE_VAR(LREAL, LO)
    DECLARE_VAR(LREAL, HI)
    DECLARE_VAR(LREAL, N)
    DECLARE_VAR(LREAL, B)
    DECLARE_VAR(BOOL, DIRECT)
    DECLARE_VAR(LREAL, OUT)
    DECLARE_VAR(LREAL, P)
    DECLARE_VAR(LREAL, I)
    DECLARE_VAR(LREAL, D)
    DECLARE_VAR(BOOL, SATURATED)
    DECLARE_VAR(BOOL, ERR)
    DECLARE_VAR(LREAL, LAST_PV)
    DECLARE_VAR(BOOL, PRIMED)
    DECLARE_VAR(BOOL, TAKE_OVER)
    DECLARE_VAR(LREAL, SIGN)
    DECLARE_VAR(LREAL, NEW_P)
    DECLARE_VAR(LREAL, NEW_I)
    DECLARE_VAR(LREAL, NEW_D)
    DECLARE_VAR(LREAL, WANTED)
    DECLARE_VAR(LREAL, RATE)
    DECLARE_VAR(LREAL, FILTER)
    DECLARE_VAR(LREAL, TRACKING)
    DECLARE_VAR(LREAL, FF)
} PID;

static void PID_init(PID *me, LREAL kp, LREAL ti, LREAL td, LREAL lo, LREAL hi) {
    memset(me, 0, sizeof *me);
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->KP, kp);
    INIT_VAR(me->TI, ti);
    INIT_VAR(me->TD, td);
    INIT_VAR(me->LO, lo);
    INIT_VAR(me->HI, hi);
    INIT_VAR(me->N, 8.0);
    INIT_VAR(me->B, 1.0);
    INIT_VAR(me->OUT, function_limit(TRUE, NULL, lo, 0.0, hi));
}

static void PID_body(PID *me) {
    ENABLE(me);
    if (!GET_VAR(me->AUTO, )) {
        SET_VAR(me->ERR, , !function_finite(GET_VAR(me->MAN, )));
        if (!GET_VAR(me->ERR, )) {
            SET_VAR(me->OUT, , function_limit(TRUE, NULL, GET_VAR(me->LO, ), GET_VAR(me->MAN, ), GET_VAR(me->HI, )));
            SET_VAR(me->SATURATED, , GET_VAR(me->OUT, ) != GET_VAR(me->MAN, ));
        }
        SET_VAR(me->PRIMED, , FALSE);
        SET_VAR(me->D, , 0.0);
        SET_VAR(me->TAKE_OVER, , TRUE);
        return;
    }
    if (GET_VAR(me->DIRECT, )) {
        SET_VAR(me->SIGN, , -1.0);
    } else {
        SET_VAR(me->SIGN, , 1.0);
    }
    SET_VAR(me->NEW_P, , GET_VAR(me->KP, ) * GET_VAR(me->SIGN, ) * (GET_VAR(me->B, ) * GET_VAR(me->SP, ) - GET_VAR(me->PV, )));
    if (GET_VAR(me->TAKE_OVER, ) && GET_VAR(me->TI, ) > 0.0) {
        SET_VAR(me->NEW_I, , GET_VAR(me->OUT, ) - GET_VAR(me->NEW_P, ) - GET_VAR(me->FF, ));
        SET_VAR(me->NEW_D, , 0.0);
    } else {
        if (GET_VAR(me->TI, ) > 0.0) {
            SET_VAR(me->RATE, , GET_VAR(me->KP, ) / GET_VAR(me->TI, ));
        } else {
            SET_VAR(me->RATE, , 0.0);
        }
        SET_VAR(me->FILTER, , GET_VAR(me->TD, ) / GET_VAR(me->N, ));
        if (GET_VAR(me->PRIMED, ) && GET_VAR(me->FILTER, ) + INTERVAL > 0.0) {
            SET_VAR(me->NEW_D, , (GET_VAR(me->FILTER, ) * GET_VAR(me->D, ) - GET_VAR(me->KP, ) * GET_VAR(me->TD, ) * (GET_VAR(me->SIGN, ) * (GET_VAR(me->PV, ) - GET_VAR(me->LAST_PV, )))) / (GET_VAR(me->FILTER, ) + INTERVAL));
        } else {
            SET_VAR(me->NEW_D, , GET_VAR(me->D, ));
        }
        SET_VAR(me->NEW_I, , GET_VAR(me->I, ) + GET_VAR(me->RATE, ) * GET_VAR(me->SIGN, ) * (GET_VAR(me->SP, ) - GET_VAR(me->PV, )) * INTERVAL);
    }
    SET_VAR(me->WANTED, , GET_VAR(me->NEW_P, ) + GET_VAR(me->NEW_I, ) + GET_VAR(me->NEW_D, ) + GET_VAR(me->FF, ));
    SET_VAR(me->ERR, , !(function_finite(GET_VAR(me->SP, )) && function_finite(GET_VAR(me->PV, )) && function_finite(GET_VAR(me->NEW_P, )) && function_finite(GET_VAR(me->NEW_I, )) && function_finite(GET_VAR(me->NEW_D, )) && function_finite(GET_VAR(me->WANTED, ))));
    if (GET_VAR(me->ERR, )) {
        SET_VAR(me->TAKE_OVER, , GET_VAR(me->TAKE_OVER, ) || GET_VAR(me->PRIMED, ));
        SET_VAR(me->PRIMED, , FALSE);
        SET_VAR(me->D, , 0.0);
        return;
    }
    SET_VAR(me->OUT, , function_limit(TRUE, NULL, GET_VAR(me->LO, ), GET_VAR(me->WANTED, ), GET_VAR(me->HI, )));
    SET_VAR(me->SATURATED, , GET_VAR(me->OUT, ) != GET_VAR(me->WANTED, ));
    SET_VAR(me->P, , GET_VAR(me->NEW_P, ));
    SET_VAR(me->D, , GET_VAR(me->NEW_D, ));
    if (GET_VAR(me->TD, ) > 0.0) {
        SET_VAR(me->TRACKING, , sqrt(GET_VAR(me->TI, ) * GET_VAR(me->TD, )));
    } else {
        SET_VAR(me->TRACKING, , GET_VAR(me->TI, ));
    }
    if (GET_VAR(me->TRACKING, ) > INTERVAL) {
        SET_VAR(me->TRACKING, , INTERVAL / GET_VAR(me->TRACKING, ));
    } else if (GET_VAR(me->TI, ) > 0.0) {
        SET_VAR(me->TRACKING, , 1.0);
    } else {
        SET_VAR(me->TRACKING, , 0.0);
    }
    SET_VAR(me->I, , GET_VAR(me->NEW_I, ) + (GET_VAR(me->OUT, ) - GET_VAR(me->WANTED, )) * GET_VAR(me->TRACKING, ));
    SET_VAR(me->LAST_PV, , GET_VAR(me->PV, ));
    SET_VAR(me->PRIMED, , TRUE);
    SET_VAR(me->TAKE_OVER, , FALSE);
}

/* ARRAY [0..3, 0..3] OF LREAL and so on */
typedef struct { LREAL table[4][4]; } MATRIX4;
typedef struct { LREAL table[4]; } VECTOR4;
typedef struct { LREAL table[3][3]; } MATRIX3;
typedef struct { LREAL table[3]; } VECTOR3;

/* PROGRAM */
typedef struct {
    DECLARE_LOCATED(LREAL, TEMPERATURE)
    DECLARE_LOCATED(LREAL, PRESSURE)
    DECLARE_LOCATED(LREAL, SETPOINT)
    DECLARE_LOCATED(BOOL, AUTOMATIC)
    DECLARE_LOCATED(LREAL, MANUAL)
    DECLARE_LOCATED(LREAL, PLACE_X)
    DECLARE_LOCATED(LREAL, PLACE_Y)
    DECLARE_LOCATED(LREAL, HEIGHT)
    DECLARE_LOCATED(LREAL, SMOOTH)
    DECLARE_LOCATED(LREAL, NOTCHED)
    DECLARE_LOCATED(LREAL, LAGGED)
    DECLARE_LOCATED(LREAL, MEAN)
    DECLARE_LOCATED(LREAL, SIGMA)
    DECLARE_LOCATED(LREAL, LARGEST)
    DECLARE_LOCATED(LREAL, HEAT)
    DECLARE_LOCATED(LREAL, X)
    DECLARE_LOCATED(LREAL, VX)
    DECLARE_LOCATED(LREAL, Y)
    DECLARE_LOCATED(LREAL, VY)
    DECLARE_LOCATED(LREAL, TRACE)
    DECLARE_LOCATED(LREAL, TOOL_X)
    DECLARE_LOCATED(LREAL, TOOL_Y)
    DECLARE_LOCATED(LREAL, TOOL_Z)
    BIQUAD LOW;
    BIQUAD NOTCH_FILTER;
    LAG1 LAG;
    MOVING WINDOW;
    PID HEATER;
    DECLARE_VAR(VECTOR4, STATE)
    DECLARE_VAR(VECTOR4, NEXT)
    DECLARE_VAR(MATRIX4, A)
    DECLARE_VAR(MATRIX4, P)
    DECLARE_VAR(MATRIX4, AP)
    DECLARE_VAR(VECTOR4, GAIN)
    DECLARE_VAR(VECTOR4, ROW)
    DECLARE_VAR(MATRIX3, TURN)
    DECLARE_VAR(VECTOR3, PLACE)
    DECLARE_VAR(BOOL, READY)
    DECLARE_VAR(LINT, I)
    DECLARE_VAR(LINT, J)
    DECLARE_VAR(LINT, K)
    DECLARE_VAR(LREAL, SUM)
    DECLARE_VAR(LINT, M)
    DECLARE_VAR(LREAL, Z)
    DECLARE_VAR(LREAL, INNOVATION)
    DECLARE_VAR(LREAL, SHARE)
} PROGRAM_DATA;

static PROGRAM_DATA instance;

void program_init(void) {
    PROGRAM_DATA *me = &instance;
    memset(me, 0, sizeof *me);
    INIT_LOCATED(LREAL, TEMPERATURE);
    INIT_LOCATED(LREAL, PRESSURE);
    INIT_LOCATED(LREAL, SETPOINT);
    INIT_LOCATED(BOOL, AUTOMATIC);
    INIT_LOCATED(LREAL, MANUAL);
    INIT_LOCATED(LREAL, PLACE_X);
    INIT_LOCATED(LREAL, PLACE_Y);
    INIT_LOCATED(LREAL, HEIGHT);
    INIT_LOCATED(LREAL, SMOOTH);
    INIT_LOCATED(LREAL, NOTCHED);
    INIT_LOCATED(LREAL, LAGGED);
    INIT_LOCATED(LREAL, MEAN);
    INIT_LOCATED(LREAL, SIGMA);
    INIT_LOCATED(LREAL, LARGEST);
    INIT_LOCATED(LREAL, HEAT);
    INIT_LOCATED(LREAL, X);
    INIT_LOCATED(LREAL, VX);
    INIT_LOCATED(LREAL, Y);
    INIT_LOCATED(LREAL, VY);
    INIT_LOCATED(LREAL, TRACE);
    INIT_LOCATED(LREAL, TOOL_X);
    INIT_LOCATED(LREAL, TOOL_Y);
    INIT_LOCATED(LREAL, TOOL_Z);
    BIQUAD_init(&me->LOW, LOWPASS, 40.0, 0.7071067811865476);
    BIQUAD_init(&me->NOTCH_FILTER, NOTCH, 100.0, 5.0);
    LAG1_init(&me->LAG, 0.020);
    MOVING_init(&me->WINDOW, 32);
    PID_init(&me->HEATER, 2.0, 0.5, 0.05, 0.0, 100.0);
}

/* FOR index := 0 TO last DO */
#define FOR(index, last) \
    for (SET_FOR(index, 0); GET_VAR(me->index, ) <= (last); SET_FOR(index, GET_VAR(me->index, ) + 1))
#define SET_FOR(index, new_value) \
    ((void)((me->index.flags & FORCED) ? 0 : (me->index.value = (new_value))))

static void measure(PROGRAM_DATA *me) {
    SET_VAR(me->INNOVATION, , GET_VAR(me->Z, ) - GET_VAR(me->STATE, .table[GET_VAR(me->M, )]));
    SET_VAR(me->SHARE, , 1.0 / (GET_VAR(me->P, .table[GET_VAR(me->M, )][GET_VAR(me->M, )]) + 0.25));
    FOR(I, 3) {
        SET_VAR(me->GAIN, .table[GET_VAR(me->I, )], GET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->M, )]) * GET_VAR(me->SHARE, ));
        SET_VAR(me->ROW, .table[GET_VAR(me->I, )], GET_VAR(me->P, .table[GET_VAR(me->M, )][GET_VAR(me->I, )]));
    }
    FOR(I, 3) {
        SET_VAR(me->STATE, .table[GET_VAR(me->I, )], GET_VAR(me->STATE, .table[GET_VAR(me->I, )]) + GET_VAR(me->GAIN, .table[GET_VAR(me->I, )]) * GET_VAR(me->INNOVATION, ));
        FOR(J, 3) {
            SET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->J, )], GET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->J, )]) - GET_VAR(me->GAIN, .table[GET_VAR(me->I, )]) * GET_VAR(me->ROW, .table[GET_VAR(me->J, )]));
        }
    }
}

void program_run(void) {
    PROGRAM_DATA *me = &instance;
    if (!GET_VAR(me->READY, )) {
        FOR(I, 3) {
            SET_VAR(me->A, .table[GET_VAR(me->I, )][GET_VAR(me->I, )], 1.0);
            SET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->I, )], 100.0);
        }
        SET_VAR(me->A, .table[0][1], INTERVAL);
        SET_VAR(me->A, .table[2][3], INTERVAL);
        SET_VAR(me->TURN, .table[0][0], 0.6);
        SET_VAR(me->TURN, .table[0][1], -0.8);
        SET_VAR(me->TURN, .table[1][0], 0.8);
        SET_VAR(me->TURN, .table[1][1], 0.6);
        SET_VAR(me->TURN, .table[2][2], 1.0);
        SET_VAR(me->READY, , TRUE);
    }

    SET_VAR(me->LOW.IN, , GET_LOCATED(me->TEMPERATURE));
    BIQUAD_body(&me->LOW);
    SET_VAR(me->NOTCH_FILTER.IN, , GET_LOCATED(me->PRESSURE));
    BIQUAD_body(&me->NOTCH_FILTER);
    SET_LOCATED(me->SMOOTH, GET_VAR(me->LOW.OUT, ));
    SET_LOCATED(me->NOTCHED, GET_VAR(me->NOTCH_FILTER.OUT, ));
    SET_VAR(me->LAG.IN, , GET_VAR(me->NOTCH_FILTER.OUT, ));
    LAG1_body(&me->LAG);
    SET_LOCATED(me->LAGGED, GET_VAR(me->LAG.OUT, ));
    SET_VAR(me->WINDOW.IN, , GET_LOCATED(me->PRESSURE));
    MOVING_body(&me->WINDOW);
    SET_LOCATED(me->MEAN, GET_VAR(me->WINDOW.MEAN, ));
    SET_LOCATED(me->SIGMA, GET_VAR(me->WINDOW.SIGMA, ));
    SET_LOCATED(me->LARGEST, GET_VAR(me->WINDOW.MAX, ));
    SET_VAR(me->HEATER.SP, , GET_LOCATED(me->SETPOINT));
    SET_VAR(me->HEATER.PV, , GET_VAR(me->LOW.OUT, ));
    SET_VAR(me->HEATER.AUTO, , GET_LOCATED(me->AUTOMATIC));
    SET_VAR(me->HEATER.MAN, , GET_LOCATED(me->MANUAL));
    PID_body(&me->HEATER);
    SET_LOCATED(me->HEAT, GET_VAR(me->HEATER.OUT, ));

    FOR(I, 3) {
        SET_VAR(me->SUM, , 0.0);
        FOR(K, 3) {
            SET_VAR(me->SUM, , GET_VAR(me->SUM, ) + GET_VAR(me->A, .table[GET_VAR(me->I, )][GET_VAR(me->K, )]) * GET_VAR(me->STATE, .table[GET_VAR(me->K, )]));
        }
        SET_VAR(me->NEXT, .table[GET_VAR(me->I, )], GET_VAR(me->SUM, ));
    }
    FOR(I, 3) {
        SET_VAR(me->STATE, .table[GET_VAR(me->I, )], GET_VAR(me->NEXT, .table[GET_VAR(me->I, )]));
    }
    FOR(I, 3) {
        FOR(J, 3) {
            SET_VAR(me->SUM, , 0.0);
            FOR(K, 3) {
                SET_VAR(me->SUM, , GET_VAR(me->SUM, ) + GET_VAR(me->A, .table[GET_VAR(me->I, )][GET_VAR(me->K, )]) * GET_VAR(me->P, .table[GET_VAR(me->K, )][GET_VAR(me->J, )]));
            }
            SET_VAR(me->AP, .table[GET_VAR(me->I, )][GET_VAR(me->J, )], GET_VAR(me->SUM, ));
        }
    }
    FOR(I, 3) {
        FOR(J, 3) {
            SET_VAR(me->SUM, , 0.0);
            FOR(K, 3) {
                SET_VAR(me->SUM, , GET_VAR(me->SUM, ) + GET_VAR(me->AP, .table[GET_VAR(me->I, )][GET_VAR(me->K, )]) * GET_VAR(me->A, .table[GET_VAR(me->J, )][GET_VAR(me->K, )]));
            }
            SET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->J, )], GET_VAR(me->SUM, ));
        }
        SET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->I, )], GET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->I, )]) + 0.01);
    }
    SET_VAR(me->M, , 0);
    SET_VAR(me->Z, , GET_LOCATED(me->PLACE_X));
    measure(me);
    SET_VAR(me->M, , 2);
    SET_VAR(me->Z, , GET_LOCATED(me->PLACE_Y));
    measure(me);
    SET_LOCATED(me->X, GET_VAR(me->STATE, .table[0]));
    SET_LOCATED(me->VX, GET_VAR(me->STATE, .table[1]));
    SET_LOCATED(me->Y, GET_VAR(me->STATE, .table[2]));
    SET_LOCATED(me->VY, GET_VAR(me->STATE, .table[3]));
    SET_VAR(me->SUM, , 0.0);
    FOR(I, 3) {
        SET_VAR(me->SUM, , GET_VAR(me->SUM, ) + GET_VAR(me->P, .table[GET_VAR(me->I, )][GET_VAR(me->I, )]));
    }
    SET_LOCATED(me->TRACE, GET_VAR(me->SUM, ));

    FOR(I, 2) {
        SET_VAR(me->PLACE, .table[GET_VAR(me->I, )], GET_VAR(me->TURN, .table[GET_VAR(me->I, )][0]) * GET_VAR(me->STATE, .table[0]) + GET_VAR(me->TURN, .table[GET_VAR(me->I, )][1]) * GET_VAR(me->STATE, .table[2]) + GET_VAR(me->TURN, .table[GET_VAR(me->I, )][2]) * GET_LOCATED(me->HEIGHT));
    }
    SET_LOCATED(me->TOOL_X, GET_VAR(me->PLACE, .table[0]));
    SET_LOCATED(me->TOOL_Y, GET_VAR(me->PLACE, .table[1]));
    SET_LOCATED(me->TOOL_Z, GET_VAR(me->PLACE, .table[2]));
}
