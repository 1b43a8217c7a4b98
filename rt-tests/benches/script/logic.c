/* PROGRAM LOGIC: two hundred rungs. Written by rt-tests/src/rungs.rs; a test keeps it up to date. */
#include "iec.h"

typedef struct {
    DECLARE_LOCATED(BOOL, X0)
    DECLARE_LOCATED(BOOL, X1)
    DECLARE_LOCATED(BOOL, X2)
    DECLARE_LOCATED(BOOL, X3)
    DECLARE_LOCATED(BOOL, X4)
    DECLARE_LOCATED(BOOL, X5)
    DECLARE_LOCATED(BOOL, X6)
    DECLARE_LOCATED(BOOL, X7)
    DECLARE_LOCATED(BOOL, X8)
    DECLARE_LOCATED(BOOL, X9)
    DECLARE_LOCATED(BOOL, X10)
    DECLARE_LOCATED(BOOL, X11)
    DECLARE_LOCATED(BOOL, X12)
    DECLARE_LOCATED(BOOL, X13)
    DECLARE_LOCATED(BOOL, X14)
    DECLARE_LOCATED(BOOL, X15)
    DECLARE_LOCATED(BOOL, X16)
    DECLARE_LOCATED(BOOL, X17)
    DECLARE_LOCATED(BOOL, X18)
    DECLARE_LOCATED(BOOL, X19)
    DECLARE_LOCATED(BOOL, X20)
    DECLARE_LOCATED(BOOL, X21)
    DECLARE_LOCATED(BOOL, X22)
    DECLARE_LOCATED(BOOL, X23)
    DECLARE_LOCATED(BOOL, X24)
    DECLARE_LOCATED(BOOL, X25)
    DECLARE_LOCATED(BOOL, X26)
    DECLARE_LOCATED(BOOL, X27)
    DECLARE_LOCATED(BOOL, X28)
    DECLARE_LOCATED(BOOL, X29)
    DECLARE_LOCATED(BOOL, X30)
    DECLARE_LOCATED(BOOL, X31)
    DECLARE_LOCATED(BOOL, X32)
    DECLARE_LOCATED(BOOL, X33)
    DECLARE_LOCATED(BOOL, X34)
    DECLARE_LOCATED(BOOL, X35)
    DECLARE_LOCATED(BOOL, X36)
    DECLARE_LOCATED(BOOL, X37)
    DECLARE_LOCATED(BOOL, X38)
    DECLARE_LOCATED(BOOL, X39)
    DECLARE_LOCATED(BOOL, X40)
    DECLARE_LOCATED(BOOL, X41)
    DECLARE_LOCATED(BOOL, X42)
    DECLARE_LOCATED(BOOL, X43)
    DECLARE_LOCATED(BOOL, X44)
    DECLARE_LOCATED(BOOL, X45)
    DECLARE_LOCATED(BOOL, X46)
    DECLARE_LOCATED(BOOL, X47)
    DECLARE_LOCATED(BOOL, X48)
    DECLARE_LOCATED(BOOL, X49)
    DECLARE_LOCATED(BOOL, X50)
    DECLARE_LOCATED(BOOL, X51)
    DECLARE_LOCATED(BOOL, X52)
    DECLARE_LOCATED(BOOL, X53)
    DECLARE_LOCATED(BOOL, X54)
    DECLARE_LOCATED(BOOL, X55)
    DECLARE_LOCATED(BOOL, X56)
    DECLARE_LOCATED(BOOL, X57)
    DECLARE_LOCATED(BOOL, X58)
    DECLARE_LOCATED(BOOL, X59)
    DECLARE_LOCATED(BOOL, X60)
    DECLARE_LOCATED(BOOL, X61)
    DECLARE_LOCATED(BOOL, X62)
    DECLARE_LOCATED(BOOL, X63)
    DECLARE_LOCATED(BOOL, Y0)
    DECLARE_LOCATED(BOOL, Y1)
    DECLARE_LOCATED(BOOL, Y2)
    DECLARE_LOCATED(BOOL, Y3)
    DECLARE_LOCATED(BOOL, Y4)
    DECLARE_LOCATED(BOOL, Y5)
    DECLARE_LOCATED(BOOL, Y6)
    DECLARE_LOCATED(BOOL, Y7)
    DECLARE_LOCATED(BOOL, Y8)
    DECLARE_LOCATED(BOOL, Y9)
    DECLARE_LOCATED(BOOL, Y10)
    DECLARE_LOCATED(BOOL, Y11)
    DECLARE_LOCATED(BOOL, Y12)
    DECLARE_LOCATED(BOOL, Y13)
    DECLARE_LOCATED(BOOL, Y14)
    DECLARE_LOCATED(BOOL, Y15)
    DECLARE_LOCATED(BOOL, Y16)
    DECLARE_LOCATED(BOOL, Y17)
    DECLARE_LOCATED(BOOL, Y18)
    DECLARE_LOCATED(BOOL, Y19)
    DECLARE_LOCATED(BOOL, Y20)
    DECLARE_LOCATED(BOOL, Y21)
    DECLARE_LOCATED(BOOL, Y22)
    DECLARE_LOCATED(BOOL, Y23)
    DECLARE_LOCATED(BOOL, Y24)
    DECLARE_LOCATED(BOOL, Y25)
    DECLARE_LOCATED(BOOL, Y26)
    DECLARE_LOCATED(BOOL, Y27)
    DECLARE_LOCATED(BOOL, Y28)
    DECLARE_LOCATED(BOOL, Y29)
    DECLARE_LOCATED(BOOL, Y30)
    DECLARE_LOCATED(BOOL, Y31)
    DECLARE_LOCATED(BOOL, Y32)
    DECLARE_LOCATED(BOOL, Y33)
    DECLARE_LOCATED(BOOL, Y34)
    DECLARE_LOCATED(BOOL, Y35)
    DECLARE_LOCATED(BOOL, Y36)
    DECLARE_LOCATED(BOOL, Y37)
    DECLARE_LOCATED(BOOL, Y38)
    DECLARE_LOCATED(BOOL, Y39)
    DECLARE_LOCATED(BOOL, Y40)
    DECLARE_LOCATED(BOOL, Y41)
    DECLARE_LOCATED(BOOL, Y42)
    DECLARE_LOCATED(BOOL, Y43)
    DECLARE_LOCATED(BOOL, Y44)
    DECLARE_LOCATED(BOOL, Y45)
    DECLARE_LOCATED(BOOL, Y46)
    DECLARE_LOCATED(BOOL, Y47)
    DECLARE_VAR(BOOL, M0)
    DECLARE_VAR(BOOL, M1)
    DECLARE_VAR(BOOL, M2)
    DECLARE_VAR(BOOL, M3)
    DECLARE_VAR(BOOL, M4)
    DECLARE_VAR(BOOL, M5)
    DECLARE_VAR(BOOL, M6)
    DECLARE_VAR(BOOL, M7)
    DECLARE_VAR(BOOL, M8)
    DECLARE_VAR(BOOL, M9)
    DECLARE_VAR(BOOL, M10)
    DECLARE_VAR(BOOL, M11)
    DECLARE_VAR(BOOL, M12)
    DECLARE_VAR(BOOL, M13)
    DECLARE_VAR(BOOL, M14)
    DECLARE_VAR(BOOL, M15)
    DECLARE_VAR(BOOL, M16)
    DECLARE_VAR(BOOL, M17)
    DECLARE_VAR(BOOL, M18)
    DECLARE_VAR(BOOL, M19)
    DECLARE_VAR(BOOL, M20)
    DECLARE_VAR(BOOL, M21)
    DECLARE_VAR(BOOL, M22)
    DECLARE_VAR(BOOL, M23)
    DECLARE_VAR(BOOL, M24)
    DECLARE_VAR(BOOL, M25)
    DECLARE_VAR(BOOL, M26)
    DECLARE_VAR(BOOL, M27)
    DECLARE_VAR(BOOL, M28)
    DECLARE_VAR(BOOL, M29)
    DECLARE_VAR(BOOL, M30)
    DECLARE_VAR(BOOL, M31)
    DECLARE_VAR(BOOL, M32)
    DECLARE_VAR(BOOL, M33)
    DECLARE_VAR(BOOL, M34)
    DECLARE_VAR(BOOL, M35)
    DECLARE_VAR(BOOL, M36)
    DECLARE_VAR(BOOL, M37)
    DECLARE_VAR(BOOL, M38)
    DECLARE_VAR(BOOL, M39)
    DECLARE_VAR(BOOL, M40)
    DECLARE_VAR(BOOL, M41)
    DECLARE_VAR(BOOL, M42)
    DECLARE_VAR(BOOL, M43)
    DECLARE_VAR(BOOL, M44)
    DECLARE_VAR(BOOL, M45)
    DECLARE_VAR(BOOL, M46)
    DECLARE_VAR(BOOL, M47)
    DECLARE_VAR(BOOL, M48)
    DECLARE_VAR(BOOL, M49)
    DECLARE_VAR(BOOL, M50)
    DECLARE_VAR(BOOL, M51)
    DECLARE_VAR(BOOL, M52)
    DECLARE_VAR(BOOL, M53)
    DECLARE_VAR(BOOL, M54)
    DECLARE_VAR(BOOL, M55)
    DECLARE_VAR(BOOL, M56)
    DECLARE_VAR(BOOL, M57)
    DECLARE_VAR(BOOL, M58)
    DECLARE_VAR(BOOL, M59)
    DECLARE_VAR(BOOL, M60)
    DECLARE_VAR(BOOL, M61)
    DECLARE_VAR(BOOL, M62)
    DECLARE_VAR(BOOL, M63)
    DECLARE_VAR(BOOL, M64)
    DECLARE_VAR(BOOL, M65)
    DECLARE_VAR(BOOL, M66)
    DECLARE_VAR(BOOL, M67)
    DECLARE_VAR(BOOL, M68)
    DECLARE_VAR(BOOL, M69)
    DECLARE_VAR(BOOL, M70)
    DECLARE_VAR(BOOL, M71)
    DECLARE_VAR(BOOL, M72)
    DECLARE_VAR(BOOL, M73)
    DECLARE_VAR(BOOL, M74)
    DECLARE_VAR(BOOL, M75)
    DECLARE_VAR(BOOL, M76)
    DECLARE_VAR(BOOL, M77)
    DECLARE_VAR(BOOL, M78)
    DECLARE_VAR(BOOL, M79)
    DECLARE_VAR(BOOL, M80)
    DECLARE_VAR(BOOL, M81)
    DECLARE_VAR(BOOL, M82)
    DECLARE_VAR(BOOL, M83)
    DECLARE_VAR(BOOL, M84)
    DECLARE_VAR(BOOL, M85)
    DECLARE_VAR(BOOL, M86)
    DECLARE_VAR(BOOL, M87)
    DECLARE_VAR(BOOL, M88)
    DECLARE_VAR(BOOL, M89)
    DECLARE_VAR(BOOL, M90)
    DECLARE_VAR(BOOL, M91)
    DECLARE_VAR(BOOL, M92)
    DECLARE_VAR(BOOL, M93)
    DECLARE_VAR(BOOL, M94)
    DECLARE_VAR(BOOL, M95)
    DECLARE_VAR(BOOL, M96)
    DECLARE_VAR(BOOL, M97)
    DECLARE_VAR(BOOL, M98)
    DECLARE_VAR(BOOL, M99)
    DECLARE_VAR(BOOL, M100)
    DECLARE_VAR(BOOL, M101)
    DECLARE_VAR(BOOL, M102)
    DECLARE_VAR(BOOL, M103)
    DECLARE_VAR(BOOL, M104)
    DECLARE_VAR(BOOL, M105)
    DECLARE_VAR(BOOL, M106)
    DECLARE_VAR(BOOL, M107)
    DECLARE_VAR(BOOL, M108)
    DECLARE_VAR(BOOL, M109)
    DECLARE_VAR(BOOL, M110)
    DECLARE_VAR(BOOL, M111)
    DECLARE_VAR(BOOL, M112)
    DECLARE_VAR(BOOL, M113)
    DECLARE_VAR(BOOL, M114)
    DECLARE_VAR(BOOL, M115)
    DECLARE_VAR(BOOL, M116)
    DECLARE_VAR(BOOL, M117)
    DECLARE_VAR(BOOL, M118)
    DECLARE_VAR(BOOL, M119)
    DECLARE_VAR(BOOL, M120)
    DECLARE_VAR(BOOL, M121)
    DECLARE_VAR(BOOL, M122)
    DECLARE_VAR(BOOL, M123)
    DECLARE_VAR(BOOL, M124)
    DECLARE_VAR(BOOL, M125)
    DECLARE_VAR(BOOL, M126)
    DECLARE_VAR(BOOL, M127)
    DECLARE_VAR(BOOL, M128)
    DECLARE_VAR(BOOL, M129)
    DECLARE_VAR(BOOL, M130)
    DECLARE_VAR(BOOL, M131)
    DECLARE_VAR(BOOL, M132)
    DECLARE_VAR(BOOL, M133)
    DECLARE_VAR(BOOL, M134)
    DECLARE_VAR(BOOL, M135)
    DECLARE_VAR(BOOL, M136)
    DECLARE_VAR(BOOL, M137)
    DECLARE_VAR(BOOL, M138)
    DECLARE_VAR(BOOL, M139)
    DECLARE_VAR(BOOL, M140)
    DECLARE_VAR(BOOL, M141)
    DECLARE_VAR(BOOL, M142)
    DECLARE_VAR(BOOL, M143)
    DECLARE_VAR(BOOL, M144)
    DECLARE_VAR(BOOL, M145)
    DECLARE_VAR(BOOL, M146)
    DECLARE_VAR(BOOL, M147)
    DECLARE_VAR(BOOL, M148)
    DECLARE_VAR(BOOL, M149)
    DECLARE_VAR(BOOL, M150)
    DECLARE_VAR(BOOL, M151)
} PROGRAM_DATA;

static PROGRAM_DATA instance;

void program_init(void) {
    PROGRAM_DATA *me = &instance;
    memset(me, 0, sizeof *me);
    INIT_LOCATED(BOOL, X0);
    INIT_LOCATED(BOOL, X1);
    INIT_LOCATED(BOOL, X2);
    INIT_LOCATED(BOOL, X3);
    INIT_LOCATED(BOOL, X4);
    INIT_LOCATED(BOOL, X5);
    INIT_LOCATED(BOOL, X6);
    INIT_LOCATED(BOOL, X7);
    INIT_LOCATED(BOOL, X8);
    INIT_LOCATED(BOOL, X9);
    INIT_LOCATED(BOOL, X10);
    INIT_LOCATED(BOOL, X11);
    INIT_LOCATED(BOOL, X12);
    INIT_LOCATED(BOOL, X13);
    INIT_LOCATED(BOOL, X14);
    INIT_LOCATED(BOOL, X15);
    INIT_LOCATED(BOOL, X16);
    INIT_LOCATED(BOOL, X17);
    INIT_LOCATED(BOOL, X18);
    INIT_LOCATED(BOOL, X19);
    INIT_LOCATED(BOOL, X20);
    INIT_LOCATED(BOOL, X21);
    INIT_LOCATED(BOOL, X22);
    INIT_LOCATED(BOOL, X23);
    INIT_LOCATED(BOOL, X24);
    INIT_LOCATED(BOOL, X25);
    INIT_LOCATED(BOOL, X26);
    INIT_LOCATED(BOOL, X27);
    INIT_LOCATED(BOOL, X28);
    INIT_LOCATED(BOOL, X29);
    INIT_LOCATED(BOOL, X30);
    INIT_LOCATED(BOOL, X31);
    INIT_LOCATED(BOOL, X32);
    INIT_LOCATED(BOOL, X33);
    INIT_LOCATED(BOOL, X34);
    INIT_LOCATED(BOOL, X35);
    INIT_LOCATED(BOOL, X36);
    INIT_LOCATED(BOOL, X37);
    INIT_LOCATED(BOOL, X38);
    INIT_LOCATED(BOOL, X39);
    INIT_LOCATED(BOOL, X40);
    INIT_LOCATED(BOOL, X41);
    INIT_LOCATED(BOOL, X42);
    INIT_LOCATED(BOOL, X43);
    INIT_LOCATED(BOOL, X44);
    INIT_LOCATED(BOOL, X45);
    INIT_LOCATED(BOOL, X46);
    INIT_LOCATED(BOOL, X47);
    INIT_LOCATED(BOOL, X48);
    INIT_LOCATED(BOOL, X49);
    INIT_LOCATED(BOOL, X50);
    INIT_LOCATED(BOOL, X51);
    INIT_LOCATED(BOOL, X52);
    INIT_LOCATED(BOOL, X53);
    INIT_LOCATED(BOOL, X54);
    INIT_LOCATED(BOOL, X55);
    INIT_LOCATED(BOOL, X56);
    INIT_LOCATED(BOOL, X57);
    INIT_LOCATED(BOOL, X58);
    INIT_LOCATED(BOOL, X59);
    INIT_LOCATED(BOOL, X60);
    INIT_LOCATED(BOOL, X61);
    INIT_LOCATED(BOOL, X62);
    INIT_LOCATED(BOOL, X63);
    INIT_LOCATED(BOOL, Y0);
    INIT_LOCATED(BOOL, Y1);
    INIT_LOCATED(BOOL, Y2);
    INIT_LOCATED(BOOL, Y3);
    INIT_LOCATED(BOOL, Y4);
    INIT_LOCATED(BOOL, Y5);
    INIT_LOCATED(BOOL, Y6);
    INIT_LOCATED(BOOL, Y7);
    INIT_LOCATED(BOOL, Y8);
    INIT_LOCATED(BOOL, Y9);
    INIT_LOCATED(BOOL, Y10);
    INIT_LOCATED(BOOL, Y11);
    INIT_LOCATED(BOOL, Y12);
    INIT_LOCATED(BOOL, Y13);
    INIT_LOCATED(BOOL, Y14);
    INIT_LOCATED(BOOL, Y15);
    INIT_LOCATED(BOOL, Y16);
    INIT_LOCATED(BOOL, Y17);
    INIT_LOCATED(BOOL, Y18);
    INIT_LOCATED(BOOL, Y19);
    INIT_LOCATED(BOOL, Y20);
    INIT_LOCATED(BOOL, Y21);
    INIT_LOCATED(BOOL, Y22);
    INIT_LOCATED(BOOL, Y23);
    INIT_LOCATED(BOOL, Y24);
    INIT_LOCATED(BOOL, Y25);
    INIT_LOCATED(BOOL, Y26);
    INIT_LOCATED(BOOL, Y27);
    INIT_LOCATED(BOOL, Y28);
    INIT_LOCATED(BOOL, Y29);
    INIT_LOCATED(BOOL, Y30);
    INIT_LOCATED(BOOL, Y31);
    INIT_LOCATED(BOOL, Y32);
    INIT_LOCATED(BOOL, Y33);
    INIT_LOCATED(BOOL, Y34);
    INIT_LOCATED(BOOL, Y35);
    INIT_LOCATED(BOOL, Y36);
    INIT_LOCATED(BOOL, Y37);
    INIT_LOCATED(BOOL, Y38);
    INIT_LOCATED(BOOL, Y39);
    INIT_LOCATED(BOOL, Y40);
    INIT_LOCATED(BOOL, Y41);
    INIT_LOCATED(BOOL, Y42);
    INIT_LOCATED(BOOL, Y43);
    INIT_LOCATED(BOOL, Y44);
    INIT_LOCATED(BOOL, Y45);
    INIT_LOCATED(BOOL, Y46);
    INIT_LOCATED(BOOL, Y47);
    INIT_VAR(me->M0, FALSE);
    INIT_VAR(me->M1, FALSE);
    INIT_VAR(me->M2, FALSE);
    INIT_VAR(me->M3, FALSE);
    INIT_VAR(me->M4, FALSE);
    INIT_VAR(me->M5, FALSE);
    INIT_VAR(me->M6, FALSE);
    INIT_VAR(me->M7, FALSE);
    INIT_VAR(me->M8, FALSE);
    INIT_VAR(me->M9, FALSE);
    INIT_VAR(me->M10, FALSE);
    INIT_VAR(me->M11, FALSE);
    INIT_VAR(me->M12, FALSE);
    INIT_VAR(me->M13, FALSE);
    INIT_VAR(me->M14, FALSE);
    INIT_VAR(me->M15, FALSE);
    INIT_VAR(me->M16, FALSE);
    INIT_VAR(me->M17, FALSE);
    INIT_VAR(me->M18, FALSE);
    INIT_VAR(me->M19, FALSE);
    INIT_VAR(me->M20, FALSE);
    INIT_VAR(me->M21, FALSE);
    INIT_VAR(me->M22, FALSE);
    INIT_VAR(me->M23, FALSE);
    INIT_VAR(me->M24, FALSE);
    INIT_VAR(me->M25, FALSE);
    INIT_VAR(me->M26, FALSE);
    INIT_VAR(me->M27, FALSE);
    INIT_VAR(me->M28, FALSE);
    INIT_VAR(me->M29, FALSE);
    INIT_VAR(me->M30, FALSE);
    INIT_VAR(me->M31, FALSE);
    INIT_VAR(me->M32, FALSE);
    INIT_VAR(me->M33, FALSE);
    INIT_VAR(me->M34, FALSE);
    INIT_VAR(me->M35, FALSE);
    INIT_VAR(me->M36, FALSE);
    INIT_VAR(me->M37, FALSE);
    INIT_VAR(me->M38, FALSE);
    INIT_VAR(me->M39, FALSE);
    INIT_VAR(me->M40, FALSE);
    INIT_VAR(me->M41, FALSE);
    INIT_VAR(me->M42, FALSE);
    INIT_VAR(me->M43, FALSE);
    INIT_VAR(me->M44, FALSE);
    INIT_VAR(me->M45, FALSE);
    INIT_VAR(me->M46, FALSE);
    INIT_VAR(me->M47, FALSE);
    INIT_VAR(me->M48, FALSE);
    INIT_VAR(me->M49, FALSE);
    INIT_VAR(me->M50, FALSE);
    INIT_VAR(me->M51, FALSE);
    INIT_VAR(me->M52, FALSE);
    INIT_VAR(me->M53, FALSE);
    INIT_VAR(me->M54, FALSE);
    INIT_VAR(me->M55, FALSE);
    INIT_VAR(me->M56, FALSE);
    INIT_VAR(me->M57, FALSE);
    INIT_VAR(me->M58, FALSE);
    INIT_VAR(me->M59, FALSE);
    INIT_VAR(me->M60, FALSE);
    INIT_VAR(me->M61, FALSE);
    INIT_VAR(me->M62, FALSE);
    INIT_VAR(me->M63, FALSE);
    INIT_VAR(me->M64, FALSE);
    INIT_VAR(me->M65, FALSE);
    INIT_VAR(me->M66, FALSE);
    INIT_VAR(me->M67, FALSE);
    INIT_VAR(me->M68, FALSE);
    INIT_VAR(me->M69, FALSE);
    INIT_VAR(me->M70, FALSE);
    INIT_VAR(me->M71, FALSE);
    INIT_VAR(me->M72, FALSE);
    INIT_VAR(me->M73, FALSE);
    INIT_VAR(me->M74, FALSE);
    INIT_VAR(me->M75, FALSE);
    INIT_VAR(me->M76, FALSE);
    INIT_VAR(me->M77, FALSE);
    INIT_VAR(me->M78, FALSE);
    INIT_VAR(me->M79, FALSE);
    INIT_VAR(me->M80, FALSE);
    INIT_VAR(me->M81, FALSE);
    INIT_VAR(me->M82, FALSE);
    INIT_VAR(me->M83, FALSE);
    INIT_VAR(me->M84, FALSE);
    INIT_VAR(me->M85, FALSE);
    INIT_VAR(me->M86, FALSE);
    INIT_VAR(me->M87, FALSE);
    INIT_VAR(me->M88, FALSE);
    INIT_VAR(me->M89, FALSE);
    INIT_VAR(me->M90, FALSE);
    INIT_VAR(me->M91, FALSE);
    INIT_VAR(me->M92, FALSE);
    INIT_VAR(me->M93, FALSE);
    INIT_VAR(me->M94, FALSE);
    INIT_VAR(me->M95, FALSE);
    INIT_VAR(me->M96, FALSE);
    INIT_VAR(me->M97, FALSE);
    INIT_VAR(me->M98, FALSE);
    INIT_VAR(me->M99, FALSE);
    INIT_VAR(me->M100, FALSE);
    INIT_VAR(me->M101, FALSE);
    INIT_VAR(me->M102, FALSE);
    INIT_VAR(me->M103, FALSE);
    INIT_VAR(me->M104, FALSE);
    INIT_VAR(me->M105, FALSE);
    INIT_VAR(me->M106, FALSE);
    INIT_VAR(me->M107, FALSE);
    INIT_VAR(me->M108, FALSE);
    INIT_VAR(me->M109, FALSE);
    INIT_VAR(me->M110, FALSE);
    INIT_VAR(me->M111, FALSE);
    INIT_VAR(me->M112, FALSE);
    INIT_VAR(me->M113, FALSE);
    INIT_VAR(me->M114, FALSE);
    INIT_VAR(me->M115, FALSE);
    INIT_VAR(me->M116, FALSE);
    INIT_VAR(me->M117, FALSE);
    INIT_VAR(me->M118, FALSE);
    INIT_VAR(me->M119, FALSE);
    INIT_VAR(me->M120, FALSE);
    INIT_VAR(me->M121, FALSE);
    INIT_VAR(me->M122, FALSE);
    INIT_VAR(me->M123, FALSE);
    INIT_VAR(me->M124, FALSE);
    INIT_VAR(me->M125, FALSE);
    INIT_VAR(me->M126, FALSE);
    INIT_VAR(me->M127, FALSE);
    INIT_VAR(me->M128, FALSE);
    INIT_VAR(me->M129, FALSE);
    INIT_VAR(me->M130, FALSE);
    INIT_VAR(me->M131, FALSE);
    INIT_VAR(me->M132, FALSE);
    INIT_VAR(me->M133, FALSE);
    INIT_VAR(me->M134, FALSE);
    INIT_VAR(me->M135, FALSE);
    INIT_VAR(me->M136, FALSE);
    INIT_VAR(me->M137, FALSE);
    INIT_VAR(me->M138, FALSE);
    INIT_VAR(me->M139, FALSE);
    INIT_VAR(me->M140, FALSE);
    INIT_VAR(me->M141, FALSE);
    INIT_VAR(me->M142, FALSE);
    INIT_VAR(me->M143, FALSE);
    INIT_VAR(me->M144, FALSE);
    INIT_VAR(me->M145, FALSE);
    INIT_VAR(me->M146, FALSE);
    INIT_VAR(me->M147, FALSE);
    INIT_VAR(me->M148, FALSE);
    INIT_VAR(me->M149, FALSE);
    INIT_VAR(me->M150, FALSE);
    INIT_VAR(me->M151, FALSE);
}

void program_run(void) {
    PROGRAM_DATA *me = &instance;
    SET_VAR(me->M0, , (GET_VAR(me->M9, ) && GET_VAR(me->M23, )) || (GET_VAR(me->M23, ) && GET_VAR(me->M133, )) || (GET_VAR(me->M9, ) && GET_VAR(me->M133, )));
    SET_LOCATED(me->Y0, (GET_VAR(me->M0, ) || GET_LOCATED(me->X3)) && (GET_VAR(me->M0, ) || !GET_VAR(me->M0, )));
    SET_VAR(me->M1, , (GET_LOCATED(me->X52) || GET_VAR(me->M1, )) && !GET_LOCATED(me->X63) && GET_LOCATED(me->X9));
    SET_VAR(me->M2, , (GET_VAR(me->M0, ) && GET_VAR(me->M90, )) || (GET_VAR(me->M90, ) && GET_LOCATED(me->X55)) || (GET_VAR(me->M0, ) && GET_LOCATED(me->X55)));
    SET_VAR(me->M3, , (GET_VAR(me->M1, ) || GET_VAR(me->M1, )) && (GET_LOCATED(me->X59) || !GET_VAR(me->M0, )));
    SET_LOCATED(me->Y1, (GET_VAR(me->M0, ) && GET_VAR(me->M0, )) || (GET_VAR(me->M40, ) && !GET_VAR(me->M0, )));
    SET_VAR(me->M4, , (GET_VAR(me->M3, ) && GET_VAR(me->M0, )) || (GET_VAR(me->M0, ) && GET_VAR(me->M31, )) || (GET_VAR(me->M3, ) && GET_VAR(me->M31, )));
    SET_VAR(me->M5, , GET_VAR(me->M1, ) && !GET_VAR(me->M56, ) && GET_VAR(me->M96, ));
    SET_VAR(me->M6, , (GET_VAR(me->M5, ) || GET_VAR(me->M6, )) && !GET_VAR(me->M101, ) && GET_LOCATED(me->X60));
    SET_LOCATED(me->Y2, GET_LOCATED(me->X30) && !GET_VAR(me->M5, ) && GET_VAR(me->M5, ));
    SET_VAR(me->M7, , (GET_VAR(me->M0, ) && GET_VAR(me->M1, )) || (GET_VAR(me->M1, ) && GET_LOCATED(me->X5)) || (GET_VAR(me->M0, ) && GET_LOCATED(me->X5)));
    SET_VAR(me->M8, , (GET_LOCATED(me->X31) || GET_VAR(me->M3, )) && (GET_VAR(me->M65, ) || !GET_VAR(me->M6, )));
    SET_VAR(me->M9, , (GET_LOCATED(me->X26) && GET_VAR(me->M7, )) || (GET_VAR(me->M77, ) && !GET_VAR(me->M131, )));
    SET_LOCATED(me->Y3, (GET_VAR(me->M9, ) && !GET_VAR(me->M96, )) || (!GET_VAR(me->M9, ) && GET_VAR(me->M96, )));
    SET_VAR(me->M10, , (GET_VAR(me->M43, ) && GET_VAR(me->M7, )) || (GET_VAR(me->M7, ) && GET_LOCATED(me->X18)) || (GET_VAR(me->M43, ) && GET_LOCATED(me->X18)));
    SET_VAR(me->M11, , GET_VAR(me->M9, ) && !GET_LOCATED(me->X3) && GET_VAR(me->M5, ));
    SET_VAR(me->M12, , (GET_VAR(me->M87, ) && GET_LOCATED(me->X10)) || (GET_LOCATED(me->X4) && !GET_VAR(me->M34, )));
    SET_LOCATED(me->Y4, (GET_VAR(me->M9, ) && !GET_LOCATED(me->X6)) || (!GET_VAR(me->M9, ) && GET_LOCATED(me->X6)));
    SET_VAR(me->M13, , GET_VAR(me->M6, ) && !GET_VAR(me->M4, ) && GET_LOCATED(me->X12));
    SET_VAR(me->M14, , (GET_VAR(me->M11, ) && !GET_LOCATED(me->X41)) || (!GET_VAR(me->M11, ) && GET_LOCATED(me->X41)));
    SET_VAR(me->M15, , (GET_LOCATED(me->X48) && GET_VAR(me->M8, )) || (GET_LOCATED(me->X50) && !GET_VAR(me->M6, )));
    SET_LOCATED(me->Y5, GET_LOCATED(me->X48) && !GET_LOCATED(me->X17) && GET_VAR(me->M12, ));
    SET_VAR(me->M16, , (GET_VAR(me->M1, ) || GET_VAR(me->M16, )) && !GET_VAR(me->M4, ) && GET_VAR(me->M14, ));
    SET_VAR(me->M17, , (GET_LOCATED(me->X23) || GET_VAR(me->M17, )) && !GET_VAR(me->M11, ) && GET_LOCATED(me->X11));
    SET_VAR(me->M18, , (GET_VAR(me->M2, ) && !GET_VAR(me->M4, )) || (!GET_VAR(me->M2, ) && GET_VAR(me->M4, )));
    SET_VAR(me->M19, , (GET_LOCATED(me->X4) || GET_VAR(me->M68, )) && (GET_VAR(me->M18, ) || !GET_LOCATED(me->X20)));
    SET_LOCATED(me->Y6, (GET_LOCATED(me->X22) && GET_VAR(me->M6, )) || (GET_VAR(me->M6, ) && GET_VAR(me->M0, )) || (GET_LOCATED(me->X22) && GET_VAR(me->M0, )));
    SET_VAR(me->M20, , GET_VAR(me->M1, ) && !GET_LOCATED(me->X8) && GET_VAR(me->M15, ));
    SET_VAR(me->M21, , (GET_VAR(me->M13, ) && !GET_VAR(me->M15, )) || (!GET_VAR(me->M13, ) && GET_VAR(me->M15, )));
    SET_VAR(me->M22, , (GET_LOCATED(me->X20) && !GET_LOCATED(me->X4)) || (!GET_LOCATED(me->X20) && GET_LOCATED(me->X4)));
    SET_LOCATED(me->Y7, (GET_LOCATED(me->X3) && GET_VAR(me->M69, )) || (GET_VAR(me->M1, ) && !GET_VAR(me->M2, )));
    SET_VAR(me->M23, , GET_VAR(me->M134, ) && !GET_LOCATED(me->X22) && GET_LOCATED(me->X54));
    SET_VAR(me->M24, , (GET_VAR(me->M36, ) && GET_LOCATED(me->X9)) || (GET_VAR(me->M16, ) && !GET_VAR(me->M15, )));
    SET_VAR(me->M25, , (GET_VAR(me->M1, ) && GET_VAR(me->M22, )) || (GET_LOCATED(me->X0) && !GET_LOCATED(me->X60)));
    SET_LOCATED(me->Y8, (GET_VAR(me->M14, ) && GET_LOCATED(me->X21)) || (GET_LOCATED(me->X21) && GET_VAR(me->M0, )) || (GET_VAR(me->M14, ) && GET_VAR(me->M0, )));
    SET_VAR(me->M26, , (GET_LOCATED(me->X8) || GET_VAR(me->M26, )) && !GET_VAR(me->M11, ) && GET_VAR(me->M15, ));
    SET_VAR(me->M27, , (GET_VAR(me->M110, ) && !GET_LOCATED(me->X47)) || (!GET_VAR(me->M110, ) && GET_LOCATED(me->X47)));
    SET_VAR(me->M28, , (GET_VAR(me->M22, ) || GET_VAR(me->M23, )) && (GET_VAR(me->M3, ) || !GET_LOCATED(me->X47)));
    SET_LOCATED(me->Y9, (GET_VAR(me->M53, ) && GET_LOCATED(me->X27)) || (GET_LOCATED(me->X15) && !GET_VAR(me->M28, )));
    SET_VAR(me->M29, , (GET_VAR(me->M42, ) && GET_VAR(me->M27, )) || (GET_VAR(me->M24, ) && !GET_VAR(me->M18, )));
    SET_VAR(me->M30, , GET_LOCATED(me->X6) && !GET_VAR(me->M20, ) && GET_VAR(me->M129, ));
    SET_VAR(me->M31, , (GET_LOCATED(me->X25) && GET_LOCATED(me->X55)) || (GET_LOCATED(me->X5) && !GET_VAR(me->M30, )));
    SET_LOCATED(me->Y10, (GET_LOCATED(me->X4) && GET_VAR(me->M17, )) || (GET_VAR(me->M17, ) && GET_VAR(me->M85, )) || (GET_LOCATED(me->X4) && GET_VAR(me->M85, )));
    SET_VAR(me->M32, , (GET_LOCATED(me->X15) && GET_LOCATED(me->X46)) || (GET_LOCATED(me->X46) && GET_VAR(me->M14, )) || (GET_LOCATED(me->X15) && GET_VAR(me->M14, )));
    SET_VAR(me->M33, , (GET_LOCATED(me->X1) && !GET_LOCATED(me->X3)) || (!GET_LOCATED(me->X1) && GET_LOCATED(me->X3)));
    SET_VAR(me->M34, , (GET_VAR(me->M32, ) && !GET_LOCATED(me->X50)) || (!GET_VAR(me->M32, ) && GET_LOCATED(me->X50)));
    SET_LOCATED(me->Y11, GET_LOCATED(me->X20) && !GET_VAR(me->M26, ) && GET_VAR(me->M28, ));
    SET_VAR(me->M35, , (GET_VAR(me->M7, ) && GET_LOCATED(me->X16)) || (GET_LOCATED(me->X16) && GET_VAR(me->M4, )) || (GET_VAR(me->M7, ) && GET_VAR(me->M4, )));
    SET_VAR(me->M36, , (GET_LOCATED(me->X31) || GET_VAR(me->M4, )) && (GET_LOCATED(me->X31) || !GET_VAR(me->M9, )));
    SET_VAR(me->M37, , (GET_LOCATED(me->X50) || GET_VAR(me->M37, )) && !GET_LOCATED(me->X7) && GET_VAR(me->M12, ));
    SET_VAR(me->M38, , (GET_VAR(me->M25, ) && GET_VAR(me->M34, )) || (GET_VAR(me->M34, ) && GET_VAR(me->M14, )) || (GET_VAR(me->M25, ) && GET_VAR(me->M14, )));
    SET_LOCATED(me->Y12, GET_VAR(me->M104, ) && !GET_VAR(me->M120, ) && GET_VAR(me->M12, ));
    SET_VAR(me->M39, , (GET_LOCATED(me->X57) && !GET_VAR(me->M15, )) || (!GET_LOCATED(me->X57) && GET_VAR(me->M15, )));
    SET_VAR(me->M40, , (GET_LOCATED(me->X3) && GET_VAR(me->M16, )) || (GET_VAR(me->M24, ) && !GET_VAR(me->M6, )));
    SET_VAR(me->M41, , (GET_VAR(me->M20, ) && !GET_LOCATED(me->X56)) || (!GET_VAR(me->M20, ) && GET_LOCATED(me->X56)));
    SET_LOCATED(me->Y13, (GET_LOCATED(me->X53) && !GET_LOCATED(me->X29)) || (!GET_LOCATED(me->X53) && GET_LOCATED(me->X29)));
    SET_VAR(me->M42, , (GET_LOCATED(me->X60) || GET_VAR(me->M42, )) && !GET_LOCATED(me->X20) && GET_VAR(me->M31, ));
    SET_VAR(me->M43, , (GET_VAR(me->M40, ) || GET_VAR(me->M43, )) && !GET_VAR(me->M28, ) && GET_VAR(me->M21, ));
    SET_VAR(me->M44, , (GET_LOCATED(me->X13) || GET_VAR(me->M129, )) && (GET_LOCATED(me->X29) || !GET_LOCATED(me->X60)));
    SET_LOCATED(me->Y14, (GET_LOCATED(me->X47) || GET_LOCATED(me->X30)) && (GET_VAR(me->M21, ) || !GET_VAR(me->M24, )));
    SET_VAR(me->M45, , (GET_VAR(me->M27, ) && !GET_VAR(me->M3, )) || (!GET_VAR(me->M27, ) && GET_VAR(me->M3, )));
    SET_VAR(me->M46, , (GET_LOCATED(me->X5) || GET_VAR(me->M35, )) && (GET_LOCATED(me->X48) || !GET_VAR(me->M19, )));
    SET_VAR(me->M47, , (GET_VAR(me->M27, ) && GET_VAR(me->M29, )) || (GET_LOCATED(me->X20) && !GET_VAR(me->M39, )));
    SET_LOCATED(me->Y15, (GET_LOCATED(me->X0) && !GET_VAR(me->M46, )) || (!GET_LOCATED(me->X0) && GET_VAR(me->M46, )));
    SET_VAR(me->M48, , (GET_VAR(me->M24, ) && GET_VAR(me->M22, )) || (GET_VAR(me->M22, ) && GET_LOCATED(me->X26)) || (GET_VAR(me->M24, ) && GET_LOCATED(me->X26)));
    SET_VAR(me->M49, , (GET_VAR(me->M11, ) || GET_LOCATED(me->X41)) && (GET_VAR(me->M3, ) || !GET_LOCATED(me->X57)));
    SET_VAR(me->M50, , (GET_VAR(me->M15, ) && GET_LOCATED(me->X33)) || (GET_LOCATED(me->X26) && !GET_LOCATED(me->X47)));
    SET_LOCATED(me->Y16, (GET_VAR(me->M21, ) && !GET_VAR(me->M26, )) || (!GET_VAR(me->M21, ) && GET_VAR(me->M26, )));
    SET_VAR(me->M51, , GET_LOCATED(me->X59) && !GET_VAR(me->M14, ) && GET_VAR(me->M14, ));
    SET_VAR(me->M52, , GET_LOCATED(me->X6) && !GET_LOCATED(me->X18) && GET_LOCATED(me->X61));
    SET_VAR(me->M53, , (GET_LOCATED(me->X4) && GET_VAR(me->M33, )) || (GET_VAR(me->M33, ) && GET_VAR(me->M5, )) || (GET_LOCATED(me->X4) && GET_VAR(me->M5, )));
    SET_LOCATED(me->Y17, GET_VAR(me->M20, ) && !GET_VAR(me->M8, ) && GET_LOCATED(me->X43));
    SET_VAR(me->M54, , (GET_LOCATED(me->X38) && GET_VAR(me->M31, )) || (GET_VAR(me->M31, ) && GET_LOCATED(me->X56)) || (GET_LOCATED(me->X38) && GET_LOCATED(me->X56)));
    SET_VAR(me->M55, , (GET_VAR(me->M25, ) && !GET_LOCATED(me->X43)) || (!GET_VAR(me->M25, ) && GET_LOCATED(me->X43)));
    SET_VAR(me->M56, , (GET_VAR(me->M33, ) && GET_LOCATED(me->X30)) || (GET_LOCATED(me->X30) && GET_VAR(me->M99, )) || (GET_VAR(me->M33, ) && GET_VAR(me->M99, )));
    SET_VAR(me->M57, , (GET_VAR(me->M30, ) && GET_LOCATED(me->X4)) || (GET_LOCATED(me->X4) && GET_VAR(me->M51, )) || (GET_VAR(me->M30, ) && GET_VAR(me->M51, )));
    SET_LOCATED(me->Y18, GET_VAR(me->M38, ) && !GET_VAR(me->M49, ) && GET_VAR(me->M20, ));
    SET_VAR(me->M58, , (GET_VAR(me->M30, ) && GET_VAR(me->M53, )) || (GET_VAR(me->M53, ) && GET_LOCATED(me->X33)) || (GET_VAR(me->M30, ) && GET_LOCATED(me->X33)));
    SET_VAR(me->M59, , (GET_LOCATED(me->X8) && !GET_VAR(me->M48, )) || (!GET_LOCATED(me->X8) && GET_VAR(me->M48, )));
    SET_VAR(me->M60, , (GET_VAR(me->M40, ) || GET_VAR(me->M52, )) && (GET_VAR(me->M9, ) || !GET_LOCATED(me->X32)));
    SET_LOCATED(me->Y19, (GET_LOCATED(me->X51) && GET_VAR(me->M50, )) || (GET_LOCATED(me->X17) && !GET_LOCATED(me->X42)));
    SET_VAR(me->M61, , (GET_VAR(me->M133, ) || GET_VAR(me->M61, )) && !GET_VAR(me->M117, ) && GET_VAR(me->M102, ));
    SET_VAR(me->M62, , (GET_VAR(me->M16, ) && GET_VAR(me->M3, )) || (GET_VAR(me->M56, ) && !GET_VAR(me->M12, )));
    SET_VAR(me->M63, , (GET_VAR(me->M60, ) || GET_VAR(me->M63, )) && !GET_VAR(me->M5, ) && GET_VAR(me->M9, ));
    SET_LOCATED(me->Y20, (GET_VAR(me->M0, ) && GET_VAR(me->M31, )) || (GET_LOCATED(me->X52) && !GET_VAR(me->M55, )));
    SET_VAR(me->M64, , GET_VAR(me->M40, ) && !GET_VAR(me->M52, ) && GET_VAR(me->M119, ));
    SET_VAR(me->M65, , (GET_VAR(me->M56, ) && GET_LOCATED(me->X52)) || (GET_LOCATED(me->X63) && !GET_VAR(me->M52, )));
    SET_VAR(me->M66, , (GET_VAR(me->M52, ) || GET_VAR(me->M66, )) && !GET_LOCATED(me->X30) && GET_LOCATED(me->X31));
    SET_LOCATED(me->Y21, (GET_LOCATED(me->X3) && GET_LOCATED(me->X18)) || (GET_LOCATED(me->X18) && GET_VAR(me->M22, )) || (GET_LOCATED(me->X3) && GET_VAR(me->M22, )));
    SET_VAR(me->M67, , GET_LOCATED(me->X0) && !GET_VAR(me->M9, ) && GET_VAR(me->M37, ));
    SET_VAR(me->M68, , (GET_VAR(me->M48, ) || GET_VAR(me->M37, )) && (GET_VAR(me->M67, ) || !GET_VAR(me->M35, )));
    SET_VAR(me->M69, , GET_LOCATED(me->X39) && !GET_LOCATED(me->X21) && GET_VAR(me->M28, ));
    SET_LOCATED(me->Y22, (GET_LOCATED(me->X6) && GET_VAR(me->M1, )) || (GET_VAR(me->M9, ) && !GET_LOCATED(me->X14)));
    SET_VAR(me->M70, , (GET_VAR(me->M22, ) || GET_VAR(me->M70, )) && !GET_VAR(me->M11, ) && GET_VAR(me->M69, ));
    SET_VAR(me->M71, , (GET_VAR(me->M57, ) && !GET_VAR(me->M31, )) || (!GET_VAR(me->M57, ) && GET_VAR(me->M31, )));
    SET_VAR(me->M72, , (GET_LOCATED(me->X10) || GET_VAR(me->M72, )) && !GET_VAR(me->M48, ) && GET_LOCATED(me->X60));
    SET_LOCATED(me->Y23, (GET_LOCATED(me->X47) && GET_VAR(me->M39, )) || (GET_VAR(me->M39, ) && GET_LOCATED(me->X18)) || (GET_LOCATED(me->X47) && GET_LOCATED(me->X18)));
    SET_VAR(me->M73, , (GET_LOCATED(me->X47) && !GET_VAR(me->M24, )) || (!GET_LOCATED(me->X47) && GET_VAR(me->M24, )));
    SET_VAR(me->M74, , (GET_VAR(me->M6, ) && GET_LOCATED(me->X55)) || (GET_VAR(me->M42, ) && !GET_LOCATED(me->X36)));
    SET_VAR(me->M75, , (GET_LOCATED(me->X12) || GET_LOCATED(me->X44)) && (GET_VAR(me->M62, ) || !GET_VAR(me->M61, )));
    SET_VAR(me->M76, , (GET_VAR(me->M60, ) || GET_VAR(me->M76, )) && !GET_VAR(me->M44, ) && GET_VAR(me->M24, ));
    SET_LOCATED(me->Y24, (GET_LOCATED(me->X12) || GET_LOCATED(me->X35)) && (GET_VAR(me->M47, ) || !GET_VAR(me->M6, )));
    SET_VAR(me->M77, , GET_LOCATED(me->X56) && !GET_VAR(me->M38, ) && GET_VAR(me->M52, ));
    SET_VAR(me->M78, , (GET_VAR(me->M37, ) && GET_LOCATED(me->X1)) || (GET_LOCATED(me->X1) && GET_VAR(me->M46, )) || (GET_VAR(me->M37, ) && GET_VAR(me->M46, )));
    SET_VAR(me->M79, , (GET_VAR(me->M25, ) && !GET_LOCATED(me->X57)) || (!GET_VAR(me->M25, ) && GET_LOCATED(me->X57)));
    SET_LOCATED(me->Y25, GET_LOCATED(me->X18) && !GET_LOCATED(me->X57) && GET_LOCATED(me->X20));
    SET_VAR(me->M80, , (GET_VAR(me->M55, ) && GET_LOCATED(me->X7)) || (GET_LOCATED(me->X7) && GET_LOCATED(me->X35)) || (GET_VAR(me->M55, ) && GET_LOCATED(me->X35)));
    SET_VAR(me->M81, , (GET_VAR(me->M59, ) && GET_VAR(me->M77, )) || (GET_VAR(me->M77, ) && GET_LOCATED(me->X63)) || (GET_VAR(me->M59, ) && GET_LOCATED(me->X63)));
    SET_VAR(me->M82, , (GET_LOCATED(me->X45) && GET_VAR(me->M76, )) || (GET_VAR(me->M14, ) && !GET_LOCATED(me->X5)));
    SET_LOCATED(me->Y26, GET_LOCATED(me->X63) && !GET_VAR(me->M17, ) && GET_LOCATED(me->X49));
    SET_VAR(me->M83, , (GET_VAR(me->M69, ) && !GET_VAR(me->M82, )) || (!GET_VAR(me->M69, ) && GET_VAR(me->M82, )));
    SET_VAR(me->M84, , GET_LOCATED(me->X59) && !GET_LOCATED(me->X56) && GET_VAR(me->M19, ));
    SET_VAR(me->M85, , (GET_VAR(me->M2, ) && GET_VAR(me->M60, )) || (GET_VAR(me->M60, ) && GET_VAR(me->M52, )) || (GET_VAR(me->M2, ) && GET_VAR(me->M52, )));
    SET_LOCATED(me->Y27, GET_VAR(me->M46, ) && !GET_LOCATED(me->X44) && GET_VAR(me->M19, ));
    SET_VAR(me->M86, , GET_VAR(me->M78, ) && !GET_VAR(me->M81, ) && GET_VAR(me->M0, ));
    SET_VAR(me->M87, , (GET_VAR(me->M17, ) && !GET_LOCATED(me->X25)) || (!GET_VAR(me->M17, ) && GET_LOCATED(me->X25)));
    SET_VAR(me->M88, , (GET_VAR(me->M88, ) && !GET_VAR(me->M71, )) || (!GET_VAR(me->M88, ) && GET_VAR(me->M71, )));
    SET_LOCATED(me->Y28, (GET_VAR(me->M65, ) && GET_VAR(me->M37, )) || (GET_VAR(me->M37, ) && GET_LOCATED(me->X53)) || (GET_VAR(me->M65, ) && GET_LOCATED(me->X53)));
    SET_VAR(me->M89, , GET_VAR(me->M27, ) && !GET_LOCATED(me->X53) && GET_VAR(me->M61, ));
    SET_VAR(me->M90, , (GET_VAR(me->M83, ) || GET_VAR(me->M90, )) && !GET_LOCATED(me->X19) && GET_VAR(me->M36, ));
    SET_VAR(me->M91, , (GET_LOCATED(me->X58) && GET_VAR(me->M62, )) || (GET_VAR(me->M68, ) && !GET_LOCATED(me->X33)));
    SET_LOCATED(me->Y29, GET_LOCATED(me->X1) && !GET_VAR(me->M28, ) && GET_LOCATED(me->X43));
    SET_VAR(me->M92, , (GET_VAR(me->M66, ) && GET_VAR(me->M0, )) || (GET_VAR(me->M123, ) && !GET_VAR(me->M7, )));
    SET_VAR(me->M93, , (GET_VAR(me->M126, ) || GET_VAR(me->M93, )) && !GET_LOCATED(me->X60) && GET_VAR(me->M81, ));
    SET_VAR(me->M94, , (GET_VAR(me->M57, ) && GET_VAR(me->M12, )) || (GET_VAR(me->M93, ) && !GET_VAR(me->M14, )));
    SET_VAR(me->M95, , (GET_VAR(me->M65, ) && GET_LOCATED(me->X2)) || (GET_LOCATED(me->X2) && GET_LOCATED(me->X52)) || (GET_VAR(me->M65, ) && GET_LOCATED(me->X52)));
    SET_LOCATED(me->Y30, (GET_VAR(me->M7, ) && GET_VAR(me->M68, )) || (GET_VAR(me->M68, ) && GET_LOCATED(me->X25)) || (GET_VAR(me->M7, ) && GET_LOCATED(me->X25)));
    SET_VAR(me->M96, , (GET_VAR(me->M126, ) && GET_VAR(me->M4, )) || (GET_VAR(me->M90, ) && !GET_VAR(me->M34, )));
    SET_VAR(me->M97, , (GET_LOCATED(me->X13) && !GET_LOCATED(me->X2)) || (!GET_LOCATED(me->X13) && GET_LOCATED(me->X2)));
    SET_VAR(me->M98, , (GET_VAR(me->M47, ) && !GET_LOCATED(me->X12)) || (!GET_VAR(me->M47, ) && GET_LOCATED(me->X12)));
    SET_LOCATED(me->Y31, (GET_VAR(me->M92, ) && !GET_VAR(me->M119, )) || (!GET_VAR(me->M92, ) && GET_VAR(me->M119, )));
    SET_VAR(me->M99, , (GET_VAR(me->M84, ) || GET_VAR(me->M99, )) && !GET_LOCATED(me->X44) && GET_VAR(me->M84, ));
    SET_VAR(me->M100, , GET_VAR(me->M106, ) && !GET_VAR(me->M60, ) && GET_LOCATED(me->X63));
    SET_VAR(me->M101, , (GET_VAR(me->M58, ) || GET_LOCATED(me->X28)) && (GET_VAR(me->M53, ) || !GET_VAR(me->M6, )));
    SET_LOCATED(me->Y32, (GET_LOCATED(me->X14) && GET_VAR(me->M6, )) || (GET_VAR(me->M6, ) && GET_VAR(me->M49, )) || (GET_LOCATED(me->X14) && GET_VAR(me->M49, )));
    SET_VAR(me->M102, , GET_LOCATED(me->X53) && !GET_LOCATED(me->X39) && GET_VAR(me->M58, ));
    SET_VAR(me->M103, , (GET_VAR(me->M102, ) && GET_LOCATED(me->X57)) || (GET_LOCATED(me->X57) && GET_LOCATED(me->X14)) || (GET_VAR(me->M102, ) && GET_LOCATED(me->X14)));
    SET_VAR(me->M104, , (GET_VAR(me->M94, ) && GET_LOCATED(me->X34)) || (GET_VAR(me->M10, ) && !GET_VAR(me->M25, )));
    SET_LOCATED(me->Y33, GET_LOCATED(me->X51) && !GET_VAR(me->M91, ) && GET_VAR(me->M62, ));
    SET_VAR(me->M105, , (GET_VAR(me->M19, ) || GET_VAR(me->M105, )) && !GET_LOCATED(me->X57) && GET_VAR(me->M27, ));
    SET_VAR(me->M106, , (GET_LOCATED(me->X36) && GET_LOCATED(me->X14)) || (GET_VAR(me->M13, ) && !GET_VAR(me->M25, )));
    SET_VAR(me->M107, , (GET_VAR(me->M61, ) && GET_VAR(me->M50, )) || (GET_LOCATED(me->X54) && !GET_LOCATED(me->X20)));
    SET_LOCATED(me->Y34, (GET_LOCATED(me->X19) || GET_VAR(me->M65, )) && (GET_VAR(me->M135, ) || !GET_LOCATED(me->X13)));
    SET_VAR(me->M108, , GET_VAR(me->M66, ) && !GET_LOCATED(me->X59) && GET_VAR(me->M9, ));
    SET_VAR(me->M109, , (GET_VAR(me->M62, ) && GET_LOCATED(me->X3)) || (GET_LOCATED(me->X18) && !GET_VAR(me->M113, )));
    SET_VAR(me->M110, , (GET_VAR(me->M92, ) || GET_VAR(me->M110, )) && !GET_VAR(me->M59, ) && GET_LOCATED(me->X56));
    SET_LOCATED(me->Y35, (GET_VAR(me->M87, ) || GET_VAR(me->M103, )) && (GET_LOCATED(me->X7) || !GET_VAR(me->M107, )));
    SET_VAR(me->M111, , (GET_VAR(me->M40, ) || GET_VAR(me->M111, )) && !GET_LOCATED(me->X51) && GET_LOCATED(me->X33));
    SET_VAR(me->M112, , (GET_LOCATED(me->X57) && GET_VAR(me->M111, )) || (GET_VAR(me->M83, ) && !GET_VAR(me->M95, )));
    SET_VAR(me->M113, , GET_VAR(me->M73, ) && !GET_VAR(me->M85, ) && GET_VAR(me->M67, ));
    SET_VAR(me->M114, , (GET_VAR(me->M21, ) && GET_VAR(me->M87, )) || (GET_VAR(me->M95, ) && !GET_LOCATED(me->X25)));
    SET_LOCATED(me->Y36, (GET_LOCATED(me->X8) && GET_LOCATED(me->X46)) || (GET_LOCATED(me->X39) && !GET_LOCATED(me->X32)));
    SET_VAR(me->M115, , (GET_VAR(me->M48, ) && GET_VAR(me->M67, )) || (GET_VAR(me->M67, ) && GET_VAR(me->M65, )) || (GET_VAR(me->M48, ) && GET_VAR(me->M65, )));
    SET_VAR(me->M116, , (GET_LOCATED(me->X62) && GET_VAR(me->M51, )) || (GET_VAR(me->M51, ) && GET_VAR(me->M86, )) || (GET_LOCATED(me->X62) && GET_VAR(me->M86, )));
    SET_VAR(me->M117, , (GET_LOCATED(me->X40) && GET_VAR(me->M54, )) || (GET_VAR(me->M54, ) && GET_VAR(me->M23, )) || (GET_LOCATED(me->X40) && GET_VAR(me->M23, )));
    SET_LOCATED(me->Y37, GET_LOCATED(me->X51) && !GET_LOCATED(me->X39) && GET_LOCATED(me->X57));
    SET_VAR(me->M118, , (GET_VAR(me->M81, ) || GET_VAR(me->M53, )) && (GET_LOCATED(me->X27) || !GET_VAR(me->M76, )));
    SET_VAR(me->M119, , GET_VAR(me->M93, ) && !GET_LOCATED(me->X63) && GET_LOCATED(me->X54));
    SET_VAR(me->M120, , (GET_LOCATED(me->X15) || GET_VAR(me->M120, )) && !GET_VAR(me->M91, ) && GET_LOCATED(me->X41));
    SET_LOCATED(me->Y38, (GET_VAR(me->M99, ) && !GET_VAR(me->M100, )) || (!GET_VAR(me->M99, ) && GET_VAR(me->M100, )));
    SET_VAR(me->M121, , (GET_VAR(me->M8, ) && !GET_LOCATED(me->X12)) || (!GET_VAR(me->M8, ) && GET_LOCATED(me->X12)));
    SET_VAR(me->M122, , (GET_VAR(me->M48, ) && !GET_LOCATED(me->X45)) || (!GET_VAR(me->M48, ) && GET_LOCATED(me->X45)));
    SET_VAR(me->M123, , (GET_LOCATED(me->X22) && !GET_LOCATED(me->X52)) || (!GET_LOCATED(me->X22) && GET_LOCATED(me->X52)));
    SET_LOCATED(me->Y39, GET_VAR(me->M28, ) && !GET_LOCATED(me->X12) && GET_VAR(me->M80, ));
    SET_VAR(me->M124, , (GET_VAR(me->M47, ) && !GET_VAR(me->M79, )) || (!GET_VAR(me->M47, ) && GET_VAR(me->M79, )));
    SET_VAR(me->M125, , (GET_VAR(me->M129, ) && GET_VAR(me->M81, )) || (GET_VAR(me->M116, ) && !GET_LOCATED(me->X33)));
    SET_VAR(me->M126, , (GET_LOCATED(me->X59) && GET_LOCATED(me->X1)) || (GET_LOCATED(me->X53) && !GET_LOCATED(me->X26)));
    SET_LOCATED(me->Y40, (GET_LOCATED(me->X12) && !GET_VAR(me->M41, )) || (!GET_LOCATED(me->X12) && GET_VAR(me->M41, )));
    SET_VAR(me->M127, , GET_VAR(me->M96, ) && !GET_VAR(me->M93, ) && GET_VAR(me->M54, ));
    SET_VAR(me->M128, , (GET_LOCATED(me->X61) || GET_VAR(me->M128, )) && !GET_LOCATED(me->X26) && GET_VAR(me->M105, ));
    SET_VAR(me->M129, , (GET_LOCATED(me->X62) || GET_LOCATED(me->X41)) && (GET_LOCATED(me->X35) || !GET_VAR(me->M16, )));
    SET_LOCATED(me->Y41, (GET_VAR(me->M120, ) && !GET_VAR(me->M85, )) || (!GET_VAR(me->M120, ) && GET_VAR(me->M85, )));
    SET_VAR(me->M130, , (GET_VAR(me->M40, ) && GET_VAR(me->M30, )) || (GET_VAR(me->M30, ) && GET_VAR(me->M45, )) || (GET_VAR(me->M40, ) && GET_VAR(me->M45, )));
    SET_VAR(me->M131, , (GET_VAR(me->M39, ) || GET_LOCATED(me->X49)) && (GET_VAR(me->M3, ) || !GET_VAR(me->M31, )));
    SET_VAR(me->M132, , (GET_LOCATED(me->X14) && !GET_VAR(me->M89, )) || (!GET_LOCATED(me->X14) && GET_VAR(me->M89, )));
    SET_VAR(me->M133, , (GET_VAR(me->M88, ) && GET_VAR(me->M109, )) || (GET_VAR(me->M6, ) && !GET_VAR(me->M75, )));
    SET_LOCATED(me->Y42, (GET_VAR(me->M87, ) && !GET_VAR(me->M6, )) || (!GET_VAR(me->M87, ) && GET_VAR(me->M6, )));
    SET_VAR(me->M134, , (GET_VAR(me->M98, ) && GET_VAR(me->M36, )) || (GET_LOCATED(me->X5) && !GET_LOCATED(me->X24)));
    SET_VAR(me->M135, , GET_VAR(me->M8, ) && !GET_VAR(me->M18, ) && GET_LOCATED(me->X31));
    SET_VAR(me->M136, , (GET_VAR(me->M112, ) || GET_VAR(me->M136, )) && !GET_VAR(me->M132, ) && GET_VAR(me->M35, ));
    SET_LOCATED(me->Y43, (GET_LOCATED(me->X19) && GET_VAR(me->M112, )) || (GET_VAR(me->M112, ) && GET_VAR(me->M20, )) || (GET_LOCATED(me->X19) && GET_VAR(me->M20, )));
    SET_VAR(me->M137, , GET_VAR(me->M118, ) && !GET_LOCATED(me->X62) && GET_VAR(me->M78, ));
    SET_VAR(me->M138, , (GET_VAR(me->M60, ) || GET_LOCATED(me->X49)) && (GET_LOCATED(me->X61) || !GET_VAR(me->M60, )));
    SET_VAR(me->M139, , (GET_VAR(me->M23, ) && !GET_VAR(me->M120, )) || (!GET_VAR(me->M23, ) && GET_VAR(me->M120, )));
    SET_LOCATED(me->Y44, GET_LOCATED(me->X0) && !GET_LOCATED(me->X54) && GET_LOCATED(me->X30));
    SET_VAR(me->M140, , (GET_LOCATED(me->X39) && !GET_VAR(me->M38, )) || (!GET_LOCATED(me->X39) && GET_VAR(me->M38, )));
    SET_VAR(me->M141, , (GET_LOCATED(me->X22) || GET_LOCATED(me->X60)) && (GET_LOCATED(me->X55) || !GET_LOCATED(me->X17)));
    SET_VAR(me->M142, , (GET_VAR(me->M23, ) || GET_VAR(me->M142, )) && !GET_LOCATED(me->X61) && GET_VAR(me->M132, ));
    SET_LOCATED(me->Y45, (GET_VAR(me->M15, ) && !GET_VAR(me->M123, )) || (!GET_VAR(me->M15, ) && GET_VAR(me->M123, )));
    SET_VAR(me->M143, , (GET_VAR(me->M68, ) || GET_VAR(me->M26, )) && (GET_LOCATED(me->X49) || !GET_VAR(me->M55, )));
    SET_VAR(me->M144, , (GET_VAR(me->M3, ) && GET_VAR(me->M72, )) || (GET_VAR(me->M72, ) && GET_VAR(me->M40, )) || (GET_VAR(me->M3, ) && GET_VAR(me->M40, )));
    SET_VAR(me->M145, , GET_VAR(me->M122, ) && !GET_VAR(me->M2, ) && GET_LOCATED(me->X33));
    SET_LOCATED(me->Y46, GET_VAR(me->M34, ) && !GET_VAR(me->M3, ) && GET_VAR(me->M85, ));
    SET_VAR(me->M146, , (GET_VAR(me->M33, ) && GET_LOCATED(me->X20)) || (GET_VAR(me->M142, ) && !GET_VAR(me->M76, )));
    SET_VAR(me->M147, , (GET_VAR(me->M128, ) && GET_LOCATED(me->X27)) || (GET_LOCATED(me->X27) && GET_VAR(me->M9, )) || (GET_VAR(me->M128, ) && GET_VAR(me->M9, )));
    SET_VAR(me->M148, , GET_LOCATED(me->X29) && !GET_VAR(me->M77, ) && GET_VAR(me->M18, ));
    SET_LOCATED(me->Y47, GET_LOCATED(me->X30) && !GET_LOCATED(me->X36) && GET_VAR(me->M118, ));
    SET_VAR(me->M149, , GET_VAR(me->M107, ) && !GET_LOCATED(me->X6) && GET_LOCATED(me->X8));
    SET_VAR(me->M150, , (GET_LOCATED(me->X39) || GET_LOCATED(me->X0)) && (GET_VAR(me->M60, ) || !GET_VAR(me->M6, )));
    SET_VAR(me->M151, , (GET_VAR(me->M139, ) || GET_VAR(me->M73, )) && (GET_VAR(me->M83, ) || !GET_VAR(me->M110, )));
}
