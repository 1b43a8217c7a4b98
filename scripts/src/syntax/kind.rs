//! The kinds of tokens and nodes of a syntax tree.

/// Declares the enum, the list of its variants, and the spelling of the tokens that have only one.
macro_rules! kinds {
    (
        keywords { $($keyword:ident $word:literal)* }
        symbols { $($symbol:ident $spelling:literal)* }
        tokens { $(#[doc = $token_doc:literal] $token:ident)* }
        nodes { $(#[doc = $node_doc:literal] $node:ident)* }
    ) => {
        /// What a token or a node of the tree is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum SyntaxKind {
            $(#[doc = concat!("`", $word, "`")] $keyword,)*
            $(#[doc = concat!("`", $spelling, "`")] $symbol,)*
            $(#[doc = $token_doc] $token,)*
            $(#[doc = $node_doc] $node,)*
        }

        impl SyntaxKind {
            /// All kinds, in the order of their numbers.
            pub const ALL: &[Self] = &[
                $(Self::$keyword,)* $(Self::$symbol,)* $(Self::$token,)* $(Self::$node,)*
            ];

            /// The keywords.
            pub const KEYWORDS: &[Self] = &[$(Self::$keyword,)*];

            /// The operators, brackets and other signs.
            pub const SYMBOLS: &[Self] = &[$(Self::$symbol,)*];

            /// The nodes: what the grammar's rules make.
            pub const NODES: &[Self] = &[$(Self::$node,)*];

            /// How it is always written; `None` for literals, names, comments and nodes.
            pub const fn spelling(self) -> Option<&'static str> {
                match self {
                    $(Self::$keyword => Some($word),)*
                    $(Self::$symbol => Some($spelling),)*
                    _ => None,
                }
            }

            /// The keyword that is written so.
            pub fn keyword(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$keyword),)*
                    _ => None,
                }
            }

            /// The sign that is written so.
            pub fn symbol(spelling: &str) -> Option<Self> {
                match spelling {
                    $($spelling => Some(Self::$symbol),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    keywords {
        AsKw "as"
        BreakKw "break"
        CatchKw "catch"
        ConstKw "const"
        ContinueKw "continue"
        DoKw "do"
        ElseKw "else"
        ExportKw "export"
        FalseKw "false"
        FnKw "fn"
        ForKw "for"
        IfKw "if"
        ImportKw "import"
        InKw "in"
        LetKw "let"
        LoopKw "loop"
        PrivateKw "private"
        ReturnKw "return"
        SwitchKw "switch"
        ThisKw "this"
        ThrowKw "throw"
        TrueKw "true"
        TryKw "try"
        UntilKw "until"
        WhileKw "while"
    }
    symbols {
        LBrace "{"
        RBrace "}"
        LParen "("
        RParen ")"
        LBracket "["
        RBracket "]"
        Unit "()"
        MapStart "#{"
        Semicolon ";"
        Comma ","
        Colon ":"
        DoubleColon "::"
        Arrow "=>"
        Underscore "_"
        Dot "."
        QuestionDot "?."
        QuestionBracket "?["
        DoubleQuestion "??"
        DotDot ".."
        DotDotEq "..="
        NotIn "!in"
        Plus "+"
        Minus "-"
        Star "*"
        Slash "/"
        Percent "%"
        StarStar "**"
        Shl "<<"
        Shr ">>"
        Amp "&"
        AmpAmp "&&"
        Pipe "|"
        PipePipe "||"
        Caret "^"
        Bang "!"
        EqEq "=="
        NotEq "!="
        Less "<"
        LessEq "<="
        Greater ">"
        GreaterEq ">="
        Eq "="
        PlusEq "+="
        MinusEq "-="
        StarEq "*="
        SlashEq "/="
        PercentEq "%="
        StarStarEq "**="
        ShlEq "<<="
        ShrEq ">>="
        AmpEq "&="
        PipeEq "|="
        CaretEq "^="
    }
    tokens {
        /// Blanks, tabs and ends of lines.
        Whitespace
        /// `// …` or `/* … */`, which nests.
        Comment
        /// `/// …` or `/** … */`.
        DocComment
        /// `42`, `1_000`, `0xff`; with its sign, as in `-1`, where no operand stands before it.
        Int
        /// `1.5`, `1.`, `1e-3`, and integers that are too large; with its sign as an integer.
        Float
        /// `'a'`
        Char
        /// `"text"` with escapes.
        String
        /// `#"text"#` as it is.
        RawString
        /// A text in back-ticks without interpolation.
        Text
        /// From a back-tick to the `$` of the first `${`.
        TextStart
        /// From the `}` of an interpolation to the `$` of the next one.
        TextMiddle
        /// From the `}` of the last interpolation to the back-tick.
        TextEnd
        /// A name.
        Ident
        /// A word that no name may be, such as `var`; some may be called, such as `print`.
        ReservedWord
        /// A sign that the language reserves, such as `++`.
        ReservedSymbol
        /// A character or word that nothing begins with.
        ErrorToken
        /// The end of the text; in no tree.
        Eof
    }
    nodes {
        /// The whole text: statements and functions.
        SourceFile
        /// Tokens where nothing fits.
        Error
        /// `[private] fn [type.]name(…) { … }`
        Fn
        /// The type before the name of a function, with its `.`: `fn int.name()`.
        ReceiverType
        /// `(a, b)` of a function, or `|a, b|` of a closure.
        ParamList
        /// One parameter.
        Param
        /// `{ … }`
        Block
        /// `let name = value;`
        LetStmt
        /// `const NAME = value;`
        ConstStmt
        /// `place = value;`, `place += value;`
        AssignStmt
        /// An expression as a statement.
        ExprStmt
        /// `;` alone.
        EmptyStmt
        /// `break value;`
        BreakStmt
        /// `continue;`
        ContinueStmt
        /// `return value;`
        ReturnStmt
        /// `throw value;`
        ThrowStmt
        /// `try { … } catch (name) { … }`
        TryStmt
        /// `import path as name;`
        ImportStmt
        /// `export name as alias;`, `export let name = value;`
        ExportStmt
        /// A number, text, character or truth value, or `()`.
        Literal
        /// A text with `${ … }`.
        InterpolatedText
        /// A name, possibly in a namespace: `a`, `a::b`.
        PathExpr
        /// `this`
        ThisExpr
        /// `(a)`
        ParenExpr
        /// `-a`, `+a`, `!a`
        PrefixExpr
        /// `a + b`, `a in b`, `a ?? b`
        BinaryExpr
        /// `a..b`, `a..=b`, `a..`, `..b`
        RangeExpr
        /// `name(…)`, `name!(…)`
        CallExpr
        /// `a.name(…)`, `a?.name(…)`
        MethodCallExpr
        /// `(a, b)` of a call.
        ArgList
        /// `a.name`, `a?.name`
        FieldExpr
        /// `a[b]`, `a?[b]`
        IndexExpr
        /// `[a, b]`
        ArrayExpr
        /// `#{ a: 1 }`
        MapExpr
        /// `a: 1` of a map.
        MapEntry
        /// `|a, b| body`
        ClosureExpr
        /// `if a { … } else { … }`
        IfExpr
        /// `switch a { … }`
        SwitchExpr
        /// `1 | 2 if a => body` of a `switch`.
        SwitchCase
        /// The values of a case, or `_`.
        CaseValues
        /// `if a` of a case.
        Guard
        /// `while a { … }`
        WhileExpr
        /// `loop { … }`
        LoopExpr
        /// `do { … } while a`, `do { … } until a`
        DoExpr
        /// `for a in b { … }`, `for (a, i) in b { … }`
        ForExpr
    }
}

impl SyntaxKind {
    /// Is it between the tokens that the grammar is about?
    pub const fn is_trivia(self) -> bool {
        matches!(self, Self::Whitespace | Self::Comment | Self::DocComment)
    }

    /// Does it assign: `=`, `+=` and so on?
    pub const fn is_assignment(self) -> bool {
        matches!(
            self,
            Self::Eq
                | Self::PlusEq
                | Self::MinusEq
                | Self::StarEq
                | Self::SlashEq
                | Self::PercentEq
                | Self::StarStarEq
                | Self::ShlEq
                | Self::ShrEq
                | Self::AmpEq
                | Self::PipeEq
                | Self::CaretEq
        )
    }

    /// Is it a word of the language?
    pub fn is_keyword(self) -> bool {
        Self::KEYWORDS.contains(&self)
    }

    /// Does it stand between or before operands, or between an operand and what belongs to it?
    pub const fn is_operator(self) -> bool {
        self.precedence().is_some()
            || self.is_assignment()
            || matches!(self, Self::Bang | Self::Dot | Self::QuestionDot | Self::DoubleColon)
    }

    /// How tightly an operator between two operands binds; `None` for other tokens.
    pub const fn precedence(self) -> Option<u8> {
        Some(match self {
            Self::PipePipe | Self::Pipe | Self::Caret => 1,
            Self::AmpAmp | Self::Amp => 2,
            Self::EqEq | Self::NotEq => 3,
            Self::InKw | Self::NotIn => 4,
            Self::Less | Self::LessEq | Self::Greater | Self::GreaterEq => 5,
            Self::DoubleQuestion => 6,
            Self::DotDot | Self::DotDotEq => 7,
            Self::Plus | Self::Minus => 8,
            Self::Star | Self::Slash | Self::Percent => 9,
            Self::StarStar => 10,
            Self::Shl | Self::Shr => 11,
            _ => return None,
        })
    }
}

/// The language of the trees, as `rowan` wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {}

impl rowan::Language for Language {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        SyntaxKind::ALL.get(usize::from(raw.0)).copied().unwrap_or(SyntaxKind::Error)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of a tree.
pub type SyntaxNode = rowan::SyntaxNode<Language>;
/// A token of a tree.
pub type SyntaxToken = rowan::SyntaxToken<Language>;
/// A node or a token of a tree.
pub type SyntaxElement = rowan::SyntaxElement<Language>;

#[cfg(test)]
mod tests {
    use super::SyntaxKind;

    #[test]
    fn kinds_and_numbers_agree() {
        for (number, kind) in SyntaxKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, number);
        }
    }
}
