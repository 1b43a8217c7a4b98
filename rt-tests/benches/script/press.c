/* PROGRAM PRESS: the two presses of press.rhai, as a compiler from Structured Text to C would write them down. */
#include "iec.h"

enum { IDLE, PRESS, LIFT };
enum { SERVO_LIFT, SERVO_FETCH, SERVO_PUSH, SERVO_NEAR, SERVO_PRESS, SERVO_JUDGE, SERVO_EJECT };

/* FUNCTION_BLOCK SERVO: its inputs and outputs are copied at every call. */
typedef struct {
    DECLARE_VAR(BOOL, EN)
    DECLARE_VAR(BOOL, ENO)
    /* VAR_INPUT */
    DECLARE_VAR(BOOL, EXECUTE)
    DECLARE_VAR(BOOL, AXIS_DONE)
    DECLARE_VAR(BOOL, FEEDER_READY)
    DECLARE_VAR(BOOL, PRESENT)
    DECLARE_VAR(LREAL, FORCE)
    DECLARE_VAR(BOOL, MODEL_FRESH)
    DECLARE_VAR(LREAL, MODEL_SCORE)
    DECLARE_VAR(BOOL, KIND_0)
    DECLARE_VAR(BOOL, KIND_1)
    DECLARE_VAR(BOOL, KIND_2)
    /* VAR_OUTPUT */
    DECLARE_VAR(LREAL, TARGET)
    DECLARE_VAR(LREAL, VELOCITY)
    DECLARE_VAR(BOOL, ASK)
    DECLARE_VAR(BOOL, PRESSING)
    DECLARE_VAR(BOOL, FEEDER_RUN)
    DECLARE_VAR(BOOL, FEEDER_PUSH)
    DECLARE_VAR(BOOL, OUT_GOOD)
    DECLARE_VAR(BOOL, OUT_BAD)
    DECLARE_VAR(BOOL, GREEN)
    DECLARE_VAR(LREAL, SCORE)
    DECLARE_VAR(LREAL, STROKE_PEAK)
    DECLARE_VAR(BOOL, STROKE_BAD)
    DECLARE_VAR(LINT, STROKE_KIND)
    DECLARE_VAR(LINT, NUMBER)
    DECLARE_VAR(LINT, GOOD_PARTS)
    DECLARE_VAR(LINT, BAD_PARTS)
    /* VAR */
    DECLARE_VAR(LINT, STEP)
    TON FED;
    TON PUSH;
    TON EJECT;
    TON WAIT;
    DECLARE_VAR(LREAL, PEAK)
    DECLARE_VAR(LINT, KIND)
    DECLARE_VAR(BOOL, BAD)
} SERVO;

static void SERVO_init(SERVO *me) {
    memset(me, 0, sizeof *me);
    INIT_VAR(me->EN, TRUE);
    INIT_VAR(me->ENO, TRUE);
    INIT_VAR(me->STEP, SERVO_LIFT);
    TON_init(&me->FED);
    TON_init(&me->PUSH);
    TON_init(&me->EJECT);
    TON_init(&me->WAIT);
}

static void SERVO_body(SERVO *me) {
    ENABLE(me);
    SET_VAR(me->FED.IN, , GET_VAR(me->FEEDER_READY, ));
    SET_VAR(me->FED.PT, , 10000000);
    TON_body(&me->FED);
    SET_VAR(me->PUSH.IN, , GET_VAR(me->STEP, ) == SERVO_PUSH);
    SET_VAR(me->PUSH.PT, , 30000000);
    TON_body(&me->PUSH);
    SET_VAR(me->EJECT.IN, , GET_VAR(me->STEP, ) == SERVO_EJECT);
    SET_VAR(me->EJECT.PT, , 30000000);
    TON_body(&me->EJECT);
    if (GET_VAR(me->STEP, ) == SERVO_FETCH) {
        SET_VAR(me->WAIT.PT, , 20000000000);
    } else {
        SET_VAR(me->WAIT.PT, , 20000000);
    }
    SET_VAR(me->WAIT.IN, , GET_VAR(me->STEP, ) == SERVO_JUDGE || GET_VAR(me->STEP, ) == SERVO_FETCH);
    TON_body(&me->WAIT);
    SET_VAR(me->ASK, , FALSE);

    if (GET_VAR(me->EXECUTE, )) {
        switch (GET_VAR(me->STEP, )) {
        case SERVO_LIFT:
            SET_VAR(me->TARGET, , 10.0);
            SET_VAR(me->VELOCITY, , 200.0);
            if (GET_VAR(me->AXIS_DONE, )) {
                SET_VAR(me->STEP, , SERVO_FETCH);
            }
            break;
        case SERVO_FETCH:
            if (GET_VAR(me->PRESENT, )) {
                SET_VAR(me->BAD, , TRUE);
                SET_VAR(me->STEP, , SERVO_EJECT);
            } else if (GET_VAR(me->FED.Q, )) {
                SET_VAR(me->STEP, , SERVO_PUSH);
            }
            break;
        case SERVO_PUSH:
            if (GET_VAR(me->PUSH.Q, )) {
                SET_VAR(me->KIND, , 0);
                if (GET_VAR(me->KIND_0, )) {
                    SET_VAR(me->KIND, , GET_VAR(me->KIND, ) + 1);
                }
                if (GET_VAR(me->KIND_1, )) {
                    SET_VAR(me->KIND, , GET_VAR(me->KIND, ) + 2);
                }
                if (GET_VAR(me->KIND_2, )) {
                    SET_VAR(me->KIND, , GET_VAR(me->KIND, ) + 4);
                }
                SET_VAR(me->STEP, , SERVO_NEAR);
            }
            break;
        case SERVO_NEAR:
            SET_VAR(me->TARGET, , 35.0);
            SET_VAR(me->VELOCITY, , 200.0);
            SET_VAR(me->PEAK, , 0.0);
            if (GET_VAR(me->AXIS_DONE, )) {
                SET_VAR(me->STEP, , SERVO_PRESS);
            }
            break;
        case SERVO_PRESS:
            SET_VAR(me->TARGET, , 43.0);
            SET_VAR(me->VELOCITY, , 100.0);
            SET_VAR(me->PEAK, , function_max(TRUE, NULL, GET_VAR(me->PEAK, ), GET_VAR(me->FORCE, )));
            if (GET_VAR(me->AXIS_DONE, )) {
                SET_VAR(me->ASK, , TRUE);
                SET_VAR(me->STEP, , SERVO_JUDGE);
            }
            break;
        case SERVO_JUDGE:
            if (GET_VAR(me->MODEL_FRESH, )) {
                SET_VAR(me->BAD, , GET_VAR(me->MODEL_SCORE, ) > 1.0);
                if (GET_VAR(me->BAD, )) {
                    SET_VAR(me->BAD_PARTS, , GET_VAR(me->BAD_PARTS, ) + 1);
                } else {
                    SET_VAR(me->GOOD_PARTS, , GET_VAR(me->GOOD_PARTS, ) + 1);
                }
                SET_VAR(me->NUMBER, , GET_VAR(me->NUMBER, ) + 1);
                SET_VAR(me->SCORE, , GET_VAR(me->MODEL_SCORE, ));
                SET_VAR(me->STROKE_PEAK, , GET_VAR(me->PEAK, ));
                SET_VAR(me->STROKE_BAD, , GET_VAR(me->BAD, ));
                SET_VAR(me->STROKE_KIND, , GET_VAR(me->KIND, ));
                SET_VAR(me->STEP, , SERVO_EJECT);
            } else if (GET_VAR(me->WAIT.Q, )) {
                SET_VAR(me->BAD, , TRUE);
                SET_VAR(me->STEP, , SERVO_EJECT);
            }
            break;
        case SERVO_EJECT:
            SET_VAR(me->TARGET, , 10.0);
            SET_VAR(me->VELOCITY, , 200.0);
            if (GET_VAR(me->EJECT.Q, ) && GET_VAR(me->AXIS_DONE, )) {
                SET_VAR(me->STEP, , SERVO_LIFT);
            }
            break;
        default:
            break;
        }
    } else {
        SET_VAR(me->STEP, , SERVO_LIFT);
        SET_VAR(me->TARGET, , 10.0);
        SET_VAR(me->VELOCITY, , 200.0);
    }

    SET_VAR(me->PRESSING, , GET_VAR(me->EXECUTE, ) && GET_VAR(me->STEP, ) == SERVO_PRESS);
    SET_VAR(me->FEEDER_RUN, , GET_VAR(me->EXECUTE, ));
    SET_VAR(me->FEEDER_PUSH, , GET_VAR(me->EXECUTE, ) && GET_VAR(me->STEP, ) == SERVO_PUSH);
    SET_VAR(me->OUT_GOOD, , GET_VAR(me->STEP, ) == SERVO_EJECT && !GET_VAR(me->BAD, ));
    SET_VAR(me->OUT_BAD, , GET_VAR(me->STEP, ) == SERVO_EJECT && GET_VAR(me->BAD, ));
    SET_VAR(me->GREEN, , GET_VAR(me->EXECUTE, ));
}

/* PROGRAM */
typedef struct {
    DECLARE_LOCATED(BOOL, START)
    DECLARE_LOCATED(BOOL, RAM_UP)
    DECLARE_LOCATED(BOOL, RAM_DOWN)
    DECLARE_LOCATED(BOOL, NEST_PRESENT)
    DECLARE_LOCATED(LREAL, FORCE)
    DECLARE_LOCATED(BOOL, EXECUTE)
    DECLARE_LOCATED(BOOL, AXIS_DONE)
    DECLARE_LOCATED(BOOL, FEEDER_READY)
    DECLARE_LOCATED(BOOL, SERVO_PRESENT)
    DECLARE_LOCATED(LREAL, SERVO_FORCE)
    DECLARE_LOCATED(BOOL, MODEL_FRESH)
    DECLARE_LOCATED(LREAL, MODEL_SCORE)
    DECLARE_LOCATED(BOOL, KIND_0)
    DECLARE_LOCATED(BOOL, KIND_1)
    DECLARE_LOCATED(BOOL, KIND_2)
    DECLARE_LOCATED(BOOL, VALVE_DOWN)
    DECLARE_LOCATED(BOOL, VALVE_UP)
    DECLARE_LOCATED(BOOL, CLAMP)
    DECLARE_LOCATED(BOOL, LAMP)
    DECLARE_LOCATED(LINT, GOOD_PARTS)
    DECLARE_LOCATED(LINT, BAD_PARTS)
    DECLARE_LOCATED(LREAL, PEAK_FORCE)
    DECLARE_LOCATED(LREAL, AXIS_TARGET)
    DECLARE_LOCATED(LREAL, AXIS_VELOCITY)
    DECLARE_LOCATED(BOOL, MODEL_REQUEST)
    DECLARE_LOCATED(BOOL, PRESSING)
    DECLARE_LOCATED(BOOL, FEEDER_RUN)
    DECLARE_LOCATED(BOOL, FEEDER_PUSH)
    DECLARE_LOCATED(BOOL, SERVO_EJECT)
    DECLARE_LOCATED(BOOL, SERVO_REJECT)
    DECLARE_LOCATED(BOOL, LAMP_GREEN)
    DECLARE_LOCATED(LREAL, STROKE_SCORE)
    DECLARE_LOCATED(LREAL, STROKE_PEAK)
    DECLARE_LOCATED(BOOL, STROKE_BAD)
    DECLARE_LOCATED(LINT, STROKE_KIND)
    DECLARE_LOCATED(LINT, STROKE_NUMBER)
    DECLARE_LOCATED(LINT, SERVO_GOOD)
    DECLARE_LOCATED(LINT, SERVO_BAD)
    DECLARE_VAR(LINT, STEP)
    TON SETTLE;
    TON DWELL;
    TON TIMEOUT;
    R_TRIG BEGIN;
    DECLARE_VAR(LREAL, PEAK)
    CTU GOOD;
    CTU BAD;
    DECLARE_VAR(BOOL, OK)
    SERVO SERVO_STATION;
    DECLARE_VAR(BOOL, FAULT)
} PROGRAM_DATA;

static PROGRAM_DATA instance;

void program_init(void) {
    PROGRAM_DATA *me = &instance;
    memset(me, 0, sizeof *me);
    INIT_LOCATED(BOOL, START);
    INIT_LOCATED(BOOL, RAM_UP);
    INIT_LOCATED(BOOL, RAM_DOWN);
    INIT_LOCATED(BOOL, NEST_PRESENT);
    INIT_LOCATED(LREAL, FORCE);
    INIT_LOCATED(BOOL, EXECUTE);
    INIT_LOCATED(BOOL, AXIS_DONE);
    INIT_LOCATED(BOOL, FEEDER_READY);
    INIT_LOCATED(BOOL, SERVO_PRESENT);
    INIT_LOCATED(LREAL, SERVO_FORCE);
    INIT_LOCATED(BOOL, MODEL_FRESH);
    INIT_LOCATED(LREAL, MODEL_SCORE);
    INIT_LOCATED(BOOL, KIND_0);
    INIT_LOCATED(BOOL, KIND_1);
    INIT_LOCATED(BOOL, KIND_2);
    INIT_LOCATED(BOOL, VALVE_DOWN);
    INIT_LOCATED(BOOL, VALVE_UP);
    INIT_LOCATED(BOOL, CLAMP);
    INIT_LOCATED(BOOL, LAMP);
    INIT_LOCATED(LINT, GOOD_PARTS);
    INIT_LOCATED(LINT, BAD_PARTS);
    INIT_LOCATED(LREAL, PEAK_FORCE);
    INIT_LOCATED(LREAL, AXIS_TARGET);
    INIT_LOCATED(LREAL, AXIS_VELOCITY);
    INIT_LOCATED(BOOL, MODEL_REQUEST);
    INIT_LOCATED(BOOL, PRESSING);
    INIT_LOCATED(BOOL, FEEDER_RUN);
    INIT_LOCATED(BOOL, FEEDER_PUSH);
    INIT_LOCATED(BOOL, SERVO_EJECT);
    INIT_LOCATED(BOOL, SERVO_REJECT);
    INIT_LOCATED(BOOL, LAMP_GREEN);
    INIT_LOCATED(LREAL, STROKE_SCORE);
    INIT_LOCATED(LREAL, STROKE_PEAK);
    INIT_LOCATED(BOOL, STROKE_BAD);
    INIT_LOCATED(LINT, STROKE_KIND);
    INIT_LOCATED(LINT, STROKE_NUMBER);
    INIT_LOCATED(LINT, SERVO_GOOD);
    INIT_LOCATED(LINT, SERVO_BAD);
    INIT_VAR(me->STEP, IDLE);
    TON_init(&me->SETTLE);
    TON_init(&me->DWELL);
    TON_init(&me->TIMEOUT);
    R_TRIG_init(&me->BEGIN);
    CTU_init(&me->GOOD);
    CTU_init(&me->BAD);
    SERVO_init(&me->SERVO_STATION);
}

void program_run(void) {
    PROGRAM_DATA *me = &instance;
    SET_VAR(me->SETTLE.IN, , GET_LOCATED(me->NEST_PRESENT));
    SET_VAR(me->SETTLE.PT, , 10000000);
    TON_body(&me->SETTLE);
    SET_VAR(me->BEGIN.CLK, , GET_LOCATED(me->START));
    R_TRIG_body(&me->BEGIN);
    SET_VAR(me->TIMEOUT.IN, , GET_VAR(me->STEP, ) == PRESS || GET_VAR(me->STEP, ) == LIFT);
    SET_VAR(me->TIMEOUT.PT, , 2000000000);
    TON_body(&me->TIMEOUT);
    SET_VAR(me->DWELL.IN, , GET_VAR(me->STEP, ) == PRESS && GET_LOCATED(me->RAM_DOWN));
    SET_VAR(me->DWELL.PT, , 20000000);
    TON_body(&me->DWELL);

    if (GET_VAR(me->TIMEOUT.Q, )) {
        SET_VAR(me->FAULT, , TRUE);
        return;
    }

    switch (GET_VAR(me->STEP, )) {
    case IDLE:
        if (GET_VAR(me->SETTLE.Q, ) && GET_VAR(me->BEGIN.Q, ) && GET_LOCATED(me->RAM_UP)) {
            SET_VAR(me->PEAK, , 0.0);
            SET_VAR(me->STEP, , PRESS);
        }
        break;
    case PRESS:
        SET_VAR(me->PEAK, , function_max(TRUE, NULL, GET_VAR(me->PEAK, ), GET_LOCATED(me->FORCE)));
        if (GET_VAR(me->DWELL.Q, )) {
            SET_VAR(me->STEP, , LIFT);
        }
        break;
    case LIFT:
        if (GET_LOCATED(me->RAM_UP)) {
            SET_VAR(me->OK, , GET_VAR(me->PEAK, ) >= 800.0 && GET_VAR(me->PEAK, ) <= 1500.0);
            SET_VAR(me->GOOD.CU, , GET_VAR(me->OK, ));
            SET_VAR(me->GOOD.R, , FALSE);
            SET_VAR(me->GOOD.PV, , 1000000);
            CTU_body(&me->GOOD);
            SET_VAR(me->BAD.CU, , !GET_VAR(me->OK, ));
            SET_VAR(me->BAD.R, , FALSE);
            SET_VAR(me->BAD.PV, , 1000000);
            CTU_body(&me->BAD);
            SET_VAR(me->GOOD.CU, , FALSE);
            SET_VAR(me->GOOD.R, , FALSE);
            SET_VAR(me->GOOD.PV, , 1000000);
            CTU_body(&me->GOOD);
            SET_VAR(me->BAD.CU, , FALSE);
            SET_VAR(me->BAD.R, , FALSE);
            SET_VAR(me->BAD.PV, , 1000000);
            CTU_body(&me->BAD);
            SET_LOCATED(me->GOOD_PARTS, GET_VAR(me->GOOD.CV, ));
            SET_LOCATED(me->BAD_PARTS, GET_VAR(me->BAD.CV, ));
            SET_LOCATED(me->PEAK_FORCE, GET_VAR(me->PEAK, ));
            SET_VAR(me->STEP, , IDLE);
        }
        break;
    default:
        break;
    }

    SET_LOCATED(me->VALVE_DOWN, GET_VAR(me->STEP, ) == PRESS);
    SET_LOCATED(me->VALVE_UP, GET_VAR(me->STEP, ) != PRESS);
    SET_LOCATED(me->CLAMP, GET_VAR(me->STEP, ) != IDLE);
    SET_LOCATED(me->LAMP, GET_VAR(me->STEP, ) == IDLE && GET_VAR(me->SETTLE.Q, ));

    SET_VAR(me->SERVO_STATION.EXECUTE, , GET_LOCATED(me->EXECUTE));
    SET_VAR(me->SERVO_STATION.AXIS_DONE, , GET_LOCATED(me->AXIS_DONE));
    SET_VAR(me->SERVO_STATION.FEEDER_READY, , GET_LOCATED(me->FEEDER_READY));
    SET_VAR(me->SERVO_STATION.PRESENT, , GET_LOCATED(me->SERVO_PRESENT));
    SET_VAR(me->SERVO_STATION.FORCE, , GET_LOCATED(me->SERVO_FORCE));
    SET_VAR(me->SERVO_STATION.MODEL_FRESH, , GET_LOCATED(me->MODEL_FRESH));
    SET_VAR(me->SERVO_STATION.MODEL_SCORE, , GET_LOCATED(me->MODEL_SCORE));
    SET_VAR(me->SERVO_STATION.KIND_0, , GET_LOCATED(me->KIND_0));
    SET_VAR(me->SERVO_STATION.KIND_1, , GET_LOCATED(me->KIND_1));
    SET_VAR(me->SERVO_STATION.KIND_2, , GET_LOCATED(me->KIND_2));
    SERVO_body(&me->SERVO_STATION);
    SET_LOCATED(me->AXIS_TARGET, GET_VAR(me->SERVO_STATION.TARGET, ));
    SET_LOCATED(me->AXIS_VELOCITY, GET_VAR(me->SERVO_STATION.VELOCITY, ));
    SET_LOCATED(me->MODEL_REQUEST, GET_VAR(me->SERVO_STATION.ASK, ));
    SET_LOCATED(me->PRESSING, GET_VAR(me->SERVO_STATION.PRESSING, ));
    SET_LOCATED(me->FEEDER_RUN, GET_VAR(me->SERVO_STATION.FEEDER_RUN, ));
    SET_LOCATED(me->FEEDER_PUSH, GET_VAR(me->SERVO_STATION.FEEDER_PUSH, ));
    SET_LOCATED(me->SERVO_EJECT, GET_VAR(me->SERVO_STATION.OUT_GOOD, ));
    SET_LOCATED(me->SERVO_REJECT, GET_VAR(me->SERVO_STATION.OUT_BAD, ));
    SET_LOCATED(me->LAMP_GREEN, GET_VAR(me->SERVO_STATION.GREEN, ));
    SET_LOCATED(me->STROKE_SCORE, GET_VAR(me->SERVO_STATION.SCORE, ));
    SET_LOCATED(me->STROKE_PEAK, GET_VAR(me->SERVO_STATION.STROKE_PEAK, ));
    SET_LOCATED(me->STROKE_BAD, GET_VAR(me->SERVO_STATION.STROKE_BAD, ));
    SET_LOCATED(me->STROKE_KIND, GET_VAR(me->SERVO_STATION.STROKE_KIND, ));
    SET_LOCATED(me->STROKE_NUMBER, GET_VAR(me->SERVO_STATION.NUMBER, ));
    SET_LOCATED(me->SERVO_GOOD, GET_VAR(me->SERVO_STATION.GOOD_PARTS, ));
    SET_LOCATED(me->SERVO_BAD, GET_VAR(me->SERVO_STATION.BAD_PARTS, ));
}
