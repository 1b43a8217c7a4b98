//! What is selected: an expression, or statements of one block that follow each other.

use super::{LOOPS, has_long_text, span};
use crate::analysis::places;
use sensai_scripts::syntax::{
    SyntaxKind as K, SyntaxNode, TextRange, TextSize,
    ast::{self, AstNode},
};
use std::ops::Range;

/// What is selected.
pub enum Selected {
    /// An expression.
    Expression(SyntaxNode),
    /// Statements, at least one.
    Statements {
        /// In order.
        nodes: Vec<SyntaxNode>,
        /// With the comments around them that are selected, too.
        range: Range<usize>,
    },
}

impl Selected {
    /// What a part of a function is.
    pub fn of(function: &SyntaxNode, within: Range<usize>) -> Result<Self, String> {
        const WHOLE: &str = "select whole statements, or one expression";
        let size = |at: usize| u32::try_from(at).map(TextSize::from).map_err(|_| WHOLE.to_owned());
        let range = TextRange::new(size(within.start)?, size(within.end)?);
        if !function.text_range().contains_range(range) {
            return Err(WHOLE.to_owned());
        }
        let element = function.covering_element(range);
        let node = element.as_node().cloned().or_else(|| element.parent()).ok_or(WHOLE)?;
        let exact: Vec<SyntaxNode> = node.ancestors().take_while(|node| node.text_range() == range).collect();
        let is_statement = |node: &&SyntaxNode| {
            let parent = node.parent().map(|parent| parent.kind());
            ast::Stmt::cast((*node).clone()).is_some() && matches!(parent, Some(K::Block | K::SwitchCase))
        };
        let selected = if let Some(statement) = exact.iter().find(is_statement) {
            Self::Statements { nodes: vec![statement.clone()], range: within }
        } else if let Some(expression) = exact.iter().rfind(|node| ast::Expr::cast((*node).clone()).is_some())
        {
            is_value(expression)?;
            Self::Expression(expression.clone())
        } else {
            let nodes = statements(&node, range).ok_or(WHOLE)?;
            Self::Statements { nodes, range: within }
        };
        selected.stays()?;
        Ok(selected)
    }

    /// Every node that is selected.
    pub fn nodes(&self) -> &[SyntaxNode] {
        match self {
            Self::Expression(node) => std::slice::from_ref(node),
            Self::Statements { nodes, .. } => nodes,
        }
    }

    /// What the call takes the place of.
    pub fn range(&self) -> Range<usize> {
        match self {
            Self::Expression(node) => span(node),
            Self::Statements { range, .. } => range.clone(),
        }
    }

    /// Where the last statement ends; behind it are comments.
    pub fn code_end(&self) -> usize {
        self.nodes().last().map_or(self.range().end, |node| span(node).end)
    }

    /// True if something may stand behind it as it is.
    pub fn ends_closed(&self) -> bool {
        let last = self.nodes().last();
        last.and_then(SyntaxNode::last_token).is_some_and(|token| token.kind() == K::Semicolon)
            || last.cloned().and_then(ast::ExprStmt::cast).and_then(|last| last.expr()).is_some_and(|expr| {
                let kind = expr.syntax().kind();
                LOOPS.contains(&kind) || matches!(kind, K::IfExpr | K::SwitchExpr | K::Block)
            })
    }

    /// True if a `;` belongs behind the call, where the value is assigned or not.
    pub fn needs_semicolon(&self, is_assigned: bool) -> bool {
        let Self::Statements { nodes, .. } = self else { return false };
        let Some(last) = nodes.last() else { return false };
        let in_block = last.parent().is_some_and(|parent| parent.kind() == K::Block);
        let written = last.last_token().is_some_and(|token| token.kind() == K::Semicolon);
        in_block && (is_assigned || written || last.next_sibling().is_some())
    }

    /// The statement whose value is that of its block.
    pub fn tail(&self) -> Option<ast::Expr> {
        let Self::Statements { nodes, .. } = self else { return None };
        let last = nodes.last()?;
        let mut behind = std::iter::successors(last.next_sibling(), SyntaxNode::next_sibling);
        let is_last = behind.all(|node| node.kind() == K::EmptyStmt);
        let block = last.parent()?;
        // The value of a body that is repeated is nobody's.
        let is_repeated = block.parent().is_some_and(|parent| LOOPS.contains(&parent.kind()));
        if !is_last || is_repeated {
            return None;
        }
        ast::ExprStmt::cast(last.clone())?.expr()
    }

    /// Refuses what cannot leave its place.
    fn stays(&self) -> Result<(), String> {
        for node in self.nodes().iter().flat_map(SyntaxNode::descendants) {
            match node.kind() {
                K::ReturnStmt => return Err("`return` would only leave the new function".to_owned()),
                K::BreakStmt | K::ContinueStmt => {
                    let word = if node.kind() == K::BreakStmt { "break" } else { "continue" };
                    let around = node.ancestors().find(|node| LOOPS.contains(&node.kind()));
                    let inside = around.is_some_and(|around| {
                        let (inner, all) = (span(&around), self.range());
                        all.start <= inner.start && inner.end <= all.end
                    });
                    if !inside {
                        return Err(format!("`{word}` is of a loop outside of the selection"));
                    }
                }
                _ => {}
            }
        }
        if self.nodes().iter().any(has_long_text) {
            return Err("a text over several lines depends on where it begins".to_owned());
        }
        Ok(())
    }
}

/// Statements of a block that a range holds whole.
fn statements(node: &SyntaxNode, range: TextRange) -> Option<Vec<SyntaxNode>> {
    let block = node.ancestors().find_map(ast::Block::cast)?;
    let inside = TextRange::new(
        block.opening()?.text_range().end(),
        block.closing().map_or(block.syntax().text_range().end(), |closing| closing.text_range().start()),
    );
    if !inside.contains_range(range) {
        return None;
    }
    let touched = |at: TextRange| at.start() < range.end() && range.start() < at.end();
    let mut nodes = Vec::new();
    for element in block.syntax().children_with_tokens().filter(|element| touched(element.text_range())) {
        // Blanks may be cut, statements and comments may not.
        if element.kind() != K::Whitespace && !range.contains_range(element.text_range()) {
            return None;
        }
        nodes.extend(element.into_node());
    }
    (!nodes.is_empty()).then_some(nodes)
}

/// Refuses an expression that stands for more than its value.
fn is_value(node: &SyntaxNode) -> Result<(), String> {
    let Some(parent) = node.parent() else { return Ok(()) };
    let bodies = [K::Fn, K::IfExpr, K::TryStmt];
    if node.kind() == K::Block && (bodies.contains(&parent.kind()) || LOOPS.contains(&parent.kind())) {
        return Err("select what stands between the braces".to_owned());
    }
    if node.kind() == K::RangeExpr {
        return Err("a range is no value".to_owned());
    }
    let callee = ast::CallExpr::cast(parent.clone()).and_then(|call| call.callee());
    if callee.is_some_and(|callee| callee.syntax() == node) {
        return Err("the name of a function is no value".to_owned());
    }
    let done = places::done_with(node);
    let is_place =
        matches!(node.kind(), K::PathExpr | K::FieldExpr | K::IndexExpr | K::ThisExpr | K::ParenExpr);
    match is_place && (done.called.is_some() || done.assigned.is_some()) {
        true => Err("it is a place that something is done with, and a function gives a copy".to_owned()),
        false => Ok(()),
    }
}
