//! sensai-lsp
