/* Structured Text as compilers to C write it down, from scratch and by hand: every variable is a member of a struct and
   carries flags, every access goes through a macro, every write asks whether the variable is forced, inputs and outputs
   are reached through pointers that may be forced, function blocks are structs with EN and ENO whose inputs are copied in
   and whose outputs are read out of them again at every call.

   Left out, though such compilers have it: functions with a variable number of arguments, and time as two numbers. Both
   would only cost more. */
#ifndef IEC_H
#define IEC_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t BOOL;
typedef uint8_t BYTE;
typedef int64_t LINT;
typedef double LREAL;
typedef int64_t TIME; /* ns */

#define TRUE ((BOOL)1)
#define FALSE ((BOOL)0)
#define FORCED 0x02

#define DECLARE_VAR(type, name) \
    struct { type value; BYTE flags; } name;
#define DECLARE_LOCATED(type, name) \
    struct { type *value; BYTE flags; type forced; } name;

#define INIT_VAR(name, initial) \
    do { (name).value = (initial); (name).flags = 0; } while (0)
#define INIT_LOCATED(type, name) \
    do { extern type *IMAGE_##name; (me->name).value = IMAGE_##name; (me->name).flags = 0; (me->name).forced = 0; } while (0)

#define GET_VAR(name, suffix) ((name).value suffix)
#define SET_VAR(name, suffix, new_value) \
    do { if (!((name).flags & FORCED)) (name).value suffix = (new_value); } while (0)
#define GET_LOCATED(name) (((name).flags & FORCED) ? (name).forced : *((name).value))
#define SET_LOCATED(name, new_value) \
    do { if (!((name).flags & FORCED)) *((name).value) = (new_value); } while (0)

/* Time of the cycle and interval, set by the resource. */
extern TIME CURRENT_TIME;
extern LREAL INTERVAL;

/* Functions that are no operators; the same bits as in the other columns, see functions.h. */
LREAL function_tan(LREAL x);
LREAL function_expm1(LREAL x);

static inline LREAL function_max(BOOL en, BOOL *eno, LREAL a, LREAL b) {
    if (!en) {
        if (eno != NULL) *eno = FALSE;
        return 0.0;
    }
    if (eno != NULL) *eno = TRUE;
    return a > b ? a : b;
}

static inline LREAL function_limit(BOOL en, BOOL *eno, LREAL low, LREAL x, LREAL high) {
    if (!en) {
        if (eno != NULL) *eno = FALSE;
        return 0.0;
    }
    if (eno != NULL) *eno = TRUE;
    return x < low ? low : x > high ? high : x;
}

static inline BOOL function_finite(LREAL x) { return (BOOL)(x - x == 0.0); }

#define ENABLE(me)                                      \
    do {                                                \
        if (!GET_VAR((me)->EN, )) {                     \
            SET_VAR((me)->ENO, , FALSE);                \
            return;                                     \
        }                                               \
        SET_VAR((me)->ENO, , TRUE);                     \
    } while (0)

/* FUNCTION_BLOCK TON */
typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    DECLARE_VAR(BOOL, IN)
    DECLARE_VAR(TIME, PT)
    DECLARE_VAR(BOOL, Q)
    DECLARE_VAR(TIME, ET)
    DECLARE_VAR(LINT, STATE)
    DECLARE_VAR(BOOL, BEFORE)
    DECLARE_VAR(TIME, NOW)
    DECLARE_VAR(TIME, BEGUN)
} TON;

static void TON_init(TON *me) {
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->IN, FALSE);
    INIT_VAR(me->PT, 0);
    INIT_VAR(me->Q, FALSE);
    INIT_VAR(me->ET, 0);
    INIT_VAR(me->STATE, 0);
    INIT_VAR(me->BEFORE, FALSE);
    INIT_VAR(me->NOW, 0);
    INIT_VAR(me->BEGUN, 0);
}

static void TON_body(TON *me) {
    ENABLE(me);
    SET_VAR(me->NOW, , CURRENT_TIME);
    if (GET_VAR(me->STATE, ) == 0 && !GET_VAR(me->BEFORE, ) && GET_VAR(me->IN, )) {
        SET_VAR(me->STATE, , 1);
        SET_VAR(me->Q, , FALSE);
        SET_VAR(me->BEGUN, , GET_VAR(me->NOW, ));
    } else {
        if (!GET_VAR(me->IN, )) {
            SET_VAR(me->ET, , 0);
            SET_VAR(me->Q, , FALSE);
            SET_VAR(me->STATE, , 0);
        } else if (GET_VAR(me->STATE, ) == 1) {
            if (GET_VAR(me->BEGUN, ) + GET_VAR(me->PT, ) <= GET_VAR(me->NOW, )) {
                SET_VAR(me->STATE, , 2);
                SET_VAR(me->Q, , TRUE);
                SET_VAR(me->ET, , GET_VAR(me->PT, ));
            } else {
                SET_VAR(me->ET, , GET_VAR(me->NOW, ) - GET_VAR(me->BEGUN, ));
            }
        }
    }
    SET_VAR(me->BEFORE, , GET_VAR(me->IN, ));
}

/* FUNCTION_BLOCK R_TRIG */
typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    DECLARE_VAR(BOOL, CLK)
    DECLARE_VAR(BOOL, Q)
    DECLARE_VAR(BOOL, M)
} R_TRIG;

static void R_TRIG_init(R_TRIG *me) {
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->CLK, FALSE);
    INIT_VAR(me->Q, FALSE);
    INIT_VAR(me->M, FALSE);
}

static void R_TRIG_body(R_TRIG *me) {
    ENABLE(me);
    SET_VAR(me->Q, , GET_VAR(me->CLK, ) && !GET_VAR(me->M, ));
    SET_VAR(me->M, , GET_VAR(me->CLK, ));
}

/* FUNCTION_BLOCK CTU */
typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    DECLARE_VAR(BOOL, CU)
    DECLARE_VAR(BOOL, R)
    DECLARE_VAR(LINT, PV)
    DECLARE_VAR(BOOL, Q)
    DECLARE_VAR(LINT, CV)
    R_TRIG EDGE;
} CTU;

static void CTU_init(CTU *me) {
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->CU, FALSE);
    INIT_VAR(me->R, FALSE);
    INIT_VAR(me->PV, 0);
    INIT_VAR(me->Q, FALSE);
    INIT_VAR(me->CV, 0);
    R_TRIG_init(&me->EDGE);
}

static void CTU_body(CTU *me) {
    ENABLE(me);
    SET_VAR(me->EDGE.CLK, , GET_VAR(me->CU, ));
    R_TRIG_body(&me->EDGE);
    if (GET_VAR(me->R, )) {
        SET_VAR(me->CV, , 0);
    } else if (GET_VAR(me->EDGE.Q, ) && GET_VAR(me->CV, ) < INT64_MAX) {
        SET_VAR(me->CV, , GET_VAR(me->CV, ) + 1);
    }
    SET_VAR(me->Q, , GET_VAR(me->CV, ) >= GET_VAR(me->PV, ));
}

#endif
