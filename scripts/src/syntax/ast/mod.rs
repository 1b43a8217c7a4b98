//! The tree as what it means.
//!
//! Each type is a node that was looked at; what is missing in a text that is no program is `None` or left out. An
//! [`Expr`] may stand in parentheses: [`Expr::plain`] takes them away.

mod expr;
mod stmt;
mod text;

pub use expr::*;
pub use rowan::ast::{AstChildren, AstNode};
pub use stmt::*;

use super::{Language, SyntaxKind, SyntaxKind as K, SyntaxNode, SyntaxToken};
use rowan::ast::support;

/// Declares types for nodes of one kind.
macro_rules! nodes {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            pub struct $name(SyntaxNode);

            impl AstNode for $name {
                type Language = Language;

                fn can_cast(kind: SyntaxKind) -> bool {
                    kind == SyntaxKind::$name
                }

                fn cast(node: SyntaxNode) -> Option<Self> {
                    Self::can_cast(node.kind()).then(|| Self(node))
                }

                fn syntax(&self) -> &SyntaxNode {
                    &self.0
                }
            }
        )*
    };
}

/// Declares an enum of types for nodes.
macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident($node:ident))* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($node),)*
        }

        impl AstNode for $name {
            type Language = Language;

            fn can_cast(kind: SyntaxKind) -> bool {
                $($node::can_cast(kind))||*
            }

            fn cast(node: SyntaxNode) -> Option<Self> {
                match node.kind() {
                    $(kind if $node::can_cast(kind) => $node::cast(node).map(Self::$variant),)*
                    _ => None,
                }
            }

            fn syntax(&self) -> &SyntaxNode {
                match self {
                    $(Self::$variant(node) => node.syntax(),)*
                }
            }
        }

        $(
            impl From<$node> for $name {
                fn from(node: $node) -> Self {
                    Self::$variant(node)
                }
            }
        )*
    };
}

use {choices, nodes};

/// A token of one of these kinds that is directly in a node.
pub(in crate::syntax) fn token_of(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<SyntaxToken> {
    tokens_of(node, kinds).next()
}

/// The tokens of these kinds that are directly in a node.
fn tokens_of<'a>(node: &'a SyntaxNode, kinds: &'a [SyntaxKind]) -> impl Iterator<Item = SyntaxToken> + 'a {
    node.children_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| kinds.contains(&token.kind()))
}

/// The first token of a node that is no trivia.
fn first_token(node: &SyntaxNode) -> Option<SyntaxToken> {
    node.children_with_tokens()
        .filter_map(|element| element.into_token())
        .find(|token| !token.kind().is_trivia())
}

/// A name that stands directly in a node.
fn name_of(node: &SyntaxNode) -> Option<SyntaxToken> {
    support::token(node, K::Ident)
}

/// What a node contains of one type, the one with this number from 0.
fn nth_child<N: AstNode<Language = Language>>(node: &SyntaxNode, n: usize) -> Option<N> {
    support::children(node).nth(n)
}

/// What is right of a token of one of these kinds.
fn child_after<N: AstNode<Language = Language>>(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<N> {
    let token = token_of(node, kinds)?;
    node.children().filter(|child| child.text_range().start() >= token.text_range().end()).find_map(N::cast)
}

/// What is left of a token of one of these kinds.
fn child_before<N: AstNode<Language = Language>>(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Option<N> {
    let token = token_of(node, kinds)?;
    node.children().filter(|child| child.text_range().end() <= token.text_range().start()).find_map(N::cast)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_function(text: &str) -> Fn {
        let parse = crate::syntax::parse(text);
        assert!(parse.is_ok(), "{text}: {:?}", parse.errors());
        parse.root().functions().next().unwrap()
    }

    fn body(text: &str) -> Expr {
        let function = only_function(&format!("fn f() {{ {text} }}"));
        match function.body().and_then(|body| body.statements().next()) {
            Some(Stmt::Expr(statement)) => statement.expr().unwrap(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn functions_have_their_documentation() {
        let function = only_function(
            "// no\n/// none\n\n/// @param a f64 [mm]\n// but\n/// of it\nprivate fn travel(a, b) { }",
        );
        assert_eq!(function.docs().collect::<Vec<_>>(), [" @param a f64 [mm]", " of it"]);
        assert_eq!(function.name().unwrap().text(), "travel");
        assert_eq!(function.params().map(|p| p.name().unwrap().to_string()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(function.is_private());
        let method = only_function("fn \"Pump\".run(x,) { x }");
        assert_eq!(method.receiver_type().as_deref(), Some("Pump"));
        assert_eq!(method.name().unwrap().text(), "run");
    }

    #[test]
    fn operands_are_on_their_sides() {
        let Expr::Range(range) = body("..9") else { panic!() };
        assert!(range.start().is_none() && range.end().is_some() && !range.is_inclusive());
        let Expr::Range(range) = body("[1..][0]").plain_base().unwrap() else { panic!() };
        assert!(range.start().is_some() && range.end().is_none());
        let Expr::Binary(binary) = body("a - b * c") else { panic!() };
        assert_eq!(binary.op(), Some(K::Minus));
        assert!(matches!(binary.rhs(), Some(Expr::Binary(_))));
    }

    impl Expr {
        /// The first element of an array that is indexed.
        fn plain_base(&self) -> Option<Expr> {
            let Expr::Index(index) = self else { return None };
            let Some(Expr::Array(array)) = index.base() else { return None };
            array.elements().next()
        }
    }

    #[test]
    fn numbers_are_folded_as_rhai_folds_them() {
        use crate::syntax::Number::{Float, Int};
        for (text, value) in [
            ("-1", Int(-1)),
            ("- 1", Int(-1)),
            ("-(-(+1))", Int(1)),
            ("-1.5", Float(-1.5)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("- 9223372036854775808", Float(-9_223_372_036_854_775_808.0)),
            ("-(-9223372036854775808)", Float(9_223_372_036_854_775_808.0)),
        ] {
            assert_eq!(body(text).number(), Some(value), "{text}");
        }
        assert_eq!(body("!1").number(), None);
        assert_eq!(body("-1 + 1").number(), None);
    }

    #[test]
    fn texts_are_joined_over_lines() {
        let function = only_function("fn f() {\n  \"one \\\n     two\"; `a${b + `${c}`}d` }");
        let mut statements = function.body().unwrap().statements();
        let Some(Stmt::Expr(first)) = statements.next() else { panic!() };
        let Some(Expr::Literal(literal)) = first.expr() else { panic!() };
        assert_eq!(literal.value(), Some(Value::Text("one   two".into())));
        let Some(Stmt::Expr(second)) = statements.next() else { panic!() };
        let Some(Expr::Interpolated(text)) = second.expr() else { panic!() };
        let parts: Vec<TextPart> = text.parts().collect();
        assert!(
            matches!(&parts[..], [TextPart::Text(a), TextPart::Block(_), TextPart::Text(d)] if a == "a" && d == "d")
        );
    }
}
