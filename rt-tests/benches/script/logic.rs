//! Two hundred rungs. Written by rt-tests/src/rungs.rs; a test keeps it up to date.

#![allow(clippy::nonminimal_bool)]

use super::pins;

pins! {
    /// Contacts.
    pub struct Inputs {
        x0: bool, x1: bool, x2: bool, x3: bool, x4: bool, x5: bool, x6: bool, x7: bool,
        x8: bool, x9: bool, x10: bool, x11: bool, x12: bool, x13: bool, x14: bool, x15: bool,
        x16: bool, x17: bool, x18: bool, x19: bool, x20: bool, x21: bool, x22: bool, x23: bool,
        x24: bool, x25: bool, x26: bool, x27: bool, x28: bool, x29: bool, x30: bool, x31: bool,
        x32: bool, x33: bool, x34: bool, x35: bool, x36: bool, x37: bool, x38: bool, x39: bool,
        x40: bool, x41: bool, x42: bool, x43: bool, x44: bool, x45: bool, x46: bool, x47: bool,
        x48: bool, x49: bool, x50: bool, x51: bool, x52: bool, x53: bool, x54: bool, x55: bool,
        x56: bool, x57: bool, x58: bool, x59: bool, x60: bool, x61: bool, x62: bool, x63: bool,
    }
}

pins! {
    /// Coils.
    pub struct Outputs {
        y0: bool, y1: bool, y2: bool, y3: bool, y4: bool, y5: bool, y6: bool, y7: bool,
        y8: bool, y9: bool, y10: bool, y11: bool, y12: bool, y13: bool, y14: bool, y15: bool,
        y16: bool, y17: bool, y18: bool, y19: bool, y20: bool, y21: bool, y22: bool, y23: bool,
        y24: bool, y25: bool, y26: bool, y27: bool, y28: bool, y29: bool, y30: bool, y31: bool,
        y32: bool, y33: bool, y34: bool, y35: bool, y36: bool, y37: bool, y38: bool, y39: bool,
        y40: bool, y41: bool, y42: bool, y43: bool, y44: bool, y45: bool, y46: bool, y47: bool,
    }
}

/// Markers.
#[derive(Default)]
pub struct Program {
    m0: bool, m1: bool, m2: bool, m3: bool, m4: bool, m5: bool, m6: bool, m7: bool,
    m8: bool, m9: bool, m10: bool, m11: bool, m12: bool, m13: bool, m14: bool, m15: bool,
    m16: bool, m17: bool, m18: bool, m19: bool, m20: bool, m21: bool, m22: bool, m23: bool,
    m24: bool, m25: bool, m26: bool, m27: bool, m28: bool, m29: bool, m30: bool, m31: bool,
    m32: bool, m33: bool, m34: bool, m35: bool, m36: bool, m37: bool, m38: bool, m39: bool,
    m40: bool, m41: bool, m42: bool, m43: bool, m44: bool, m45: bool, m46: bool, m47: bool,
    m48: bool, m49: bool, m50: bool, m51: bool, m52: bool, m53: bool, m54: bool, m55: bool,
    m56: bool, m57: bool, m58: bool, m59: bool, m60: bool, m61: bool, m62: bool, m63: bool,
    m64: bool, m65: bool, m66: bool, m67: bool, m68: bool, m69: bool, m70: bool, m71: bool,
    m72: bool, m73: bool, m74: bool, m75: bool, m76: bool, m77: bool, m78: bool, m79: bool,
    m80: bool, m81: bool, m82: bool, m83: bool, m84: bool, m85: bool, m86: bool, m87: bool,
    m88: bool, m89: bool, m90: bool, m91: bool, m92: bool, m93: bool, m94: bool, m95: bool,
    m96: bool, m97: bool, m98: bool, m99: bool, m100: bool, m101: bool, m102: bool, m103: bool,
    m104: bool, m105: bool, m106: bool, m107: bool, m108: bool, m109: bool, m110: bool, m111: bool,
    m112: bool, m113: bool, m114: bool, m115: bool, m116: bool, m117: bool, m118: bool, m119: bool,
    m120: bool, m121: bool, m122: bool, m123: bool, m124: bool, m125: bool, m126: bool, m127: bool,
    m128: bool, m129: bool, m130: bool, m131: bool, m132: bool, m133: bool, m134: bool, m135: bool,
    m136: bool, m137: bool, m138: bool, m139: bool, m140: bool, m141: bool, m142: bool, m143: bool,
    m144: bool, m145: bool, m146: bool, m147: bool, m148: bool, m149: bool, m150: bool, m151: bool,
}

impl Program {
    /// One cycle.
    pub fn cycle(&mut self, io: &Inputs, out: &mut Outputs) {
        self.m0 = (self.m9 && self.m23) || (self.m23 && self.m133) || (self.m9 && self.m133);
        out.y0 = (self.m0 || io.x3) && (self.m0 || !self.m0);
        self.m1 = (io.x52 || self.m1) && !io.x63 && io.x9;
        self.m2 = (self.m0 && self.m90) || (self.m90 && io.x55) || (self.m0 && io.x55);
        self.m3 = (self.m1 || self.m1) && (io.x59 || !self.m0);
        out.y1 = (self.m0 && self.m0) || (self.m40 && !self.m0);
        self.m4 = (self.m3 && self.m0) || (self.m0 && self.m31) || (self.m3 && self.m31);
        self.m5 = self.m1 && !self.m56 && self.m96;
        self.m6 = (self.m5 || self.m6) && !self.m101 && io.x60;
        out.y2 = io.x30 && !self.m5 && self.m5;
        self.m7 = (self.m0 && self.m1) || (self.m1 && io.x5) || (self.m0 && io.x5);
        self.m8 = (io.x31 || self.m3) && (self.m65 || !self.m6);
        self.m9 = (io.x26 && self.m7) || (self.m77 && !self.m131);
        out.y3 = (self.m9 && !self.m96) || (!self.m9 && self.m96);
        self.m10 = (self.m43 && self.m7) || (self.m7 && io.x18) || (self.m43 && io.x18);
        self.m11 = self.m9 && !io.x3 && self.m5;
        self.m12 = (self.m87 && io.x10) || (io.x4 && !self.m34);
        out.y4 = (self.m9 && !io.x6) || (!self.m9 && io.x6);
        self.m13 = self.m6 && !self.m4 && io.x12;
        self.m14 = (self.m11 && !io.x41) || (!self.m11 && io.x41);
        self.m15 = (io.x48 && self.m8) || (io.x50 && !self.m6);
        out.y5 = io.x48 && !io.x17 && self.m12;
        self.m16 = (self.m1 || self.m16) && !self.m4 && self.m14;
        self.m17 = (io.x23 || self.m17) && !self.m11 && io.x11;
        self.m18 = (self.m2 && !self.m4) || (!self.m2 && self.m4);
        self.m19 = (io.x4 || self.m68) && (self.m18 || !io.x20);
        out.y6 = (io.x22 && self.m6) || (self.m6 && self.m0) || (io.x22 && self.m0);
        self.m20 = self.m1 && !io.x8 && self.m15;
        self.m21 = (self.m13 && !self.m15) || (!self.m13 && self.m15);
        self.m22 = (io.x20 && !io.x4) || (!io.x20 && io.x4);
        out.y7 = (io.x3 && self.m69) || (self.m1 && !self.m2);
        self.m23 = self.m134 && !io.x22 && io.x54;
        self.m24 = (self.m36 && io.x9) || (self.m16 && !self.m15);
        self.m25 = (self.m1 && self.m22) || (io.x0 && !io.x60);
        out.y8 = (self.m14 && io.x21) || (io.x21 && self.m0) || (self.m14 && self.m0);
        self.m26 = (io.x8 || self.m26) && !self.m11 && self.m15;
        self.m27 = (self.m110 && !io.x47) || (!self.m110 && io.x47);
        self.m28 = (self.m22 || self.m23) && (self.m3 || !io.x47);
        out.y9 = (self.m53 && io.x27) || (io.x15 && !self.m28);
        self.m29 = (self.m42 && self.m27) || (self.m24 && !self.m18);
        self.m30 = io.x6 && !self.m20 && self.m129;
        self.m31 = (io.x25 && io.x55) || (io.x5 && !self.m30);
        out.y10 = (io.x4 && self.m17) || (self.m17 && self.m85) || (io.x4 && self.m85);
        self.m32 = (io.x15 && io.x46) || (io.x46 && self.m14) || (io.x15 && self.m14);
        self.m33 = (io.x1 && !io.x3) || (!io.x1 && io.x3);
        self.m34 = (self.m32 && !io.x50) || (!self.m32 && io.x50);
        out.y11 = io.x20 && !self.m26 && self.m28;
        self.m35 = (self.m7 && io.x16) || (io.x16 && self.m4) || (self.m7 && self.m4);
        self.m36 = (io.x31 || self.m4) && (io.x31 || !self.m9);
        self.m37 = (io.x50 || self.m37) && !io.x7 && self.m12;
        self.m38 = (self.m25 && self.m34) || (self.m34 && self.m14) || (self.m25 && self.m14);
        out.y12 = self.m104 && !self.m120 && self.m12;
        self.m39 = (io.x57 && !self.m15) || (!io.x57 && self.m15);
        self.m40 = (io.x3 && self.m16) || (self.m24 && !self.m6);
        self.m41 = (self.m20 && !io.x56) || (!self.m20 && io.x56);
        out.y13 = (io.x53 && !io.x29) || (!io.x53 && io.x29);
        self.m42 = (io.x60 || self.m42) && !io.x20 && self.m31;
        self.m43 = (self.m40 || self.m43) && !self.m28 && self.m21;
        self.m44 = (io.x13 || self.m129) && (io.x29 || !io.x60);
        out.y14 = (io.x47 || io.x30) && (self.m21 || !self.m24);
        self.m45 = (self.m27 && !self.m3) || (!self.m27 && self.m3);
        self.m46 = (io.x5 || self.m35) && (io.x48 || !self.m19);
        self.m47 = (self.m27 && self.m29) || (io.x20 && !self.m39);
        out.y15 = (io.x0 && !self.m46) || (!io.x0 && self.m46);
        self.m48 = (self.m24 && self.m22) || (self.m22 && io.x26) || (self.m24 && io.x26);
        self.m49 = (self.m11 || io.x41) && (self.m3 || !io.x57);
        self.m50 = (self.m15 && io.x33) || (io.x26 && !io.x47);
        out.y16 = (self.m21 && !self.m26) || (!self.m21 && self.m26);
        self.m51 = io.x59 && !self.m14 && self.m14;
        self.m52 = io.x6 && !io.x18 && io.x61;
        self.m53 = (io.x4 && self.m33) || (self.m33 && self.m5) || (io.x4 && self.m5);
        out.y17 = self.m20 && !self.m8 && io.x43;
        self.m54 = (io.x38 && self.m31) || (self.m31 && io.x56) || (io.x38 && io.x56);
        self.m55 = (self.m25 && !io.x43) || (!self.m25 && io.x43);
        self.m56 = (self.m33 && io.x30) || (io.x30 && self.m99) || (self.m33 && self.m99);
        self.m57 = (self.m30 && io.x4) || (io.x4 && self.m51) || (self.m30 && self.m51);
        out.y18 = self.m38 && !self.m49 && self.m20;
        self.m58 = (self.m30 && self.m53) || (self.m53 && io.x33) || (self.m30 && io.x33);
        self.m59 = (io.x8 && !self.m48) || (!io.x8 && self.m48);
        self.m60 = (self.m40 || self.m52) && (self.m9 || !io.x32);
        out.y19 = (io.x51 && self.m50) || (io.x17 && !io.x42);
        self.m61 = (self.m133 || self.m61) && !self.m117 && self.m102;
        self.m62 = (self.m16 && self.m3) || (self.m56 && !self.m12);
        self.m63 = (self.m60 || self.m63) && !self.m5 && self.m9;
        out.y20 = (self.m0 && self.m31) || (io.x52 && !self.m55);
        self.m64 = self.m40 && !self.m52 && self.m119;
        self.m65 = (self.m56 && io.x52) || (io.x63 && !self.m52);
        self.m66 = (self.m52 || self.m66) && !io.x30 && io.x31;
        out.y21 = (io.x3 && io.x18) || (io.x18 && self.m22) || (io.x3 && self.m22);
        self.m67 = io.x0 && !self.m9 && self.m37;
        self.m68 = (self.m48 || self.m37) && (self.m67 || !self.m35);
        self.m69 = io.x39 && !io.x21 && self.m28;
        out.y22 = (io.x6 && self.m1) || (self.m9 && !io.x14);
        self.m70 = (self.m22 || self.m70) && !self.m11 && self.m69;
        self.m71 = (self.m57 && !self.m31) || (!self.m57 && self.m31);
        self.m72 = (io.x10 || self.m72) && !self.m48 && io.x60;
        out.y23 = (io.x47 && self.m39) || (self.m39 && io.x18) || (io.x47 && io.x18);
        self.m73 = (io.x47 && !self.m24) || (!io.x47 && self.m24);
        self.m74 = (self.m6 && io.x55) || (self.m42 && !io.x36);
        self.m75 = (io.x12 || io.x44) && (self.m62 || !self.m61);
        self.m76 = (self.m60 || self.m76) && !self.m44 && self.m24;
        out.y24 = (io.x12 || io.x35) && (self.m47 || !self.m6);
        self.m77 = io.x56 && !self.m38 && self.m52;
        self.m78 = (self.m37 && io.x1) || (io.x1 && self.m46) || (self.m37 && self.m46);
        self.m79 = (self.m25 && !io.x57) || (!self.m25 && io.x57);
        out.y25 = io.x18 && !io.x57 && io.x20;
        self.m80 = (self.m55 && io.x7) || (io.x7 && io.x35) || (self.m55 && io.x35);
        self.m81 = (self.m59 && self.m77) || (self.m77 && io.x63) || (self.m59 && io.x63);
        self.m82 = (io.x45 && self.m76) || (self.m14 && !io.x5);
        out.y26 = io.x63 && !self.m17 && io.x49;
        self.m83 = (self.m69 && !self.m82) || (!self.m69 && self.m82);
        self.m84 = io.x59 && !io.x56 && self.m19;
        self.m85 = (self.m2 && self.m60) || (self.m60 && self.m52) || (self.m2 && self.m52);
        out.y27 = self.m46 && !io.x44 && self.m19;
        self.m86 = self.m78 && !self.m81 && self.m0;
        self.m87 = (self.m17 && !io.x25) || (!self.m17 && io.x25);
        self.m88 = (self.m88 && !self.m71) || (!self.m88 && self.m71);
        out.y28 = (self.m65 && self.m37) || (self.m37 && io.x53) || (self.m65 && io.x53);
        self.m89 = self.m27 && !io.x53 && self.m61;
        self.m90 = (self.m83 || self.m90) && !io.x19 && self.m36;
        self.m91 = (io.x58 && self.m62) || (self.m68 && !io.x33);
        out.y29 = io.x1 && !self.m28 && io.x43;
        self.m92 = (self.m66 && self.m0) || (self.m123 && !self.m7);
        self.m93 = (self.m126 || self.m93) && !io.x60 && self.m81;
        self.m94 = (self.m57 && self.m12) || (self.m93 && !self.m14);
        self.m95 = (self.m65 && io.x2) || (io.x2 && io.x52) || (self.m65 && io.x52);
        out.y30 = (self.m7 && self.m68) || (self.m68 && io.x25) || (self.m7 && io.x25);
        self.m96 = (self.m126 && self.m4) || (self.m90 && !self.m34);
        self.m97 = (io.x13 && !io.x2) || (!io.x13 && io.x2);
        self.m98 = (self.m47 && !io.x12) || (!self.m47 && io.x12);
        out.y31 = (self.m92 && !self.m119) || (!self.m92 && self.m119);
        self.m99 = (self.m84 || self.m99) && !io.x44 && self.m84;
        self.m100 = self.m106 && !self.m60 && io.x63;
        self.m101 = (self.m58 || io.x28) && (self.m53 || !self.m6);
        out.y32 = (io.x14 && self.m6) || (self.m6 && self.m49) || (io.x14 && self.m49);
        self.m102 = io.x53 && !io.x39 && self.m58;
        self.m103 = (self.m102 && io.x57) || (io.x57 && io.x14) || (self.m102 && io.x14);
        self.m104 = (self.m94 && io.x34) || (self.m10 && !self.m25);
        out.y33 = io.x51 && !self.m91 && self.m62;
        self.m105 = (self.m19 || self.m105) && !io.x57 && self.m27;
        self.m106 = (io.x36 && io.x14) || (self.m13 && !self.m25);
        self.m107 = (self.m61 && self.m50) || (io.x54 && !io.x20);
        out.y34 = (io.x19 || self.m65) && (self.m135 || !io.x13);
        self.m108 = self.m66 && !io.x59 && self.m9;
        self.m109 = (self.m62 && io.x3) || (io.x18 && !self.m113);
        self.m110 = (self.m92 || self.m110) && !self.m59 && io.x56;
        out.y35 = (self.m87 || self.m103) && (io.x7 || !self.m107);
        self.m111 = (self.m40 || self.m111) && !io.x51 && io.x33;
        self.m112 = (io.x57 && self.m111) || (self.m83 && !self.m95);
        self.m113 = self.m73 && !self.m85 && self.m67;
        self.m114 = (self.m21 && self.m87) || (self.m95 && !io.x25);
        out.y36 = (io.x8 && io.x46) || (io.x39 && !io.x32);
        self.m115 = (self.m48 && self.m67) || (self.m67 && self.m65) || (self.m48 && self.m65);
        self.m116 = (io.x62 && self.m51) || (self.m51 && self.m86) || (io.x62 && self.m86);
        self.m117 = (io.x40 && self.m54) || (self.m54 && self.m23) || (io.x40 && self.m23);
        out.y37 = io.x51 && !io.x39 && io.x57;
        self.m118 = (self.m81 || self.m53) && (io.x27 || !self.m76);
        self.m119 = self.m93 && !io.x63 && io.x54;
        self.m120 = (io.x15 || self.m120) && !self.m91 && io.x41;
        out.y38 = (self.m99 && !self.m100) || (!self.m99 && self.m100);
        self.m121 = (self.m8 && !io.x12) || (!self.m8 && io.x12);
        self.m122 = (self.m48 && !io.x45) || (!self.m48 && io.x45);
        self.m123 = (io.x22 && !io.x52) || (!io.x22 && io.x52);
        out.y39 = self.m28 && !io.x12 && self.m80;
        self.m124 = (self.m47 && !self.m79) || (!self.m47 && self.m79);
        self.m125 = (self.m129 && self.m81) || (self.m116 && !io.x33);
        self.m126 = (io.x59 && io.x1) || (io.x53 && !io.x26);
        out.y40 = (io.x12 && !self.m41) || (!io.x12 && self.m41);
        self.m127 = self.m96 && !self.m93 && self.m54;
        self.m128 = (io.x61 || self.m128) && !io.x26 && self.m105;
        self.m129 = (io.x62 || io.x41) && (io.x35 || !self.m16);
        out.y41 = (self.m120 && !self.m85) || (!self.m120 && self.m85);
        self.m130 = (self.m40 && self.m30) || (self.m30 && self.m45) || (self.m40 && self.m45);
        self.m131 = (self.m39 || io.x49) && (self.m3 || !self.m31);
        self.m132 = (io.x14 && !self.m89) || (!io.x14 && self.m89);
        self.m133 = (self.m88 && self.m109) || (self.m6 && !self.m75);
        out.y42 = (self.m87 && !self.m6) || (!self.m87 && self.m6);
        self.m134 = (self.m98 && self.m36) || (io.x5 && !io.x24);
        self.m135 = self.m8 && !self.m18 && io.x31;
        self.m136 = (self.m112 || self.m136) && !self.m132 && self.m35;
        out.y43 = (io.x19 && self.m112) || (self.m112 && self.m20) || (io.x19 && self.m20);
        self.m137 = self.m118 && !io.x62 && self.m78;
        self.m138 = (self.m60 || io.x49) && (io.x61 || !self.m60);
        self.m139 = (self.m23 && !self.m120) || (!self.m23 && self.m120);
        out.y44 = io.x0 && !io.x54 && io.x30;
        self.m140 = (io.x39 && !self.m38) || (!io.x39 && self.m38);
        self.m141 = (io.x22 || io.x60) && (io.x55 || !io.x17);
        self.m142 = (self.m23 || self.m142) && !io.x61 && self.m132;
        out.y45 = (self.m15 && !self.m123) || (!self.m15 && self.m123);
        self.m143 = (self.m68 || self.m26) && (io.x49 || !self.m55);
        self.m144 = (self.m3 && self.m72) || (self.m72 && self.m40) || (self.m3 && self.m40);
        self.m145 = self.m122 && !self.m2 && io.x33;
        out.y46 = self.m34 && !self.m3 && self.m85;
        self.m146 = (self.m33 && io.x20) || (self.m142 && !self.m76);
        self.m147 = (self.m128 && io.x27) || (io.x27 && self.m9) || (self.m128 && self.m9);
        self.m148 = io.x29 && !self.m77 && self.m18;
        out.y47 = io.x30 && !io.x36 && self.m118;
        self.m149 = self.m107 && !io.x6 && io.x8;
        self.m150 = (io.x39 || io.x0) && (self.m60 || !self.m6);
        self.m151 = (self.m139 || self.m73) && (self.m83 || !self.m110);
    }
}
