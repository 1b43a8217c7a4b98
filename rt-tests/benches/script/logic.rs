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
        out.y0 = (self.m0 || io.x3) && (io.x41 || !io.x27);
        self.m1 = (io.x52 || self.m1) && !io.x63 && io.x9;
        self.m2 = (self.m0 && self.m90) || (self.m90 && io.x55) || (self.m0 && io.x55);
        self.m3 = (io.x22 || io.x36) && (io.x59 || !io.x14);
        out.y1 = (self.m0 && io.x28) || (self.m40 && !io.x8);
        self.m4 = (self.m3 && self.m0) || (self.m0 && self.m31) || (self.m3 && self.m31);
        self.m5 = self.m1 && !self.m56 && self.m96;
        self.m6 = (io.x19 || self.m6) && !self.m101 && io.x60;
        out.y2 = io.x30 && !self.m5 && io.x23;
        self.m7 = (self.m0 && self.m1) || (self.m1 && io.x5) || (self.m0 && io.x5);
        self.m8 = (io.x31 || io.x43) && (self.m65 || !self.m6);
        self.m9 = (io.x26 && io.x15) || (self.m77 && !self.m131);
        out.y3 = (io.x51 && !self.m96) || (!io.x51 && self.m96);
        self.m10 = (self.m43 && self.m7) || (self.m7 && io.x18) || (self.m43 && io.x18);
        self.m11 = self.m9 && !io.x3 && self.m5;
        self.m12 = (self.m87 && io.x10) || (io.x4 && !self.m34);
        out.y4 = (self.m9 && !io.x6) || (!self.m9 && io.x6);
        self.m13 = self.m6 && !io.x32 && io.x12;
        self.m14 = (self.m11 && !io.x41) || (!self.m11 && io.x41);
        self.m15 = (io.x48 && io.x26) || (io.x50 && !io.x4);
        out.y5 = io.x48 && !io.x17 && self.m12;
        self.m16 = (self.m1 || self.m16) && !self.m4 && self.m14;
        self.m17 = (io.x23 || self.m17) && !self.m11 && io.x11;
        self.m18 = (io.x46 && !io.x28) || (!io.x46 && io.x28);
        self.m19 = (io.x4 || self.m68) && (self.m18 || !io.x20);
        out.y6 = (io.x22 && self.m6) || (self.m6 && io.x60) || (io.x22 && io.x60);
        self.m20 = (self.m1 && io.x8) || (io.x8 && self.m15) || (self.m1 && self.m15);
        self.m21 = self.m15 && !io.x19 && self.m81;
        self.m22 = (io.x4 && self.m19) || (io.x12 && !io.x3);
        out.y7 = self.m69 && !io.x34 && self.m2;
        self.m23 = (io.x22 || self.m23) && !io.x54 && self.m8;
        self.m24 = (io.x9 && !io.x56) || (!io.x9 && io.x56);
        self.m25 = io.x55 && !io.x0 && io.x60;
        out.y8 = (io.x21 && self.m0) || (self.m0 && io.x33) || (io.x21 && io.x33);
        self.m26 = self.m11 && !self.m15 && self.m12;
        self.m27 = (io.x19 && self.m5) || (self.m24 && !io.x56);
        self.m28 = (io.x47 && !self.m1) || (!io.x47 && self.m1);
        out.y9 = io.x27 && !io.x47 && io.x23;
        self.m29 = (self.m18 || self.m21) && (io.x24 || !io.x47);
        self.m30 = (io.x40 || self.m13) && (self.m1 || !io.x0);
        self.m31 = (io.x59 && !io.x49) || (!io.x59 && io.x49);
        out.y10 = (self.m47 && self.m8) || (self.m8 && self.m11) || (self.m47 && self.m11);
        self.m32 = (io.x6 || self.m32) && !self.m0 && io.x29;
        self.m33 = (self.m4 && io.x41) || (self.m15 && !self.m19);
        self.m34 = io.x43 && !io.x13 && self.m11;
        out.y11 = (io.x28 && io.x16) || (io.x16 && io.x19) || (io.x28 && io.x19);
        self.m35 = (io.x35 && !self.m17) || (!io.x35 && self.m17);
        self.m36 = (self.m9 && self.m142) || (self.m142 && io.x13) || (self.m9 && io.x13);
        self.m37 = (io.x63 || self.m37) && !self.m31 && io.x58;
        self.m38 = (self.m3 && !self.m21) || (!self.m3 && self.m21);
        out.y12 = io.x20 && !self.m16 && self.m28;
        self.m39 = self.m26 && !io.x33 && self.m52;
        self.m40 = (self.m6 || io.x32) && (io.x21 || !self.m13);
        self.m41 = (io.x25 || io.x12) && (self.m14 || !io.x39);
        out.y13 = (io.x49 && io.x46) || (io.x18 && !io.x52);
        self.m42 = self.m35 && !io.x45 && io.x58;
        self.m43 = (io.x42 || self.m26) && (io.x39 || !io.x60);
        self.m44 = (io.x60 && !io.x16) || (!io.x60 && io.x16);
        out.y14 = (self.m24 && io.x17) || (self.m1 && !self.m44);
        self.m45 = (io.x24 || self.m45) && !self.m25 && io.x5;
        self.m46 = self.m19 && !io.x62 && io.x11;
        self.m47 = (self.m39 || io.x44) && (io.x58 || !self.m4);
        out.y15 = io.x46 && !io.x31 && io.x3;
        self.m48 = (io.x44 && io.x28) || (io.x60 && !self.m3);
        self.m49 = (io.x57 || self.m49) && !io.x58 && io.x42;
        self.m50 = (io.x47 && !io.x24) || (!io.x47 && io.x24);
        out.y16 = io.x45 && !io.x42 && io.x44;
        self.m51 = (self.m33 || io.x49) && (io.x61 || !io.x50);
        self.m52 = (self.m68 && !io.x25) || (!self.m68 && io.x25);
        self.m53 = (self.m149 && !self.m29) || (!self.m149 && self.m29);
        out.y17 = io.x46 && !self.m34 && io.x56;
        self.m54 = io.x49 && !io.x58 && io.x59;
        self.m55 = (io.x29 || self.m149) && (self.m30 || !io.x47);
        self.m56 = io.x7 && !self.m55 && self.m34;
        self.m57 = (io.x56 || self.m57) && !io.x34 && self.m41;
        out.y18 = (io.x3 || io.x55) && (self.m36 || !io.x37);
        self.m58 = (io.x42 || self.m58) && !io.x25 && self.m21;
        self.m59 = (self.m88 && !io.x44) || (!self.m88 && io.x44);
        self.m60 = (io.x32 || io.x22) && (self.m54 || !io.x28);
        out.y19 = io.x42 && !self.m145 && io.x33;
        self.m61 = (io.x41 && io.x39) || (io.x39 && io.x14) || (io.x41 && io.x14);
        self.m62 = io.x32 && !self.m50 && io.x34;
        self.m63 = (io.x30 && self.m27) || (self.m27 && io.x63) || (io.x30 && io.x63);
        out.y20 = (io.x55 && self.m16) || (self.m16 && io.x19) || (io.x55 && io.x19);
        self.m64 = (io.x55 && io.x21) || (io.x26 && !io.x1);
        self.m65 = (io.x33 && self.m2) || (self.m2 && io.x36) || (io.x33 && io.x36);
        self.m66 = (io.x31 || io.x54) && (io.x41 || !io.x49);
        out.y21 = (self.m21 && !io.x7) || (!self.m21 && io.x7);
        self.m67 = (io.x44 || io.x47) && (self.m62 || !io.x61);
        self.m68 = (io.x35 && !self.m16) || (!io.x35 && self.m16);
        self.m69 = io.x51 && !self.m61 && io.x29;
        out.y22 = (self.m45 && io.x6) || (io.x50 && !self.m68);
        self.m70 = (self.m37 && self.m25) || (self.m25 && io.x35) || (self.m37 && io.x35);
        self.m71 = (io.x5 && io.x13) || (io.x13 && self.m37) || (io.x5 && self.m37);
        self.m72 = (io.x40 || self.m29) && (io.x14 || !io.x48);
        out.y23 = (io.x30 && io.x47) || (io.x47 && io.x25) || (io.x30 && io.x25);
        self.m73 = io.x37 && !io.x5 && self.m41;
        self.m74 = (io.x50 && io.x10) || (io.x27 && !io.x33);
        self.m75 = (self.m24 && !io.x29) || (!self.m24 && io.x29);
        self.m76 = (io.x37 && io.x6) || (io.x6 && io.x54) || (io.x37 && io.x54);
        out.y24 = (io.x34 && self.m72) || (self.m72 && io.x15) || (io.x34 && io.x15);
        self.m77 = (self.m41 && self.m104) || (self.m47 && !io.x47);
        self.m78 = (self.m70 || io.x21) && (self.m46 || !self.m23);
        self.m79 = (self.m29 && !io.x7) || (!self.m29 && io.x7);
        out.y25 = io.x56 && !io.x55 && io.x6;
        self.m80 = io.x34 && !io.x32 && io.x60;
        self.m81 = (self.m33 && self.m36) || (io.x16 && !io.x27);
        self.m82 = (self.m63 || self.m90) && (self.m36 || !self.m80);
        out.y26 = self.m82 && !io.x6 && io.x41;
        self.m83 = (io.x55 && !self.m73) || (!io.x55 && self.m73);
        self.m84 = self.m81 && !io.x23 && io.x45;
        self.m85 = (io.x45 && io.x26) || (self.m73 && !self.m63);
        out.y27 = (self.m74 || io.x58) && (io.x8 || !io.x56);
        self.m86 = (io.x43 && self.m40) || (io.x7 && !io.x31);
        self.m87 = (self.m67 && io.x15) || (io.x15 && self.m120) || (self.m67 && self.m120);
        self.m88 = (self.m12 && !io.x11) || (!self.m12 && io.x11);
        out.y28 = (self.m2 && io.x35) || (io.x32 && !self.m67);
        self.m89 = (self.m76 && io.x13) || (self.m82 && !self.m20);
        self.m90 = (io.x23 && self.m45) || (self.m29 && !io.x16);
        self.m91 = (self.m123 && io.x22) || (io.x22 && self.m66) || (self.m123 && self.m66);
        out.y29 = (self.m45 && io.x16) || (io.x25 && !io.x10);
        self.m92 = (io.x27 && self.m59) || (self.m49 && !self.m93);
        self.m93 = (io.x6 && io.x45) || (io.x45 && self.m15) || (io.x6 && self.m15);
        self.m94 = (self.m43 && io.x35) || (self.m10 && !self.m11);
        self.m95 = (self.m75 && self.m37) || (self.m37 && self.m11) || (self.m75 && self.m11);
        out.y30 = (self.m83 && self.m35) || (self.m35 && io.x62) || (self.m83 && io.x62);
        self.m96 = (io.x58 && io.x6) || (io.x6 && self.m29) || (io.x58 && self.m29);
        self.m97 = io.x62 && !io.x46 && self.m75;
        self.m98 = (io.x26 && io.x57) || (io.x57 && self.m83) || (io.x26 && self.m83);
        out.y31 = (self.m7 && io.x54) || (io.x24 && !io.x60);
        self.m99 = (self.m93 && io.x2) || (io.x2 && io.x21) || (self.m93 && io.x21);
        self.m100 = (self.m92 && self.m16) || (self.m86 && !io.x21);
        self.m101 = (self.m8 || self.m101) && !io.x29 && io.x1;
        out.y32 = (self.m67 || io.x19) && (io.x42 || !io.x14);
        self.m102 = (self.m100 && io.x63) || (self.m73 && !io.x56);
        self.m103 = (io.x27 && io.x7) || (io.x47 && !io.x29);
        self.m104 = (io.x37 || self.m104) && !io.x52 && self.m41;
        out.y33 = (self.m18 || io.x10) && (io.x17 || !self.m62);
        self.m105 = (io.x62 || self.m105) && !self.m57 && io.x2;
        self.m106 = (self.m90 || io.x6) && (self.m13 || !io.x19);
        self.m107 = (io.x28 && io.x43) || (self.m85 && !io.x53);
        out.y34 = (self.m47 && !self.m11) || (!self.m47 && self.m11);
        self.m108 = io.x15 && !io.x48 && io.x51;
        self.m109 = (io.x61 && !self.m140) || (!io.x61 && self.m140);
        self.m110 = (self.m34 && io.x47) || (io.x47 && io.x51) || (self.m34 && io.x51);
        out.y35 = (io.x18 && io.x31) || (io.x6 && !io.x57);
        self.m111 = io.x0 && !self.m96 && self.m115;
        self.m112 = io.x46 && !io.x57 && io.x36;
        self.m113 = (io.x41 || self.m62) && (io.x31 || !io.x8);
        self.m114 = (io.x34 || self.m114) && !self.m75 && io.x13;
        out.y36 = io.x42 && !io.x5 && io.x32;
        self.m115 = (self.m84 && io.x12) || (io.x12 && self.m17) || (self.m84 && self.m17);
        self.m116 = self.m80 && !io.x12 && self.m48;
        self.m117 = (self.m63 || self.m117) && !self.m148 && io.x36;
        out.y37 = (self.m7 && self.m109) || (self.m109 && self.m117) || (self.m7 && self.m117);
        self.m118 = (io.x34 && self.m74) || (self.m134 && !io.x15);
        self.m119 = io.x48 && !self.m38 && io.x50;
        self.m120 = (io.x57 || self.m34) && (self.m31 || !io.x12);
        out.y38 = io.x40 && !io.x63 && self.m45;
        self.m121 = self.m31 && !io.x27 && io.x22;
        self.m122 = (io.x10 && io.x5) || (io.x5 && self.m86) || (io.x10 && self.m86);
        self.m123 = (self.m80 && !io.x26) || (!self.m80 && io.x26);
        out.y39 = (self.m45 && !self.m37) || (!self.m45 && self.m37);
        self.m124 = (io.x35 || self.m124) && !self.m17 && io.x59;
        self.m125 = (io.x51 && !io.x3) || (!io.x51 && io.x3);
        self.m126 = (io.x21 && self.m119) || (io.x24 && !self.m112);
        out.y40 = io.x58 && !io.x61 && io.x26;
        self.m127 = (self.m112 && io.x62) || (io.x62 && io.x41) || (self.m112 && io.x41);
        self.m128 = (self.m81 && !self.m70) || (!self.m81 && self.m70);
        self.m129 = (io.x43 || self.m28) && (self.m104 || !io.x29);
        out.y41 = io.x20 && !self.m74 && io.x49;
        self.m130 = (self.m31 || self.m130) && !io.x14 && io.x21;
        self.m131 = (self.m6 || self.m131) && !self.m36 && self.m77;
        self.m132 = (io.x45 && self.m87) || (self.m87 && io.x60) || (io.x45 && io.x60);
        self.m133 = (io.x33 && self.m93) || (self.m93 && self.m12) || (io.x33 && self.m12);
        out.y42 = (io.x49 && io.x57) || (io.x57 && io.x63) || (io.x49 && io.x63);
        self.m134 = (self.m128 && !self.m94) || (!self.m128 && self.m94);
        self.m135 = io.x10 && !io.x19 && io.x53;
        self.m136 = (self.m68 && self.m34) || (io.x62 && !io.x10);
        out.y43 = io.x8 && !io.x16 && io.x49;
        self.m137 = io.x51 && !io.x38 && self.m95;
        self.m138 = (io.x53 || self.m138) && !io.x0 && io.x54;
        self.m139 = (self.m83 || io.x39) && (self.m106 || !self.m62);
        out.y44 = (io.x53 && io.x22) || (io.x60 && !io.x55);
        self.m140 = (io.x47 && !io.x3) || (!io.x47 && io.x3);
        self.m141 = (io.x14 && !self.m21) || (!io.x14 && self.m21);
        self.m142 = (self.m117 && !self.m130) || (!self.m117 && self.m130);
        out.y45 = io.x33 && !io.x35 && self.m72;
        self.m143 = (io.x42 && !self.m122) || (!io.x42 && self.m122);
        self.m144 = (self.m96 && self.m38) || (self.m3 && !io.x31);
        self.m145 = (io.x2 || self.m145) && !self.m58 && io.x20;
        out.y46 = (io.x11 && self.m63) || (self.m63 && io.x27) || (io.x11 && io.x27);
        self.m146 = (io.x10 && io.x29) || (io.x29 && self.m101) || (io.x10 && self.m101);
        self.m147 = (self.m96 || self.m147) && !io.x30 && io.x36;
        self.m148 = (io.x12 || self.m148) && !self.m53 && io.x6;
        out.y47 = (io.x40 || io.x39) && (io.x0 || !self.m3);
        self.m149 = (self.m9 && self.m141) || (self.m141 && self.m132) || (self.m9 && self.m132);
        self.m150 = io.x39 && !io.x22 && self.m30;
        self.m151 = (io.x58 || self.m151) && !self.m18 && io.x10;
    }
}
