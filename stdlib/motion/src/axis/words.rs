//! Saved state: every value as a fixed number of 64-bit words.
//!
//! Fixed, so that a record of a cycle has room for it that is known beforehand, and so that equal words mean equal
//! state. Reading checks: the words may come from a damaged file.

/// Takes words one after the other.
pub(super) struct Writer<'a> {
    words: &'a mut [u64],
    at: usize,
}

impl<'a> Writer<'a> {
    pub const fn new(words: &'a mut [u64]) -> Self {
        Self { words, at: 0 }
    }

    fn put(&mut self, word: u64) {
        if let Some(slot) = self.words.get_mut(self.at) {
            *slot = word;
        }
        self.at += 1;
    }
}

/// Gives words one after the other.
pub(super) struct Reader<'a> {
    words: &'a [u64],
    at: usize,
}

impl<'a> Reader<'a> {
    pub const fn new(words: &'a [u64]) -> Self {
        Self { words, at: 0 }
    }

    /// Words given so far.
    pub const fn position(&self) -> usize {
        self.at
    }

    fn get(&mut self) -> Option<u64> {
        let word = self.words.get(self.at).copied()?;
        self.at += 1;
        Some(word)
    }
}

/// A value that is saved in words.
pub(super) trait Words: Sized {
    /// How many.
    const COUNT: usize;
    fn write(&self, to: &mut Writer<'_>);
    /// `None` for words that this type does not write.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

macro_rules! integer_words {
    ($($integer:ty),*) => {$(
        impl Words for $integer {
            const COUNT: usize = 1;
            fn write(&self, to: &mut Writer<'_>) {
                // Signed values keep their low 64 bits.
                to.put(i64::from(*self) as u64);
            }
            fn read(from: &mut Reader<'_>) -> Option<Self> {
                Self::try_from(from.get()? as i64).ok()
            }
        }
    )*};
}
integer_words!(u16, i64);

impl Words for u64 {
    const COUNT: usize = 1;
    fn write(&self, to: &mut Writer<'_>) {
        to.put(*self);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.get()
    }
}

impl Words for usize {
    const COUNT: usize = 1;
    fn write(&self, to: &mut Writer<'_>) {
        to.put(*self as u64);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Self::try_from(from.get()?).ok()
    }
}

impl Words for bool {
    const COUNT: usize = 1;
    fn write(&self, to: &mut Writer<'_>) {
        to.put(u64::from(*self));
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.get()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Words for f64 {
    const COUNT: usize = 1;
    fn write(&self, to: &mut Writer<'_>) {
        // One NaN for all.
        to.put(if self.is_nan() { Self::NAN.to_bits() } else { self.to_bits() });
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.get().map(Self::from_bits)
    }
}

impl<T: Words> Words for Option<T> {
    const COUNT: usize = 1 + T::COUNT;
    fn write(&self, to: &mut Writer<'_>) {
        self.is_some().write(to);
        match self {
            Some(value) => value.write(to),
            None => (0..T::COUNT).for_each(|_| to.put(0)),
        }
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        if bool::read(from)? {
            return Some(Some(T::read(from)?));
        }
        (0..T::COUNT).all(|_| from.get() == Some(0)).then_some(None)
    }
}

impl<A: Words, B: Words> Words for (A, B) {
    const COUNT: usize = A::COUNT + B::COUNT;
    fn write(&self, to: &mut Writer<'_>) {
        self.0.write(to);
        self.1.write(to);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

impl<T: Words + Copy + Default, const N: usize> Words for [T; N] {
    const COUNT: usize = N * T::COUNT;
    fn write(&self, to: &mut Writer<'_>) {
        self.iter().for_each(|value| value.write(to));
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut values = [T::default(); N];
        for value in &mut values {
            *value = T::read(from)?;
        }
        Some(values)
    }
}

/// A struct as its fields, in order.
macro_rules! struct_words {
    ($name:ty { $($field:ident: $kind:ty),* $(,)? }) => {
        impl Words for $name {
            const COUNT: usize = 0 $(+ <$kind as Words>::COUNT)*;
            fn write(&self, to: &mut Writer<'_>) {
                $(self.$field.write(to);)*
            }
            fn read(from: &mut Reader<'_>) -> Option<Self> {
                Some(Self { $($field: <$kind as Words>::read(from)?),* })
            }
        }
    };
}
pub(super) use struct_words;

/// An enum without data, each variant with its number.
macro_rules! enum_words {
    ($name:ty { $($variant:ident = $number:literal),* $(,)? }) => {
        impl Words for $name {
            const COUNT: usize = 1;
            fn write(&self, to: &mut Writer<'_>) {
                let number: u64 = match self {
                    $(Self::$variant => $number),*
                };
                number.write(to);
            }
            fn read(from: &mut Reader<'_>) -> Option<Self> {
                match u64::read(from)? {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use enum_words;
